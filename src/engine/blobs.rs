//! Blobs on their way from the bundle to a node.

use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use sealift_bundle::{Bundle, BundleError, Verified};
use sealift_node::{BlobReader, BlobTarget, Came, Giver, HostError, Mutate};
use sealift_stream::Digest;
use tokio::sync::mpsc;

use crate::meter::Meter;
use crate::relay::Source;
use crate::{Ctx, StepError};

/// Blobs sent to one node at once: hides the round trips of small ones.
const PARALLEL: usize = 3;
/// Bytes handed on at a time.
const PIECE: usize = 256 << 10;
/// Tries per blob; each goes on where the last one was cut.
const TRIES: u32 = 5;
/// How often it is told how much has come from another node.
const TELL: Duration = Duration::from_millis(500);

/// Sends one blob to the node's blob store, whence `install_blob` and `extract_blob` take it.
pub(crate) async fn send_file(
    ctx: &Ctx<'_>,
    mutate: &Mutate<'_>,
    digest: Digest,
    size: u64,
) -> Result<(), StepError> {
    send(ctx, mutate, &[BlobTarget::File { digest, size }]).await
}

/// Sends blobs, those the node has already left out, an interrupted one from where it was cut; tells the
/// progress in bytes over all of them. Returns when every one of them is whole on the node. What other nodes have
/// comes from there; each node begins elsewhere in the list, so that they soon have something for each other.
pub(crate) async fn send(
    ctx: &Ctx<'_>,
    mutate: &Mutate<'_>,
    targets: &[BlobTarget],
) -> Result<(), StepError> {
    let total = targets.iter().map(BlobTarget::size).sum();
    let meter = Arc::new(Meter::new(ctx.site.events.clone(), ctx.lane(), ctx.step, total));
    // mapped as an iterator of owned targets: a closure over references is not general enough for `Send`
    let turned = targets.iter().cycle().skip(beginning(ctx, targets.len())).take(targets.len());
    let relayed = Arc::new(AtomicU64::new(0));
    let sends = turned.cloned().map(|target| send_one(ctx, mutate, target, &meter, &relayed));
    let mut work = futures::stream::iter(sends).buffer_unordered(PARALLEL);
    while let Some(result) = work.next().await {
        result?;
    }
    let relayed = relayed.load(Ordering::Relaxed);
    if relayed > 0 && targets.len() > 1 {
        ctx.note(format!("{} of {} MB came from other nodes", relayed / 1_000_000, total / 1_000_000));
    }
    Ok(())
}

/// Where in a list of so many this node begins.
fn beginning(ctx: &Ctx<'_>, count: usize) -> usize {
    let nodes = ctx.cluster().nodes();
    let place = nodes.iter().position(|node| Some(&node.name) == ctx.node().map(|node| &node.name));
    place.unwrap_or(0) * count / nodes.len().max(1)
}

async fn send_one(
    ctx: &Ctx<'_>,
    mutate: &Mutate<'_>,
    target: BlobTarget,
    meter: &Arc<Meter>,
    relayed: &AtomicU64,
) -> Result<(), StepError> {
    let (digest, size) = (target.digest(), target.size());
    let (mut tries, mut mixed) = (0, false);
    loop {
        let offset = mutate.blob_offset(target.clone()).await?;
        meter.add(offset);
        if offset >= size && size > 0 {
            ctx.site.relay.has(mutate.name(), digest);
            return Ok(());
        }
        let way = async { Ok(ctx.site.relay.way(mutate.name(), &target).await) };
        let way = ctx.leave_when_asked(way).await?;
        let began = Instant::now();
        if let Source::Node(from) = way.from.clone() {
            let giver = ctx.leave_when_asked(ctx.site.relay.giver(ctx.site, &from, way.growing)).await;
            let giver = match giver {
                Ok(giver) => giver,
                Err(StepError::Stopped) => return Err(StepError::Stopped),
                // it gives nobody anything
                Err(error) => {
                    way.gone();
                    meter.take_back(offset);
                    ctx.note(format!("not from {from}: {error}; it comes another way"));
                    continue;
                }
            };
            let came = Came::default();
            match fetch(ctx, mutate, &target, giver, &came, meter).await {
                Ok(true) => {
                    meter.add((size - offset).saturating_sub(came.load(Ordering::Relaxed)));
                    relayed.fetch_add(size - offset, Ordering::Relaxed);
                    way.arrived(size - offset, began.elapsed());
                    return Ok(());
                }
                // it was dropped there as soon as it was installed
                Ok(false) => {
                    way.gone();
                    meter.take_back(offset);
                    continue;
                }
                Err(StepError::Stopped) => return Err(StepError::Stopped),
                Err(error) => {
                    way.failed();
                    mixed = true;
                    meter.take_back(offset + came.load(Ordering::Relaxed));
                    ctx.note(format!("not from {from}: {error}; it comes another way"));
                    continue;
                }
            }
        }
        let sent = Arc::new(AtomicU64::new(offset));
        let broken = Arc::new(Mutex::new(None));
        let content =
            reader(ctx.bundle()?, digest, offset, Arc::clone(meter), Arc::clone(&sent), Arc::clone(&broken));
        let put = async { Ok(mutate.put_blob(target.clone(), offset, content).await) };
        // what has arrived stays there, and the next run sends the rest
        let result = ctx.leave_when_asked(put).await?;
        if let Some(error) = broken.lock().ok().and_then(|mut broken| broken.take()) {
            // whatever the node says of the half it got, the cause is the stick
            return Err(StepError::below(format!("reading blob {} from the bundle", digest.short()))(error));
        }
        match result {
            Ok(()) => {
                way.arrived(size - offset, began.elapsed());
                return Ok(());
            }
            // what another node gave of it may have been wrong; it was thrown away with the rest
            Err(HostError::Damaged { .. }) if std::mem::take(&mut mixed) => {
                meter.take_back(sent.load(Ordering::Relaxed));
            }
            Err(error) if error.is_transient() && tries < TRIES => {
                tries += 1;
                meter.take_back(sent.load(Ordering::Relaxed));
                ctx.note(format!("sending blob {} was cut: {error}; going on", digest.short()));
                // nothing is on its way meanwhile: others need not wait for it
                drop(way);
                let pause = async {
                    tokio::time::sleep(Duration::from_secs(1 << tries)).await;
                    Ok(())
                };
                ctx.leave_when_asked(pause).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Has the node take a blob from another one, and tells how much of it has come.
async fn fetch(
    ctx: &Ctx<'_>,
    mutate: &Mutate<'_>,
    target: &BlobTarget,
    giver: Giver,
    came: &Came,
    meter: &Meter,
) -> Result<bool, StepError> {
    let fetched = async { Ok(mutate.fetch_blob(target.clone(), giver, Arc::clone(came)).await?) };
    let fetched = ctx.leave_when_asked(fetched);
    tokio::pin!(fetched);
    let mut told = 0;
    loop {
        let ended = tokio::select! {
            ended = &mut fetched => Some(ended),
            () = tokio::time::sleep(TELL) => None,
        };
        let now = came.load(Ordering::Relaxed);
        meter.add(now - told);
        told = now;
        if let Some(ended) = ended {
            return ended;
        }
    }
}

/// A blob as an asynchronous stream. The bundle reads and checks a chunk on a thread that may block; four
/// pieces may wait between the two, so that memory stays flat whatever the blob's size (law 8).
fn reader(
    bundle: &Arc<Bundle<Verified>>,
    digest: Digest,
    offset: u64,
    meter: Arc<Meter>,
    sent: Arc<AtomicU64>,
    broken: Arc<Mutex<Option<BundleError>>>,
) -> BlobReader {
    let (sender, receiver) = mpsc::channel::<std::io::Result<bytes::Bytes>>(4);
    let bundle = Arc::clone(bundle);
    tokio::task::spawn_blocking(move || {
        let fail = |error: BundleError| {
            let said = std::io::Error::other(error.to_string());
            if let Ok(mut broken) = broken.lock() {
                *broken = Some(error);
            }
            let _ = sender.blocking_send(Err(said));
        };
        let mut source = match bundle.blob_from(&digest, offset) {
            Ok(source) => source,
            Err(error) => return fail(error),
        };
        loop {
            let mut piece = vec![0; PIECE];
            match source.read(&mut piece) {
                Ok(0) => return,
                Ok(count) => piece.truncate(count),
                Err(error) => return fail(bundle_error(error, &bundle)),
            }
            if sender.blocking_send(Ok(piece.into())).is_err() {
                return; // the transfer was given up
            }
        }
    });
    let stream = futures::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|item| (item, receiver))
    });
    let stream = stream.inspect(move |item: &std::io::Result<bytes::Bytes>| {
        if let Ok(piece) = item {
            meter.add(piece.len() as u64);
            sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
    });
    Box::pin(tokio_util::io::StreamReader::new(Box::pin(stream)))
}

/// The bundle's own error inside an `io::Error`; one of another kind as what it is, with the bundle's folder.
fn bundle_error(error: std::io::Error, bundle: &Bundle<Verified>) -> BundleError {
    error.downcast().unwrap_or_else(|source| BundleError::Io {
        doing: "reading",
        path: bundle.dir().to_owned(),
        source,
    })
}
