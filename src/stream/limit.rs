//! A reader that refuses to give more, and at its end to have given less, than was promised.

use std::io::{self, Read};

/// Fails at the first byte beyond the expected size, and at the end of a stream that stayed below it.
#[derive(Debug)]
pub struct LimitReader<R> {
    inner: R,
    expected: u64,
    seen: u64,
}

impl<R: Read> LimitReader<R> {
    /// Expects exactly `expected` bytes.
    pub fn new(inner: R, expected: u64) -> Self {
        Self { inner, expected, seen: 0 }
    }
}

impl<R: Read> Read for LimitReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        self.seen += count as u64;
        if self.seen > self.expected {
            let text = format!("more than the expected {} bytes", self.expected);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if count == 0 && self.seen < self.expected {
            let text = format!("ended after {} of {} bytes", self.seen, self.expected);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};

    use super::LimitReader;

    #[test]
    fn takes_the_promised_size_only() {
        let read =
            |size| LimitReader::new(&b"12345"[..], size).read_to_end(&mut vec![]).map_err(|e| e.kind());
        assert_eq!(read(5), Ok(5));
        assert_eq!(read(4), Err(ErrorKind::InvalidData));
        assert_eq!(read(6), Err(ErrorKind::UnexpectedEof));
        assert_eq!(read(0), Err(ErrorKind::InvalidData));
    }
}
