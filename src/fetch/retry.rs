//! One budget of patience per item, shared by everything that is asked on its behalf.

use std::time::{Duration, Instant};

use crate::FetchError;

/// How patient to be.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The pause after the first failure; doubled after each, with jitter.
    pub first_pause: Duration,
    /// No pause is longer, whatever a server wishes.
    pub longest_pause: Duration,
    /// No new attempt begins later than this after the first.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_pause: Duration::from_millis(300),
            longest_pause: Duration::from_secs(30),
            total: Duration::from_mins(3),
        }
    }
}

/// What is left of the patience for one item.
#[derive(Debug)]
pub(crate) struct Budget {
    patience: Patience,
    attempts: u32,
    started: Instant,
}

impl Budget {
    /// A fresh budget.
    pub(crate) fn new(patience: Patience) -> Self {
        Self { patience, attempts: 0, started: Instant::now() }
    }

    /// Runs `attempt` until it succeeds, fails for good, or the budget is spent.
    pub(crate) async fn run<T, Fut>(&mut self, mut attempt: impl FnMut() -> Fut) -> Result<T, FetchError>
    where
        Fut: Future<Output = Result<T, FetchError>>,
    {
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => self.pause(error).await?,
            }
        }
    }

    /// Waits before the next attempt, or gives the error back because there is none.
    pub(crate) async fn pause(&mut self, error: FetchError) -> Result<(), FetchError> {
        if !error.is_transient() {
            return Err(error);
        }
        self.attempts += 1;
        let pause = self.next_pause(error.retry_after());
        let spent = self.started.elapsed();
        if self.attempts >= self.patience.attempts || spent + pause > self.patience.total {
            return Err(FetchError::Exhausted { attempts: self.attempts, spent, last: Box::new(error) });
        }
        tracing::info!(attempt = self.attempts, pause_ms = pause.as_millis(), "trying again: {error}");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Exponential with full jitter in its upper half, so that eight workers do not come back together;
    /// a server's wish is a lower bound.
    fn next_pause(&self, wish: Option<Duration>) -> Duration {
        let doublings = self.attempts.saturating_sub(1).min(16);
        let base = self.patience.first_pause.saturating_mul(1 << doublings).min(self.patience.longest_pause);
        let jittered = base.mul_f64(rand::random_range(0.5..1.0));
        wish.map_or(jittered, |wish| wish.max(jittered)).min(self.patience.longest_pause)
    }
}

/// Seconds of a `Retry-After` header; its date form is read as "no wish", the budget's own pause applies.
pub(crate) fn retry_after(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Budget, Patience, retry_after};
    use crate::FetchError;

    fn status(status: u16) -> FetchError {
        FetchError::Status { url: "https://x/".into(), status, retry_after: None, message: String::new() }
    }

    fn quick() -> Budget {
        Budget::new(Patience { attempts: 3, first_pause: Duration::from_millis(1), ..Patience::default() })
    }

    #[tokio::test]
    async fn gives_up_after_its_attempts_and_says_how_many() {
        let mut tries = 0;
        let result = quick()
            .run(|| {
                tries += 1;
                std::future::ready(Err::<(), _>(status(503)))
            })
            .await;
        assert!(matches!(result, Err(FetchError::Exhausted { attempts: 3, .. })), "{result:?}");
        assert_eq!(tries, 3);
    }

    #[tokio::test]
    async fn does_not_try_again_what_will_not_change() {
        let mut tries = 0;
        let result = quick()
            .run(|| {
                tries += 1;
                std::future::ready(Err::<(), _>(status(404)))
            })
            .await;
        assert!(matches!(result, Err(FetchError::Status { status: 404, .. })));
        assert_eq!(tries, 1);
    }

    #[test]
    fn a_wish_beyond_reason_is_cut() {
        let mut budget = quick();
        budget.attempts = 1;
        assert_eq!(budget.next_pause(retry_after(" 86400 ")), Duration::from_secs(30));
        assert_eq!(budget.next_pause(retry_after("2")), Duration::from_secs(2));
        assert!(budget.next_pause(retry_after("Wed, 21 Oct 2026 07:28:00 GMT")) < Duration::from_secs(1));
        budget.attempts = u32::MAX;
        assert!(budget.next_pause(None) <= Duration::from_secs(30));
    }
}
