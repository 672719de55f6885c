//! A manifest in a few numbers.

use sealift_stream::ByteSize;

use crate::{BlobKind, ItemKind, Manifest};

/// Counts and bytes, for `inspect`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Items by kind, in the order image, chart, file, package; kinds with none are left out.
    pub items: Vec<(ItemKind, u64)>,
    /// Blobs by kind, with their bytes.
    pub blobs: Vec<(BlobKind, u64, ByteSize)>,
    /// Bytes of all volumes.
    pub bytes: ByteSize,
    /// How many volumes.
    pub volumes: u64,
}

impl Manifest {
    /// Counts and adds up.
    pub fn summary(&self) -> Summary {
        let items = [ItemKind::Image, ItemKind::Chart, ItemKind::File, ItemKind::Package]
            .map(|kind| (kind, self.items.iter().filter(|item| item.kind == kind).count() as u64));
        let kinds = [BlobKind::Manifest, BlobKind::Config, BlobKind::Chart, BlobKind::File, BlobKind::Layer];
        let blobs = kinds.map(|kind| {
            let sizes = self.blobs.iter().filter(|blob| blob.kind == kind).map(|blob| blob.size);
            (kind, sizes.clone().count() as u64, ByteSize(sizes.sum()))
        });
        Summary {
            items: items.into_iter().filter(|(_, count)| *count > 0).collect(),
            blobs: blobs.into_iter().filter(|(_, count, _)| *count > 0).collect(),
            bytes: ByteSize(self.stream_size),
            volumes: self.volumes.len() as u64,
        }
    }
}
