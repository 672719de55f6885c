//! From trying a network to keeping it, or to being sure that the old one is back.

use std::net::IpAddr;
use std::time::Duration;

use sealift_node::{Command, HostError, Mutate, Trial, TrialState};
use tokio::time::{Instant, sleep, timeout};

use super::{Seen, look};
use crate::network::Link;
use crate::{Ctx, StepError};

/// So long before the node goes back by itself nobody begins to say that it shall stay.
const MARGIN: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_secs(1);

/// How long the way back may take when its time has come.
const WAY_BACK: Duration = Duration::from_mins(1);

/// An undoing goes on without us, and its answer may have no way any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tries it, comes in anew, looks, keeps it.
pub(super) async fn settle(
    mutate: &Mutate<'_>,
    ctx: &Ctx<'_>,
    seen: &Seen,
    trial: Trial,
) -> Result<(), StepError> {
    let seconds = trial.seconds;
    let began = Instant::now();
    let id = mutate.try_network(trial).await?;
    let place = ctx.node().map(|node| node.ssh.address.to_string()).unwrap_or_default();
    ctx.note(format!("trying it; unless the node answers at {place}, it goes back by itself in {seconds} s"));
    let until = began + Duration::from_secs(seconds).saturating_sub(MARGIN);
    let why = match answers(mutate, seen, &id, until).await {
        Ok(()) => match mutate.keep_network(&id).await {
            Ok(()) => return Ok(()),
            Err(error) => error.to_string(),
        },
        Err(why) => why,
    };
    let limit = began + Duration::from_secs(seconds) + WAY_BACK;
    gone_back(mutate, ctx, seen, why, limit).await
}

/// Whether the node answers where it is to answer, over a connection made after the change, and has what it is to
/// have. The last reason why not, when the time is up.
async fn answers(mutate: &Mutate<'_>, seen: &Seen, id: &str, until: Instant) -> Result<(), String> {
    let mut why = "nothing was heard of it".to_owned();
    while Instant::now() < until {
        sleep(AGAIN).await;
        why = match once(mutate, seen, id).await {
            Ok(None) => return Ok(()),
            Ok(Some(Wait::ForIt(why))) => why,
            Ok(Some(Wait::NoMore(why))) => return Err(why),
            Err(error) => error.to_string(),
        };
    }
    Err(why)
}

/// Whether waiting may help.
enum Wait {
    ForIt(String),
    NoMore(String),
}

async fn once(mutate: &Mutate<'_>, seen: &Seen, id: &str) -> Result<Option<Wait>, HostError> {
    mutate.reach_anew().await?;
    let record = mutate.trial().await?.filter(|record| record.id == id);
    match record.map(|record| record.state) {
        None => return Ok(Some(Wait::NoMore("its time was up".to_owned()))),
        Some(TrialState::Armed) => return Ok(Some(Wait::ForIt("it was not tried yet".to_owned()))),
        Some(TrialState::Failed(why)) => return Ok(Some(Wait::NoMore(why))),
        Some(TrialState::Tried | TrialState::Keeping) => {}
    }
    let live = match look::live(mutate).await {
        Ok(live) => live,
        Err(StepError::Host(error)) => return Err(error),
        Err(other) => return Ok(Some(Wait::ForIt(other.to_string()))),
    };
    // the sizes of packets are looked at again when all is done
    let missing = seen.links.iter().find_map(|link| {
        let link = Link { mtu: None, ..link.clone() };
        live.carrier(&link).or_else(|| live.missing(&link).into_iter().next())
    });
    if let Some(missing) = missing {
        return Ok(Some(Wait::ForIt(missing)));
    }
    for link in &seen.links {
        for (_, router) in link.all_routes() {
            if !router_answers(mutate, &link.device(), router).await? {
                let why = format!("nobody answers for the router {router} on {}", link.device());
                return Ok(Some(Wait::ForIt(why)));
            }
        }
    }
    // that was a connection from before the kernel was asked, perhaps from before the change
    mutate.reach_anew().await?;
    Ok(None)
}

/// Has the kernel look for a router on one interface, and asks whether it found it.
async fn router_answers(mutate: &Mutate<'_>, device: &str, router: IpAddr) -> Result<bool, HostError> {
    let address = match router {
        IpAddr::V4(v4) => format!("{v4}:9"),
        IpAddr::V6(v6) => format!("[{v6}]:9"),
    };
    let router = router.to_string();
    // what the kernel still knows of one that has gone is no answer; an entry that somebody made by hand stays
    mutate.run(Command::new(["ip", "neigh", "flush", "to", &router, "dev", device])).await?;
    // whatever comes of the connection, its first packet needs the router's MAC address
    mutate.reachable(&address).await?;
    let argv = ["ip", "neigh", "show", "to", &router, "dev", device];
    Ok(mutate.run(Command::new(argv)).await?.stdout.contains("lladdr"))
}

/// Waits until the node is on its old network again, and says so.
async fn gone_back(
    mutate: &Mutate<'_>,
    ctx: &Ctx<'_>,
    seen: &Seen,
    why: String,
    limit: Instant,
) -> Result<(), StepError> {
    ctx.note(format!("{why}; the node goes back to its old network"));
    let mut undoing = true;
    while Instant::now() < limit {
        match mutate.trial().await {
            Ok(None) if kept(mutate, seen).await => return Ok(()),
            Ok(None) => return Err(no(ctx, seen, &why, "the old network is back")),
            Ok(Some(_)) if undoing => {
                // it can be reached: nobody need wait for the timer. The link may end with this.
                undoing = false;
                drop(timeout(PATIENCE, mutate.undo_network()).await);
            }
            Ok(Some(_)) | Err(_) => {}
        }
        sleep(AGAIN).await;
        // what is left of the new network's connections is of no use on the old one
        drop(mutate.reach_anew().await);
    }
    Err(no(
        ctx,
        seen,
        &why,
        "it could not be asked whether the old network is back; the node does that by itself",
    ))
}

/// Whether the word that it shall stay had arrived, though its answer was lost.
async fn kept(mutate: &Mutate<'_>, seen: &Seen) -> bool {
    for file in &seen.files {
        let now = mutate.read_file(&file.written.lasting, 1 << 20).await;
        if !matches!(now, Ok(Some(text)) if text == file.written.text.as_bytes()) {
            return false;
        }
    }
    // files that were right before say nothing about what is tried
    seen.files.iter().any(|file| file.differs.is_some())
}

fn no(ctx: &Ctx<'_>, seen: &Seen, why: &str, state: &str) -> StepError {
    let devices: Vec<String> = seen.links.iter().map(Link::device).collect();
    StepError::Refused {
        what: format!("network of {} on {}", devices.join(", "), ctx.lane()),
        why: format!("tried and not kept: {why}; {state}"),
        next: Some("mend `network` in the cluster file, then run the same command again".to_owned()),
    }
}
