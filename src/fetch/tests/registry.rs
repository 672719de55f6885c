//! A real registry.

use sealift_bundle::{BlobKind, ItemKind};
use sealift_fetch::resolve;
use sealift_stream::Digest;

use crate::kit::layout::Layout;
use crate::kit::registry::Registry;
use crate::kit::{NOW, fetcher, read, recipe};

#[tokio::test]
async fn an_index_is_kept_whole_and_filled_for_the_recipes_platform_only() {
    let registry = Registry::start();
    let dir = tempfile::tempdir().expect("folder");
    let layout = Layout::new(dir.path());
    let index = layout.index(b"one");
    layout.close("1", &index);
    registry.push(dir.path(), "1", "registry.test/team/app");

    let fetcher = fetcher(&registry.base());
    let recipe = recipe("images: ['registry.test/team/app:1']");
    let lock = resolve(&recipe, &fetcher, None, NOW).await.expect("resolves");

    let item = lock.item(ItemKind::Image, "registry.test/team/app:1").expect("is an item");
    assert_eq!(item.digest.to_string(), index["digest"], "the original index, to the byte");
    // index; amd64's manifest, configuration and layer; the same three of its attestation
    let count = |kind| lock.blobs.iter().filter(|blob| blob.kind == kind).count();
    assert_eq!((count(BlobKind::Manifest), count(BlobKind::Config), count(BlobKind::Layer)), (3, 2, 2));
    assert_eq!(lock.blobs.len(), 7);
    assert!(lock.blobs.iter().any(|blob| blob.media_type == "application/vnd.in-toto+json"));

    // A fetcher that remembers nothing reads all of it from the registry, from the start and from the middle.
    let other = crate::kit::fetcher(&registry.base());
    for blob in &lock.blobs {
        let bytes = read(&other, blob, 0).await.expect("reads");
        assert_eq!((Digest::of(&bytes), bytes.len() as u64), (blob.digest, blob.size));
        let half = blob.size / 2;
        let rest = read(&other, blob, half).await.expect("reads");
        assert_eq!(rest, bytes[usize::try_from(half).expect("small")..]);
        assert_eq!(read(&other, blob, blob.size).await.expect("reads"), b"");
    }
}

#[tokio::test]
async fn an_image_without_an_index_is_checked_against_its_own_platform() {
    let registry = Registry::start();
    let dir = tempfile::tempdir().expect("folder");
    for (tag, architecture) in [("amd64", "amd64"), ("arm64", "arm64")] {
        let folder = dir.path().join(tag);
        let layout = Layout::new(&folder);
        layout.close(tag, &layout.image(architecture, b"bare"));
        registry.push(&folder, tag, "registry.test/bare");
    }
    let fetcher = fetcher(&registry.base());
    let good = recipe("images: ['registry.test/bare:amd64']");
    let lock = resolve(&good, &fetcher, None, NOW).await.expect("resolves");
    assert_eq!(lock.blobs.len(), 3);

    let bad = recipe("images: ['registry.test/bare:arm64', 'registry.test/none:1']");
    let error = resolve(&bad, &fetcher, None, NOW).await.expect_err("refused").to_string();
    assert!(error.contains("2 items failed"), "{error}");
    assert!(error.contains("registry.test/bare:arm64: it is for linux/arm64 only"), "{error}");
    assert!(error.contains("registry.test/none:1") && error.contains("404"), "{error}");
}

#[tokio::test]
async fn a_tag_that_moved_stays_where_the_lock_pinned_it() {
    let registry = Registry::start();
    let dir = tempfile::tempdir().expect("folder");
    let push = |name: &str, content: &[u8]| {
        let folder = dir.path().join(name);
        let layout = Layout::new(&folder);
        layout.close("1", &layout.index(content));
        registry.push(&folder, "1", "registry.test/app");
    };
    push("before", b"before");
    let recipe = recipe("images: ['registry.test/app:1']");
    let base = registry.base();
    let first = resolve(&recipe, &fetcher(&base), None, NOW).await.expect("resolves");

    push("after", b"after");
    let later = "2027-01-01T00:00:00Z";
    let pinned = resolve(&recipe, &fetcher(&base), Some(&first), later).await.expect("resolves");
    assert_eq!(
        pinned.to_yaml().expect("writes"),
        first.to_yaml().expect("writes"),
        "the same bytes, the date too"
    );
    let updated = resolve(&recipe, &fetcher(&base), None, later).await.expect("resolves");
    assert_ne!(updated.items[0].digest, first.items[0].digest);
    assert_eq!(updated.created, later);
}
