//! Blobs, each on a channel of its own.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{RemoteHost, SILENCE};
use crate::helper::{Reply, Wish};
use crate::host::BlobReader;
use crate::{BlobTarget, HostError, frame};

/// Read at once from the bundle; russh cuts it into packets.
const BUFFER: usize = 256 * 1024;

impl RemoteHost {
    pub(super) async fn put(
        &self,
        target: BlobTarget,
        offset: u64,
        mut content: BlobReader,
    ) -> Result<(), HostError> {
        let (what, links) = (target.what(), &self.inner.links);
        let expected = target.size().saturating_sub(offset);
        let channel = self.wish(Wish::Put { target, offset }).await?;
        let (mut from, mut to) = tokio::io::split(channel);
        let send = async {
            let mut buffer = vec![0; BUFFER];
            let mut sent = 0;
            loop {
                let count = content.read(&mut buffer).await;
                // The source, not the link: no retry will help.
                let count = count.map_err(|error| HostError::refused(links.name(), what.clone(), error))?;
                if count == 0 {
                    break;
                }
                let write = async {
                    to.write_all(&buffer[..count]).await?;
                    to.flush().await
                };
                let written = timeout(SILENCE, write).await;
                written
                    .map_err(|_| links.lost(&what, "no progress for 30 s"))?
                    .map_err(|e| links.lost(&what, e))?;
                sent += count as u64;
            }
            if sent == expected {
                return Ok(());
            }
            let why = format!("the source gave {sent} bytes, not {expected}");
            Err(HostError::refused(links.name(), what.clone(), why))
        };
        let hear = async {
            loop {
                match timeout(SILENCE, frame::receive(&mut from)).await {
                    Err(_) => return Err(links.lost(&what, "silence for 30 s")),
                    Ok(Err(error)) => return Err(links.lost(&what, error)),
                    Ok(Ok(Reply::Working)) => {}
                    Ok(Ok(Reply::Done)) => return Ok(()),
                    Ok(Ok(Reply::Failed(error))) => return Err(error),
                    Ok(Ok(other)) => return Err(self.surprise(&other)),
                }
            }
        };
        tokio::pin!(hear);
        tokio::select! {
            biased;
            // The helper may refuse, or find the blob there already, long before all is sent.
            heard = &mut hear => return heard,
            done = send => done?,
        }
        hear.await
    }
}
