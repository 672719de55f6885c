//! Giving blobs to other nodes, and taking them from one.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::LocalHost;
use crate::error::Context as _;
use crate::host::BlobReader;
use crate::patient::Patient;
use crate::relay::{Came, Challenge, Given, Giver, RelayKey, Wanted};
use crate::{BlobTarget, HostError, containerd, frame};

/// A word of the conversation; strangers get no longer, either.
const WORD: Duration = Duration::from_secs(5);
/// The longest word.
const LETTERS: u32 = 4096;
/// A transfer that stands still for so long is given up by both sides: the operator's own link is the better way then.
pub(super) const STALL: Duration = Duration::from_secs(15);
/// Connections at once, strangers' included.
const AT_ONCE: usize = 32;
/// Bytes handed on at a time.
pub(super) const PIECE: usize = 256 << 10;

/// Where this machine gives blobs, once it does.
pub(super) type Giving = tokio::sync::Mutex<Option<SocketAddr>>;

impl LocalHost {
    /// Listens on one of this machine's addresses until this process ends; says where.
    pub(super) async fn give(&self, address: IpAddr, key: RelayKey) -> Result<SocketAddr, HostError> {
        let mut giving = self.giving.lock().await;
        if let Some(at) = *giving {
            return Ok(at);
        }
        let what = || format!("listening on {address} for other nodes");
        let listener = TcpListener::bind((address, 0)).await.on(&self.name, what)?;
        let at = listener.local_addr().on(&self.name, what)?;
        *giving = Some(at);
        let host = self.clone();
        tokio::spawn(async move { host.take_callers(listener, key).await });
        Ok(at)
    }

    async fn take_callers(self, listener: TcpListener, key: RelayKey) {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // out of descriptors: some will be given back
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (host, key) = (self.clone(), key.clone());
            tokio::spawn(async move {
                if let Err(error) = host.hand_out(stream, &key).await {
                    tracing::debug!(%error, "giving a blob ended");
                }
                drop(turn);
            });
        }
    }

    async fn hand_out(&self, mut stream: TcpStream, key: &RelayKey) -> io::Result<()> {
        let challenge = Challenge::new();
        frame::send(&mut stream, &challenge).await?;
        let wanted: Wanted = timeout(WORD, frame::receive_within(&mut stream, LETTERS)).await??;
        if !challenge.is_answered(key, &wanted) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "no proof of the run's key"));
        }
        let found = match &wanted.target {
            BlobTarget::File { digest, size } if wanted.growing => {
                self.behind(*digest, *size, wanted.offset).await
            }
            target => self.open_blob(target, wanted.offset).await,
        };
        let found = found.map_err(io::Error::other)?;
        let Some(mut content) = found else { return frame::send(&mut stream, &Given::Missing).await };
        frame::send(&mut stream, &Given::Here).await?;
        let mut piece = vec![0; PIECE];
        loop {
            let count = content.read(&mut piece).await?;
            if count == 0 {
                return stream.shutdown().await;
            }
            timeout(STALL, stream.write_all(&piece[..count])).await??;
        }
    }

    /// A blob that is whole on this machine, from `offset` on.
    async fn open_blob(&self, target: &BlobTarget, offset: u64) -> Result<Option<BlobReader>, HostError> {
        let what = || format!("reading blob {}", target.digest().short());
        match target {
            BlobTarget::File { digest, .. } => {
                let Some(file) = self.open_kept(*digest).on(&self.name, what)? else { return Ok(None) };
                let mut file = tokio::fs::File::from_std(file);
                file.seek(io::SeekFrom::Start(offset)).await.on(&self.name, what)?;
                Ok(Some(Box::pin(file)))
            }
            BlobTarget::Content { digest, .. } => {
                let socket = self.root.path(crate::paths::CONTAINERD);
                containerd::open_content(&self.name, &socket, *digest, offset).await
            }
        }
    }

    /// Takes what is missing of a blob from another node. What came before it was cut is kept, as of any transfer.
    pub(super) async fn fetch(
        &self,
        target: BlobTarget,
        giver: &Giver,
        came: Came,
    ) -> Result<bool, HostError> {
        let offset = self.offset(target.clone()).await?;
        if offset >= target.size() {
            return Ok(true);
        }
        let failed = |why: &dyn std::fmt::Display| {
            let doing = format!("fetching blob {} from {}", target.digest().short(), giver.node);
            HostError::LinkLost { host: self.name.to_string(), doing, why: why.to_string() }
        };
        let taken = timeout(WORD * 2, take(giver, &target, offset)).await;
        let taken = taken.map_err(|_| failed(&"no answer"))?.map_err(|error| failed(&error))?;
        let Some(stream) = taken else { return Ok(false) };
        let content = Patient::new(stream, STALL).counting(came).take(target.size() - offset);
        self.put(target, offset, Box::pin(content)).await?;
        Ok(true)
    }
}

/// The connection from which the bytes come; none when the giver does not have the blob.
async fn take(giver: &Giver, target: &BlobTarget, offset: u64) -> io::Result<Option<TcpStream>> {
    let mut stream = timeout(WORD, TcpStream::connect(giver.address)).await??;
    stream.set_nodelay(true)?;
    let challenge: Challenge = frame::receive_within(&mut stream, LETTERS).await?;
    let mut wanted = challenge.answer(&giver.key, target.clone(), offset);
    wanted.growing = giver.growing;
    frame::send(&mut stream, &wanted).await?;
    let word: Given = frame::receive_within(&mut stream, LETTERS).await?;
    Ok((word == Given::Here).then_some(stream))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::atomic::Ordering;

    use sealift_stream::Digest;

    use crate::relay::{Came, Giver, RelayKey};
    use crate::{BlobTarget, Host as _, HostError, LocalHost};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    struct Two {
        dir: tempfile::TempDir,
        from: LocalHost,
        to: LocalHost,
        key: RelayKey,
    }

    impl Two {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let host = |name: &str| LocalHost::rooted(name, dir.path().join(name));
            Self { from: host("a"), to: host("b"), key: RelayKey::new(), dir }
        }

        async fn giver(&self) -> Giver {
            let address = self.from.give_blobs(HERE, self.key.clone()).await.unwrap();
            Giver { node: "a".into(), address, key: self.key.clone(), growing: false }
        }
    }

    fn blob(bytes: &[u8]) -> BlobTarget {
        BlobTarget::File { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }

    #[tokio::test]
    async fn a_blob_goes_from_node_to_node_from_where_it_was_cut() {
        let two = Two::new();
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let target = blob(&bytes);
        two.from.put_blob(target.clone(), 0, Box::pin(std::io::Cursor::new(bytes.clone()))).await.unwrap();
        let half = Box::pin(std::io::Cursor::new(bytes[..1_000_000].to_vec()));
        two.to.put_blob(target.clone(), 0, half).await.unwrap_err();

        let (giver, came) = (two.giver().await, Came::default());
        assert_eq!(giver, two.giver().await, "it listens once");
        assert!(two.to.fetch_blob(target.clone(), giver, came.clone()).await.unwrap());
        assert_eq!(came.load(Ordering::Relaxed), 2_000_000);
        assert_eq!(two.to.blob_offset(target).await.unwrap(), 3_000_000);
    }

    #[tokio::test]
    async fn who_does_not_know_the_key_gets_nothing() {
        let two = Two::new();
        let target = blob(b"something");
        two.from.put_blob(target.clone(), 0, Box::pin(&b"something"[..])).await.unwrap();
        let stranger = Giver { key: RelayKey::new(), ..two.giver().await };
        let error = two.to.fetch_blob(target.clone(), stranger, Came::default()).await.unwrap_err();
        assert!(matches!(error, HostError::LinkLost { .. }), "{error}");
        assert_eq!(two.to.blob_offset(target).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_is_gone_is_said_and_what_is_wrong_is_thrown_away() {
        let two = Two::new();
        let giver = two.giver().await;
        let target = blob(b"something");
        assert!(!two.to.fetch_blob(target.clone(), giver.clone(), Came::default()).await.unwrap());

        two.from.put_blob(target.clone(), 0, Box::pin(&b"something"[..])).await.unwrap();
        let kept = two.dir.path().join("a/var/lib/sealift/blobs/sha256").join(target.digest().hex());
        std::fs::write(kept, "otherwise").unwrap();
        let error = two.to.fetch_blob(target.clone(), giver, Came::default()).await.unwrap_err();
        assert!(matches!(error, HostError::Damaged { .. }), "{error}");
        assert_eq!(two.to.blob_offset(target).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_giver_that_is_not_there_is_a_lost_link() {
        let two = Two::new();
        let gone = Giver { address: (HERE, 1).into(), ..two.giver().await };
        let error = two.to.fetch_blob(blob(b"x"), gone, Came::default()).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }
}
