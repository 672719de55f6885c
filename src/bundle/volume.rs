//! The files that the stream is split into.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::VolumeInfo;
use crate::chunk::{self, CHUNK_SIZE};

/// 3.9 GiB in whole chunks: below FAT32's limit of 4 GiB - 1.
pub const DEFAULT_VOLUME_SIZE: u64 = 998 * CHUNK_SIZE;

/// The names and sizes of the volumes of a stream: a byte split, whole chunks in each but the last.
pub(crate) fn split(stream_size: u64, volume_size: u64) -> Vec<VolumeInfo> {
    let count = stream_size.div_ceil(volume_size);
    (0..count)
        .map(|index| {
            let size = volume_size.min(stream_size - index * volume_size);
            VolumeInfo { name: name(index), size }
        })
        .collect()
}

/// `volume-0000` and so on.
pub(crate) fn name(index: u64) -> String {
    format!("volume-{index:04}")
}

/// Whether a file name claims to be a volume, listed or not.
pub(crate) fn is_volume_name(name: &str) -> bool {
    name.strip_prefix("volume-")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// Open volumes, read and written by offsets of the stream.
#[derive(Debug)]
pub(crate) struct Volumes {
    files: Vec<File>,
    volume_size: u64,
    stream_size: u64,
}

impl Volumes {
    /// `files` in order, cut every `volume_size` bytes, a multiple of the chunk size.
    pub(crate) fn new(files: Vec<File>, volume_size: u64, stream_size: u64) -> Self {
        Self { files, volume_size, stream_size }
    }

    /// The file and the offset in it of a byte of the stream. Chunks never lie across two volumes.
    fn locate(&self, offset: u64) -> io::Result<(&File, u64)> {
        let index = usize::try_from(offset / self.volume_size).unwrap_or(usize::MAX);
        let file = self.files.get(index).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((file, offset % self.volume_size))
    }

    /// Reads chunk `index` whole into `buffer`, which gets its length.
    pub(crate) fn read_chunk(&self, index: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.resize(chunk::length(index, self.stream_size), 0);
        let (file, offset) = self.locate(index * CHUNK_SIZE)?;
        file.read_exact_at(buffer, offset)
    }

    /// Reads bytes that lie within one chunk.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let (file, offset) = self.locate(offset)?;
        file.read_exact_at(buffer, offset)
    }

    /// Whether some bytes within one chunk are all zero, a hole for instance.
    pub(crate) fn is_zero_at(&self, offset: u64, length: usize) -> io::Result<bool> {
        const STEP: usize = 16 << 10;
        let (mut buffer, mut done) = ([0; STEP], 0);
        while done < length {
            let step = STEP.min(length - done);
            self.read_at(offset + done as u64, &mut buffer[..step])?;
            if buffer[..step] != [0; STEP][..step] {
                return Ok(false);
            }
            done += step;
        }
        Ok(true)
    }

    /// Writes bytes that lie within one chunk.
    pub(crate) fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        debug_assert!(
            offset % CHUNK_SIZE + bytes.len() as u64 <= CHUNK_SIZE,
            "a write lies within one chunk"
        );
        let (file, offset) = self.locate(offset)?;
        file.write_all_at(bytes, offset)
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.files.iter().try_for_each(File::sync_data)
    }

    /// The place of chunk `index` as a person finds it: volume, first byte, byte behind the last.
    pub(crate) fn place(&self, index: u64) -> (String, u64, u64) {
        let offset = index * CHUNK_SIZE;
        let from = offset % self.volume_size;
        (name(offset / self.volume_size), from, from + chunk::length(index, self.stream_size) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK_SIZE, is_volume_name, split};

    #[test]
    fn splits_at_every_byte_count_around_the_edge() {
        let size = 2 * CHUNK_SIZE;
        for (stream, sizes) in [
            (1, vec![1]),
            (size - 1, vec![size - 1]),
            (size, vec![size]),
            (size + 1, vec![size, 1]),
            (3 * size, vec![size; 3]),
        ] {
            let volumes = split(stream, size);
            assert_eq!(volumes.iter().map(|v| v.size).collect::<Vec<_>>(), sizes);
            assert_eq!(volumes[0].name, "volume-0000");
        }
    }

    #[test]
    fn knows_names_that_claim_to_be_volumes() {
        assert!(is_volume_name("volume-0007") && is_volume_name("volume-12345"));
        assert!(
            !is_volume_name("volume-")
                && !is_volume_name("volume-0000.bak")
                && !is_volume_name("._volume-0000")
        );
    }
}
