//! Locks of made-up content, keys, and bundles made of both.

pub(crate) mod generated;
pub(crate) mod image;
pub(crate) mod source;

use std::fs;
use std::path::{Path, PathBuf};

use generated::{Content, Generated};
use sealift_bundle::{
    BlobKind, Bundle, Item, ItemKind, Lock, LockedBlob, PackOptions, Packed, SecretKey, Source, Trust,
    Verified, generate_key, pack, sign,
};
use sealift_stream::NoMeter;

/// A lock without anything in it.
pub(crate) fn empty_lock(name: &str) -> Lock {
    Lock {
        schema: Lock::SCHEMA,
        name: name.into(),
        version: "1.0.0-1".into(),
        sequence: 1,
        created: "2026-11-22T19:00:00Z".into(),
        platforms: vec!["linux/amd64".parse().expect("is a platform")],
        kubernetes: "v1.36.4".into(),
        hops: vec![],
        items: vec![],
        blobs: vec![],
    }
}

/// Adds a file of made-up content.
pub(crate) fn add_file(lock: &mut Lock, name: &str, content: Content) {
    let (digest, size, media_type) = (content.digest(), content.size, "application/octet-stream".to_owned());
    lock.blobs.push(LockedBlob {
        digest,
        size,
        media_type: media_type.clone(),
        kind: BlobKind::File,
        platform: None,
        source: Source::Url { url: content.url() },
    });
    lock.items.push(Item {
        kind: ItemKind::File,
        name: name.into(),
        version: "1".into(),
        digest,
        media_type,
        size,
        platform: None,
        chart: None,
        package: None,
    });
}

/// A lock of a few files of these sizes.
pub(crate) fn files(sizes: &[u64]) -> Lock {
    let mut lock = empty_lock("files");
    for (seed, &size) in sizes.iter().enumerate() {
        let content = Content { seed: seed as u64, size, sparse: false };
        add_file(&mut lock, &format!("file-{seed}"), content);
    }
    lock.normalise().expect("is a lock")
}

/// Small volumes, so that a test has several. Leaked, so that it outlives any run.
pub(crate) fn options(workers: usize, volume_chunks: u64) -> &'static PackOptions {
    let volume_size = volume_chunks * sealift_bundle::CHUNK_SIZE;
    Box::leak(Box::new(PackOptions { workers, volume_size, resume: true }))
}

pub(crate) async fn pack_generated(lock: &Lock, folder: &Path, options: &PackOptions) -> Packed {
    pack(lock, &Generated, folder, options, &NoMeter).await.expect("packs")
}

/// A key pair in `folder`: the secret key and the public key's file.
pub(crate) fn key(folder: &Path, name: &str) -> (SecretKey, PathBuf) {
    let stem = folder.join(name);
    generate_key(&stem, None).expect("makes a key");
    let secret = SecretKey::load(&folder.join(format!("{name}.sec")), None).expect("loads the key");
    (secret, folder.join(format!("{name}.pub")))
}

/// A signed bundle in a folder of its own.
pub(crate) struct Signed {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) dir: PathBuf,
    pub(crate) trust: Trust,
    pub(crate) public: PathBuf,
}

impl Signed {
    /// Packs and signs.
    pub(crate) async fn of(lock: &Lock, options: &PackOptions) -> Self {
        let folder = tempfile::tempdir().expect("makes a folder");
        let dir = pack_generated(lock, folder.path(), options).await.dir;
        let (secret, public) = key(folder.path(), "test");
        sign(&dir, &secret).expect("signs");
        let trust = Trust::from_files(&[&public]).expect("loads the public key");
        Self { folder, dir, trust, public }
    }

    pub(crate) fn open(&self) -> Result<Bundle<Verified>, sealift_bundle::BundleError> {
        Bundle::open(&self.dir)?.authenticate(&self.trust)
    }

    /// Opens and verifies; the error's text.
    pub(crate) fn refusal(&self) -> String {
        let error = match self.open() {
            Ok(bundle) => bundle.verify(2, &NoMeter).expect_err("a bad bundle was taken"),
            Err(error) => error,
        };
        assert!(error.is_integrity(), "not an integrity error: {error}");
        error.to_string()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Flips one bit of a file.
pub(crate) fn flip(path: &Path, byte: u64, bit: u8) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("opens");
    let mut one = [0];
    file.read_exact_at(&mut one, byte).expect("reads");
    file.write_all_at(&[one[0] ^ (1 << bit)], byte).expect("writes");
}
