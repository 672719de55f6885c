//! Nothing a source gives is believed.

use sealift_bundle::{PackError, pack};
use sealift_stream::NoMeter;

use crate::support::source::{Lie, Lying};
use crate::support::{files, options, pack_generated};

#[tokio::test(flavor = "multi_thread")]
async fn lies_are_named_and_leave_nothing() {
    let lock = files(&[9 << 20]);
    for lie in [Lie::Flipped, Lie::Longer, Lie::Shorter] {
        let folder = tempfile::tempdir().expect("makes a folder");
        let error =
            pack(&lock, &Lying(lie), folder.path(), opts(), &NoMeter).await.expect_err("was believed");
        assert!(error.to_string().contains("test://0/9437184/noise"), "{error}");
        assert_eq!(error.is_integrity(), lie != Lie::Shorter, "{lie:?}: {error}");
        assert!(matches!(error, PackError::Content { .. } | PackError::Source { .. }));
        assert!(!folder.path().join("files-1.0.0-1.sealift").exists());
        // And the wrong bytes are in nobody's way afterwards.
        let good = pack_generated(&lock, folder.path(), opts()).await;
        assert!(!good.already);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaking_stream_is_opened_again() {
    let lock = files(&[20 << 20]);
    let folder = tempfile::tempdir().expect("makes a folder");
    let good = pack_generated(&lock, &folder.path().join("a"), opts()).await;
    let packed =
        pack(&lock, &Lying(Lie::Breaks), &folder.path().join("b"), opts(), &NoMeter).await.expect("packs");
    assert_eq!(packed.digest, good.digest);
}

fn opts() -> &'static sealift_bundle::PackOptions {
    options(2, 8)
}
