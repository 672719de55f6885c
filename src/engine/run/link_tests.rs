//! A link that is lost in the middle of a step, and comes back or does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use sealift_node::{Action, Answer, BlobReader, BlobTarget, BoxDuplex, Host, HostError, LocalHost, Query};
use tokio::time::Instant;

use crate::testkit::{Kit, plan, steps};
use crate::{Events, Run, RunError, RunOptions, StepError};

/// How long these runs wait for it.
const LINK: Duration = Duration::from_secs(3);

/// A real host whose first change takes effect and is never heard of, and whose link is away for some time then.
struct Cut {
    host: LocalHost,
    acts: AtomicUsize,
    away: Duration,
    back: std::sync::Mutex<Option<Instant>>,
}

impl Cut {
    fn new(kit: &Kit, away: Duration) -> Arc<Self> {
        let host = LocalHost::rooted("cp1", kit.path("cp1", ""));
        Arc::new(Self { host, acts: AtomicUsize::new(0), away, back: None.into() })
    }

    fn lost(&self) -> Option<HostError> {
        let away = self.back.lock().unwrap().is_some_and(|back| Instant::now() < back);
        let (host, doing) = (self.host.name().to_owned(), "working".to_owned());
        away.then(|| HostError::LinkLost { host, doing, why: "the cable is out".to_owned() })
    }
}

impl Host for Cut {
    fn name(&self) -> &str {
        self.host.name()
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, HostError>> {
        Box::pin(async move {
            match self.lost() {
                Some(error) => Err(error),
                None => self.host.query(query).await,
            }
        })
    }

    fn act(&self, action: Action) -> BoxFuture<'_, Result<Answer, HostError>> {
        Box::pin(async move {
            if let Some(error) = self.lost() {
                return Err(error);
            }
            let answer = self.host.act(action).await;
            if self.acts.fetch_add(1, Ordering::SeqCst) == 0 {
                *self.back.lock().unwrap() = Some(Instant::now() + self.away);
            }
            self.lost().map_or(answer, Err)
        })
    }

    fn blob_offset(&self, target: BlobTarget) -> BoxFuture<'_, Result<u64, HostError>> {
        self.host.blob_offset(target)
    }

    fn put_blob(
        &self,
        target: BlobTarget,
        offset: u64,
        content: BlobReader,
    ) -> BoxFuture<'_, Result<(), HostError>> {
        self.host.put_blob(target, offset, content)
    }

    fn dial(&self, address: String) -> BoxFuture<'_, Result<BoxDuplex, HostError>> {
        self.host.dial(address)
    }
}

/// Runs one step on `cp1` over a link that goes away for so long; how it ended, how long it took, how many acts.
async fn cut(kit: &Kit, away: Duration) -> (Result<(), RunError>, Duration, usize) {
    let story = steps(kit, &["{name: conf, file: {path: /etc/conf, content: x}}"]);
    let planned = plan(kit, &story).await.unwrap();
    let host = Cut::new(kit, away);
    let mut site = kit.site(Events::unheard());
    site.hosts.insert("cp1".to_owned(), Arc::clone(&host) as Arc<dyn Host>);
    let began = Instant::now();
    let run = Run {
        compiled: &story,
        plan: &planned,
        site: &site,
        options: RunOptions { link: LINK, ..RunOptions::default() },
    };
    let ended = run.execute().await.map(drop);
    (ended, began.elapsed(), host.acts.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_link_that_comes_back_is_waited_for_and_the_step_looked_at_again() {
    let kit = Kit::new();
    let (ended, took, acts) = cut(&kit, LINK / 2).await;
    ended.unwrap();
    assert!(took >= LINK / 2, "{took:?}");
    assert_eq!((kit.read("cp1", "/etc/conf").as_str(), acts), ("x", 1), "what took effect is not done twice");
}

#[tokio::test]
async fn one_that_does_not_is_an_error_in_bounded_time() {
    let kit = Kit::new();
    let (ended, took, _) = cut(&kit, Duration::from_hours(1)).await;
    let Err(RunError::Failed { failures, .. }) = ended else { panic!("{ended:?}") };
    assert!(
        matches!(&failures[0].error, StepError::LinkGone { waited: 3, goes_on: None, .. }),
        "{failures:?}"
    );
    assert!((LINK..LINK * 5).contains(&took), "{took:?}");
    let said = failures[0].to_string();
    assert!(said.contains("the cable is out") && said.contains("within 3 s"), "{said}");
}
