//! An operator's desk: a small signed bundle, keys, cluster files, and everything that is none of these.

use std::fs;
use std::path::Path;

use sealift_bundle::{
    BlobSource, BoxBlobStream, Lock, LockedBlob, PackOptions, SecretKey, generate_key, pack, sign,
};
use sealift_stream::NoMeter;
use tempfile::TempDir;

/// A host key that no server has.
pub(super) const NOBODY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB17WsHfdX2mQEAx6cSX505TEmHdRl4dDgn3I2Ulau3L";

pub(super) struct Desk(TempDir);

impl Desk {
    pub(super) fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for (name, password) in [("plant", None), ("other", None), ("locked", Some("right".to_owned()))] {
            generate_key(&desk.dir().join(name), password).unwrap();
        }
        desk.put("password-right", "right\n");
        desk.put("password-wrong", "wrong\n");
        desk.put("empty", "");
        desk.put("rubbish", [0xff_u8, 0xfe, 0, 1].repeat(100));
        desk.put("broken.yaml", "a: [\n");
        desk.put("c.yaml", desk.cluster(1, NOBODY, "id"));
        desk.put("typo.yaml", desk.cluster(1, NOBODY, "id").replace("podSubnet", "podSubmet"));
        fs::create_dir(desk.dir().join("folder")).unwrap();
        desk.bundle();
        desk
    }

    pub(super) fn dir(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.dir().join(name), content).unwrap();
    }

    /// A cluster file with one server on loopback.
    #[expect(clippy::unused_self, reason = "reads as what it is: a file on this desk")]
    pub(super) fn cluster(&self, port: u16, host_key: &str, identity: &str) -> String {
        let pin = if host_key.is_empty() { String::new() } else { format!(", hostKey: \"{host_key}\"") };
        format!(
            "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {{name: plant-7}}\nspec:\n  \
             network: {{podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}}\n  \
             ssh: {{user: root, identityFile: {identity}}}\n  nodes:\n    \
             - {{name: cp1, role: control-plane, ssh: {{address: 127.0.0.1, port: {port}{pin}}}}}\n"
        )
    }

    /// Every path on it.
    pub(super) fn listing(&self) -> Vec<String> {
        fn walk(dir: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                found.push(path.display().to_string());
                if path.is_dir() {
                    walk(&path, found);
                }
            }
        }
        let mut found = vec![];
        walk(self.dir(), &mut found);
        found.sort();
        found
    }

    /// `stick/core-1.sealift`, with nothing in it: nobody comes so far as to read content.
    fn bundle(&self) {
        let lock = Lock {
            schema: Lock::SCHEMA,
            name: "core".to_owned(),
            version: "1".to_owned(),
            sequence: 1,
            created: "2026-11-22T19:00:00Z".to_owned(),
            platforms: vec!["linux/amd64".parse().unwrap()],
            kubernetes: "v1.36.4".to_owned(),
            hops: vec![],
            items: vec![],
            blobs: vec![],
        };
        let stick = self.dir().join("stick");
        fs::create_dir(&stick).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let lock = lock.normalise().unwrap();
        let options = PackOptions { workers: 1, ..PackOptions::default() };
        let packed = runtime.block_on(pack(&lock, &Nowhere, &stick, &options, &NoMeter)).unwrap();
        sign(&packed.dir, &SecretKey::load(&self.dir().join("plant.sec"), None).unwrap()).unwrap();
    }
}

/// There is nothing to be fetched.
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
