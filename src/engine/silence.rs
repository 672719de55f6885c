//! An API that does not answer: how long it is waited for.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{StepError, Stop};

/// How long what does not answer is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// With what has answered before.
    silence: Duration,
    /// With anything when the run is to end.
    soon: Duration,
    /// Until it is asked again.
    again: Duration,
}

/// With the API: etcd elects in 5 s, a pod of kubelet's starts anew in 10 to 20 s and after a second failure in a minute
/// more, and a slow server is slow when everything begins at once.
pub(crate) const WITH_THE_API: Patience =
    Patience { silence: Duration::from_mins(2), soon: Duration::from_secs(5), again: Duration::from_secs(1) };

impl Patience {
    /// Asks until something answers. What has `answered` in this run is waited for: it is being started anew, or etcd is
    /// choosing its leader. The silence of one that never did is an observation. When somebody asks the run to end, an
    /// answer must come soon, or the step is left ([`StepError::Stopped`]).
    pub(crate) async fn outlast<T, F>(
        self,
        answered: bool,
        stop: &Stop,
        mut ask: impl FnMut() -> F,
    ) -> Result<Option<T>, StepError>
    where
        F: Future<Output = Result<Option<T>, StepError>>,
    {
        let until = Instant::now() + if answered { self.silence } else { Duration::ZERO };
        let asking = async {
            loop {
                let found = ask().await?;
                if found.is_some() || Instant::now() >= until {
                    return Ok(found);
                }
                sleep(self.again).await;
            }
        };
        let left = async {
            stop.wait().await;
            sleep(self.soon).await;
        };
        tokio::select! {
            biased;
            found = asking => found,
            () = left => Err(StepError::Stopped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes would be too long, and a busy machine is late: what must come first here is ten times sooner.
    const SHORT: Patience = Patience {
        silence: Duration::from_secs(6),
        soon: Duration::from_secs(2),
        again: Duration::from_millis(10),
    };
    const NEVER: Duration = Duration::from_mins(5);

    /// Asks something that says nothing until some time has passed: "no" at once or, if it `hangs`, nothing at all.
    async fn asked(
        answered: bool,
        stop: &Stop,
        after: Duration,
        hangs: bool,
    ) -> Result<Option<()>, StepError> {
        let ready = Instant::now() + after;
        let ask = || async move {
            if hangs {
                tokio::time::sleep_until(ready).await;
            }
            Ok((Instant::now() >= ready).then_some(()))
        };
        SHORT.outlast(answered, stop, ask).await
    }

    #[tokio::test]
    async fn who_has_answered_is_waited_for_and_who_has_not_is_not() {
        let stop = Stop::new();
        let blink = Duration::from_secs(1);
        assert!(matches!(asked(false, &stop, blink, false).await, Ok(None)));
        assert!(matches!(asked(true, &stop, blink, false).await, Ok(Some(()))));
        assert!(matches!(asked(false, &stop, blink, true).await, Ok(Some(()))));
        let began = Instant::now();
        assert!(matches!(asked(true, &stop, NEVER, false).await, Ok(None)));
        assert!(began.elapsed() >= SHORT.silence);
    }

    #[tokio::test]
    async fn a_wait_is_left_soon_after_somebody_asks() {
        for hangs in [false, true] {
            let stop = Stop::new();
            let later = stop.clone();
            tokio::spawn(async move {
                sleep(Duration::from_millis(50)).await;
                later.ask("SIGINT");
            });
            assert!(matches!(asked(true, &stop, NEVER, hangs).await, Err(StepError::Stopped)));
        }
    }

    /// What is at work when somebody asks needs the API to come to its safe point.
    #[tokio::test]
    async fn an_answer_that_comes_soon_is_taken_although_somebody_has_asked() {
        let stop = Stop::new();
        stop.ask("SIGINT");
        for answered in [false, true] {
            assert!(matches!(asked(answered, &stop, Duration::from_millis(60), true).await, Ok(Some(()))));
            assert!(matches!(asked(answered, &stop, NEVER, true).await, Err(StepError::Stopped)));
        }
    }
}
