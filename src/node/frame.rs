//! Frames: a length (u32, big endian) and as many bytes of JSON.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest frame. Contents of files travel in frames; blobs do not.
const LIMIT: u32 = 64 << 20;

/// Sends one message.
pub(crate) async fn send<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), message: &T) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= LIMIT);
    let length =
        length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "message longer than 64 MiB"))?;
    // One write: a frame in two packets would wait for an acknowledgement in between.
    let mut frame = Vec::with_capacity(body.len() + 4);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&body);
    to.write_all(&frame).await?;
    to.flush().await
}

/// Receives one message; a clean end before its first byte is `UnexpectedEof`, too.
pub(crate) async fn receive<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> io::Result<T> {
    receive_within(from, LIMIT).await
}

/// As [`receive`], from somebody who may be a stranger: at most so many bytes.
pub(crate) async fn receive_within<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    limit: u32,
) -> io::Result<T> {
    let length = from.read_u32().await?;
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
    }
    // Not reserved at once: a lying length must cost the sender, not us.
    let mut body = vec![];
    from.take(u64::from(length)).read_to_end(&mut body).await?;
    if body.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&body)?)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::{receive, send};

    #[tokio::test]
    async fn frames_survive_and_bad_ones_do_not() {
        let mut wire = vec![];
        send(&mut wire, &vec!["a", "b"]).await.unwrap();
        assert_eq!(receive::<Vec<String>>(&mut &wire[..]).await.unwrap(), ["a", "b"]);
        let fails = async |bytes: &[u8]| receive::<Vec<String>>(&mut &*bytes).await.unwrap_err().kind();
        assert_eq!(fails(&wire[..wire.len() - 1]).await, ErrorKind::UnexpectedEof);
        assert_eq!(fails(b"").await, ErrorKind::UnexpectedEof);
        assert_eq!(fails(&[0xff; 8]).await, ErrorKind::InvalidData);
        assert_eq!(fails(&[0, 0, 0, 1, b'{']).await, ErrorKind::InvalidData);
    }
}
