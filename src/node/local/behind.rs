//! A blob that is still coming in, read behind the one that writes it. What comes out is as good as what goes in: who
//! reads it hashes it.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use sealift_stream::Digest;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep};

use super::LocalHost;
use super::relay::{PIECE, STALL};
use crate::HostError;
use crate::error::Context as _;
use crate::host::BlobReader;

/// Its first byte may take a while: who asks was told of it before it was begun.
const BEGINS: Duration = Duration::from_secs(2);
/// Between two looks at what has come.
const LOOK: Duration = Duration::from_millis(10);

impl LocalHost {
    /// A blob from `offset` on, whole or not yet; none when nothing of it comes.
    pub(super) async fn behind(
        &self,
        digest: Digest,
        size: u64,
        offset: u64,
    ) -> Result<Option<BlobReader>, HostError> {
        let (began, what) = (Instant::now(), || format!("reading blob {}", digest.short()));
        let file = loop {
            if let Some(file) = self.open_coming(digest).on(&self.name, what)? {
                break File::from_std(file);
            }
            if began.elapsed() > BEGINS {
                return Ok(None);
            }
            sleep(LOOK).await;
        };
        let (mut sender, receiver) = tokio::io::duplex(PIECE);
        tokio::spawn(async move {
            if let Err(error) = follow(file, offset, size, &mut sender).await {
                tracing::debug!(%error, "reading behind a blob that comes ended");
            }
        });
        Ok(Some(Box::pin(receiver)))
    }
}

/// Copies a file that grows to `size`. One that is thrown away, or stands still, ends it early.
async fn follow(
    mut file: File,
    mut at: u64,
    size: u64,
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let (mut piece, mut moved, mut gone) = (vec![0; PIECE], Instant::now(), false);
    file.seek(io::SeekFrom::Start(at)).await?;
    while at < size {
        let most = usize::try_from(size - at).unwrap_or(PIECE).min(PIECE);
        let count = file.read(&mut piece[..most]).await?;
        if count > 0 {
            to.write_all(&piece[..count]).await?;
            (at, moved) = (at + count as u64, Instant::now());
        } else if gone || moved.elapsed() > STALL {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("no more came behind byte {at}"),
            ));
        } else if file.metadata().await?.nlink() == 0 {
            // what was written just before is read once more
            gone = true;
        } else {
            sleep(LOOK).await;
        }
    }
    to.shutdown().await
}

#[cfg(test)]
mod tests {
    use sealift_stream::Digest;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use crate::{BlobTarget, Host as _, LocalHost};

    #[tokio::test]
    async fn what_comes_goes_on_at_once_and_what_is_thrown_away_ends() {
        let dir = tempfile::tempdir().unwrap();
        let host = LocalHost::rooted("a", dir.path());
        let bytes = vec![7; 300_000];
        for digest in [Digest::of(&bytes), Digest::of(b"something else")] {
            let target = BlobTarget::File { digest, size: bytes.len() as u64 };
            let (mut sender, content) = tokio::io::duplex(1 << 20);
            let put = tokio::spawn({
                let (host, target) = (host.clone(), target.clone());
                async move { host.put_blob(target, 0, Box::pin(content)).await }
            });
            let mut behind = host.behind(digest, target.size(), 100).await.unwrap().unwrap();
            sender.write_all(&bytes[..1000]).await.unwrap();
            let mut first = vec![0; 900];
            behind.read_exact(&mut first).await.unwrap();
            assert!(!put.is_finished());
            sender.write_all(&bytes[1000..]).await.unwrap();
            let mut rest = vec![];
            behind.read_to_end(&mut rest).await.unwrap();
            assert_eq!((first.len() + rest.len(), first[0]), (bytes.len() - 100, 7));
            assert_eq!(put.await.unwrap().is_ok(), digest == Digest::of(&bytes));
        }
        assert!(host.behind(Digest::of(b"never"), 9, 0).await.unwrap().is_none());
    }
}
