//! A run that dies at its n-th action, before or after the action took effect, for every n there is: the same
//! command again ends in the same node, and a third look finds nothing (law 3).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use sealift_bundle::{Bundle, Verified};
use sealift_node::{Action, Answer, BlobReader, BlobTarget, BoxDuplex, Host, HostError, LocalHost, Query};
use sealift_stream::Digest;

use crate::testkit::{Kit, archive, bundle, go, plan, steps};
use crate::{Compiled, Events, Run, RunOptions};

/// A real host whose link ends for good at one action.
struct Dying {
    host: LocalHost,
    /// Actions until then.
    left: AtomicUsize,
    /// Whether the last action still takes effect.
    after: bool,
}

impl Dying {
    /// Whether the next action is the last, or comes too late.
    fn next(&self) -> Fate {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(1) => Fate::Last,
            Ok(_) => Fate::Lives,
            Err(_) => Fate::Dead,
        }
    }

    fn lost(&self) -> HostError {
        HostError::Timeout { host: self.host.name().to_owned(), doing: "dying".to_owned(), seconds: 0 }
    }
}

enum Fate {
    Lives,
    Last,
    Dead,
}

impl Host for Dying {
    fn name(&self) -> &str {
        self.host.name()
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, HostError>> {
        self.host.query(query)
    }

    fn act(&self, action: Action) -> BoxFuture<'_, Result<Answer, HostError>> {
        match self.next() {
            Fate::Lives => self.host.act(action),
            Fate::Last if self.after => Box::pin(async {
                self.host.act(action).await?;
                Err(self.lost())
            }),
            Fate::Last | Fate::Dead => Box::pin(async { Err(self.lost()) }),
        }
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
        match self.next() {
            Fate::Lives => self.host.put_blob(target, offset, content),
            Fate::Last if self.after => Box::pin(async move {
                self.host.put_blob(target, offset, content).await?;
                Err(self.lost())
            }),
            // half of it arrives
            Fate::Last => Box::pin(async move {
                use tokio::io::AsyncReadExt as _;
                let (_, size) = match &target {
                    BlobTarget::File { digest, size } | BlobTarget::Content { digest, size } => {
                        (*digest, *size)
                    }
                };
                let half: BlobReader = Box::pin(content.take((size - offset) / 2));
                let cut = self.host.put_blob(target, offset, half).await;
                assert!(cut.is_err(), "half a blob was taken for a whole one");
                Err(self.lost())
            }),
            Fate::Dead => Box::pin(async { Err(self.lost()) }),
        }
    }

    fn dial(&self, address: String) -> BoxFuture<'_, Result<BoxDuplex, HostError>> {
        self.host.dial(address)
    }
}

const STEPS: &[&str] = &[
    "{name: swap, swap: {}}",
    "{name: names, hosts: {}}",
    "{name: dir, directory: {path: /etc/app}}",
    "{name: conf, file: {path: /etc/app/conf, content: x}}",
    "{name: old, remove: {paths: [/etc/old]}}",
    "{name: kernel, sysctl: {values: {a.b: '1', a.c: '2'}}}",
    "{name: program, binary: {item: program, path: /usr/local/bin/program}}",
    "{name: tools, archive: {item: tools, dir: /opt, entries: {bin/tool: tool}}}",
    "{name: service, unit: {name: containerd.service, template: containerd/containerd.service.j2, restart_on: [/etc/app/conf]}}",
];

fn kit(bundle: &Arc<Bundle<Verified>>) -> (Kit, Compiled) {
    let mut kit = Kit::new();
    kit.cluster = crate::testkit::cluster(
        &crate::testkit::CLUSTER.lines().filter(|l| !l.contains("w1")).collect::<Vec<_>>().join("\n"),
    );
    kit.bundle = Some(Arc::clone(bundle));
    kit.program("systemctl", crate::testkit::SYSTEMCTL);
    kit.program("tee", "cat > $SEALIFT_ROOT$1");
    kit.program(
        "swapoff",
        "head -1 $SEALIFT_ROOT/proc/swaps > $SEALIFT_ROOT/s; mv $SEALIFT_ROOT/s $SEALIFT_ROOT/proc/swaps",
    );
    kit.put("/units/swap.target", "loaded active static");
    kit.put("/proc/swaps", "Filename Type\n/swapfile file 1 0 -2\n");
    kit.put("/etc/fstab", "/swapfile none swap sw 0 0\n");
    kit.put("/etc/hosts", "127.0.0.1 localhost\n");
    kit.put("/etc/old/deep", "x");
    kit.put("/proc/sys/a/b", "0");
    kit.put("/proc/sys/a/c", "0");
    let compiled = steps(&kit, STEPS);
    (kit, compiled)
}

/// Every file of the node with its content's digest, but for the fixture's own notes of restarts, and the receipt of
/// which start it was: who was killed between the two has none, and needs none.
fn contents(root: &Path) -> BTreeMap<String, Digest> {
    let (mut found, mut dirs) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                if name == "units/log"
                    || name.strip_suffix(".start").is_some()
                    || name.contains("receipts/unit-")
                {
                    continue;
                }
                found.insert(name, Digest::of(&std::fs::read(&path).unwrap()));
            }
        }
    }
    found
}

#[tokio::test]
async fn killed_at_every_action_the_same_command_again_converges() {
    let program: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let tools = archive(&[("bin/tool", b"tool")]);
    let stick = tempfile::tempdir().unwrap();
    let bundle = bundle(stick.path(), &[("program", &program), ("tools", &tools)]).await;
    let (calm, compiled) = kit(&bundle);
    go(&calm, &compiled).await.1.unwrap();
    let want = contents(&calm.path("cp1", ""));
    let mut deaths = 0;
    for after in [false, true] {
        for last in 1.. {
            let (kit, compiled) = kit(&bundle);
            let planned = plan(&kit, &compiled).await.unwrap();
            let host = LocalHost::rooted("cp1", kit.path("cp1", ""));
            let dying = Arc::new(Dying { host, left: AtomicUsize::new(last), after });
            let mut site = kit.site(Events::unheard());
            site.hosts.insert("cp1".to_owned(), dying);
            let run =
                Run { compiled: &compiled, plan: &planned, site: &site, options: RunOptions::default() };
            let died = run.execute().await.is_err();
            let (_, again, _) = go(&kit, &compiled).await;
            again.unwrap_or_else(|error| panic!("death {last}, after {after}: {error}"));
            assert!(plan(&kit, &compiled).await.unwrap().is_empty(), "death {last}, after {after}");
            assert_eq!(contents(&kit.path("cp1", "")), want, "death {last}, after {after}");
            if !died {
                break;
            }
            deaths += 1;
        }
    }
    println!("{deaths} deaths");
    assert!(deaths >= 30, "only {deaths} deaths: the chain has lost its links");
}
