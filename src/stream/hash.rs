//! A reader whose end of stream is an error unless everything it gave has the promised digest.

use std::io::{self, Read};

use crate::{Digest, Hasher};

/// Hashes on the way through; a caller that reads to the end has checked the content.
#[derive(Debug)]
pub struct HashReader<R> {
    inner: R,
    expected: Digest,
    hasher: Option<Hasher>,
}

impl<R: Read> HashReader<R> {
    /// Expects content with digest `expected`.
    pub fn new(inner: R, expected: Digest) -> Self {
        Self { inner, expected, hasher: Some(Hasher::new()) }
    }
}

impl<R: Read> Read for HashReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        if count > 0 {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..count]);
            }
            return Ok(count);
        }
        match self.hasher.take().map(Hasher::finish) {
            Some(seen) if seen != self.expected => {
                let text = format!("content has {seen}, not {}", self.expected);
                Err(io::Error::new(io::ErrorKind::InvalidData, text))
            }
            _ => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::HashReader;
    use crate::Digest;

    #[test]
    fn fails_at_the_end_when_one_bit_differs() {
        let good = Digest::of(b"abc");
        assert_eq!(HashReader::new(&b"abc"[..], good).read_to_end(&mut vec![]).ok(), Some(3));
        assert!(HashReader::new(&b"abb"[..], good).read_to_end(&mut vec![]).is_err());
        assert!(HashReader::new(&b""[..], good).read_to_end(&mut vec![]).is_err());
    }
}
