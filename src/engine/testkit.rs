//! For tests: a site whose nodes are directories.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_bundle::{
    BlobKind, BlobSource, BoxBlobStream, Bundle, Item, ItemKind, Lock, LockedBlob, PackOptions, SecretKey,
    Source, Trust, Verified, generate_key, pack, sign,
};
use sealift_cluster::Cluster;
use sealift_node::{Host, LocalHost};
use sealift_stream::{Digest, NoMeter};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::{
    Compiled, Events, Journal, Plan, PlanError, Playbook, Record, Run, RunError, RunOptions, RunReport, Site,
};

/// A control plane and a worker.
pub(crate) const CLUSTER: &str = r"
apiVersion: sealift.dev/v1
kind: Cluster
metadata: {name: plant-7}
spec:
  network: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}
  ssh: {user: ops, identityFile: /k}
  nodes:
    - {name: cp1, role: control-plane, ssh: {address: 10.77.0.11}}
    - {name: w1, role: worker, ssh: {address: 10.77.0.21}}
";

/// Enough of systemctl(1) for a unit's life: state in `/units/NAME` as "load active enabled", a log of what was
/// started in `/units/log`.
pub(crate) const SYSTEMCTL: &str = r#"
cd $SEALIFT_ROOT/units || exit 1
verb=$1; shift
case $verb in
show)
  shift 2; name=$1
  if [ -f $name ]; then read -r load active enabled < $name; else load=not-found active=inactive enabled=; fi
  [ -f ../etc/systemd/system/$name ] && [ $load = not-found ] && load=loaded enabled=disabled
  [ -f $name.start ] && read -r invocation started < $name.start
  echo "InvocationID=$invocation"; echo "ExecMainStartTimestampMonotonic=$started"
  echo "LoadState=$load"; echo "ActiveState=$active"; echo "UnitFileState=$enabled"; echo NeedDaemonReload=no ;;
mask) for name; do echo "masked inactive masked" > $name; done ;;
daemon-reload|reset-failed) ;;
enable) set -- $1 $(cat $1 2>/dev/null || echo loaded inactive); echo "loaded $3 enabled" > $1 ;;
restart)
  echo "restart $1" >> log; set -- $1 $(cat $1); echo "loaded active $4" > $1
  sleep 0.03; read -r up _ < /proc/uptime; echo "$(wc -l < log)st ${up%.*}${up#*.}0000" > $1.start ;;
*) echo "unknown verb $verb" >&2; exit 1 ;;
esac
"#;

pub(crate) fn cluster(text: &str) -> Cluster {
    Cluster::parse(text, "cluster.yaml", None).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Nodes as directories below one temporary directory, by their names.
pub(crate) struct Kit {
    pub(crate) dir: TempDir,
    pub(crate) cluster: Cluster,
    pub(crate) bundle: Option<Arc<Bundle<Verified>>>,
}

impl Kit {
    pub(crate) fn new() -> Self {
        let kit = Self { dir: tempfile::tempdir().unwrap(), cluster: cluster(CLUSTER), bundle: None };
        for node in kit.cluster.nodes() {
            std::fs::create_dir_all(kit.dir.path().join(node.name.as_str()).join("etc")).unwrap();
        }
        kit
    }

    pub(crate) fn path(&self, node: &str, path: &str) -> std::path::PathBuf {
        self.dir.path().join(node).join(path.trim_start_matches('/'))
    }

    /// Puts a file on every node.
    pub(crate) fn put(&self, path: &str, content: &str) {
        for node in self.cluster.nodes() {
            self.put_on(node.name.as_str(), path, content);
        }
    }

    pub(crate) fn put_on(&self, node: &str, path: &str, content: &str) {
        let path = self.path(node, path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Puts a program on every node. It runs on this machine, with `SEALIFT_ROOT` set to the node's directory.
    pub(crate) fn program(&self, name: &str, script: &str) {
        for node in self.cluster.nodes() {
            let path = format!("/usr/local/bin/{name}");
            self.put_on(node.name.as_str(), &path, &format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}"));
            std::fs::set_permissions(self.path(node.name.as_str(), &path), PermissionsExt::from_mode(0o755))
                .unwrap();
        }
    }

    pub(crate) fn read(&self, node: &str, path: &str) -> String {
        std::fs::read_to_string(self.path(node, path))
            .unwrap_or_else(|error| panic!("{path} on {node}: {error}"))
    }

    pub(crate) fn site(&self, events: Events) -> Site {
        let host = |name: &str| -> Arc<dyn Host> { Arc::new(LocalHost::rooted(name, self.path(name, ""))) };
        let hosts = self
            .cluster
            .nodes()
            .iter()
            .map(|n| (n.name.as_str().to_owned(), host(n.name.as_str())))
            .collect();
        Site::new(self.cluster.clone(), self.bundle.clone(), hosts, events).unwrap()
    }

    pub(crate) fn journal(&self) -> (Events, std::path::PathBuf) {
        let journal = Journal::create(&self.dir.path().join("state"), "t").unwrap();
        let path = journal.path().to_owned();
        (Events::new(None, Some(journal)), path)
    }
}

/// A playbook of one play on all nodes with these steps (YAML flow maps, one per line).
pub(crate) fn steps(kit: &Kit, lines: &[&str]) -> Compiled {
    let steps: String = lines.iter().map(|line| ["      - ", line, "\n"].concat()).collect();
    compiled(kit, &format!("name: t\nplays:\n  - name: p\n    on: all\n    steps:\n{steps}"))
}

pub(crate) fn compiled(kit: &Kit, text: &str) -> Compiled {
    Compiled::new(&Playbook::parse(text, "t").unwrap(), &kit.cluster)
}

pub(crate) async fn plan(kit: &Kit, compiled: &Compiled) -> Result<Plan, PlanError> {
    Plan::observe(compiled, &kit.site(Events::unheard())).await
}

/// Plans and runs; the plan, the outcome, and every event.
pub(crate) async fn go(kit: &Kit, compiled: &Compiled) -> (Plan, Result<RunReport, RunError>, Vec<Record>) {
    let plan = plan(kit, compiled).await.unwrap();
    let (result, records) = run(kit, compiled, &plan, RunOptions::default()).await;
    (plan, result, records)
}

pub(crate) async fn run(
    kit: &Kit,
    compiled: &Compiled,
    plan: &Plan,
    options: RunOptions,
) -> (Result<RunReport, RunError>, Vec<Record>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let site = kit.site(Events::new(Some(sender), None));
    let result = Run { compiled, plan, site: &site, options }.execute().await;
    drop(site);
    let mut records = vec![];
    while let Some(record) = receiver.recv().await {
        records.push(record);
    }
    (result, records)
}

/// Applies once, expects `changes`, and expects a second plan and a second run to find nothing.
pub(crate) async fn twice(kit: &Kit, lines: &[&str], changes: usize) -> Plan {
    let compiled = steps(kit, lines);
    let (first, result, _) = go(kit, &compiled).await;
    let report = result.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((first.changes(), report.changes), (changes, changes), "{first:#?}");
    assert!(
        first.steps().all(|(_, step)| step.changes.iter().all(|change| !change.reason.is_empty())),
        "{first:#?}"
    );
    let (second, result, _) = go(kit, &compiled).await;
    assert!(second.is_empty(), "{second:#?}");
    assert_eq!(result.unwrap().changes, 0);
    first
}

/// A signed bundle with these files, and its own trust: packed, signed and opened by the real code.
pub(crate) async fn bundle(dir: &Path, files: &[(&str, &[u8])]) -> Arc<Bundle<Verified>> {
    let digest = |bytes: &[u8]| Digest::of(bytes);
    let items = files.iter().map(|(name, bytes)| Item {
        kind: ItemKind::File,
        name: (*name).to_owned(),
        version: "v1".to_owned(),
        digest: digest(bytes),
        media_type: "application/octet-stream".to_owned(),
        size: bytes.len() as u64,
        platform: None,
        chart: None,
        package: None,
    });
    let blobs = files.iter().map(|(_, bytes)| LockedBlob {
        digest: digest(bytes),
        size: bytes.len() as u64,
        media_type: "application/octet-stream".to_owned(),
        kind: BlobKind::File,
        platform: None,
        source: Source::Inline { base64: STANDARD.encode(bytes) },
    });
    let lock = Lock {
        schema: Lock::SCHEMA,
        name: "core".to_owned(),
        version: "1".to_owned(),
        sequence: 1,
        created: "2026-11-22T19:00:00Z".to_owned(),
        platforms: vec!["linux/amd64".parse().unwrap()],
        kubernetes: "v1.36.4".to_owned(),
        hops: vec![],
        items: items.collect(),
        blobs: blobs.collect(),
    };
    let options = PackOptions { workers: 1, ..PackOptions::default() };
    let packed = pack(&lock.normalise().unwrap(), &Nowhere, dir, &options, &NoMeter).await.unwrap();
    let key = dir.join("test");
    generate_key(&key, None).unwrap();
    sign(&packed.dir, &SecretKey::load(&key.with_extension("sec"), None).unwrap()).unwrap();
    let trust = Trust::from_files(&[key.with_extension("pub")]).unwrap();
    Arc::new(Bundle::open(&packed.dir).unwrap().authenticate(&trust).unwrap())
}

/// There is nothing to be had from outside: all content is in the lock.
struct Nowhere;

impl BlobSource for Nowhere {
    fn open<'a>(
        &'a self,
        blob: &'a LockedBlob,
        _offset: u64,
    ) -> futures::future::BoxFuture<'a, std::io::Result<BoxBlobStream>> {
        Box::pin(async move { Err(std::io::Error::other(format!("{} is not to be had", blob.digest))) })
    }
}

/// A `.tar.gz` by tar(1) of this machine.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let out = dir.path().join("out.tar.gz");
    let mut tar = std::process::Command::new("tar");
    tar.arg("-czf").arg(&out).arg("-C").arg(dir.path().join("in")).args(files.iter().map(|(name, _)| name));
    let status = tar.status().unwrap();
    assert!(status.success());
    std::fs::read(out).unwrap()
}
