//! Image indexes and manifests, taken apart with suspicion.

use oci_distribution::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageIndex, OciImageManifest,
};
use reqwest::header::CONTENT_TYPE;
use sealift_stream::Digest;

use crate::http::{header, small};
use crate::registry::Collection;
use crate::retry::Budget;
use crate::{FetchError, Fetcher};

/// Registries themselves refuse larger ones (OCI distribution specification, "Pushing Manifests").
const LIMIT: u64 = 4 << 20;

/// An index or manifest with its exact bytes, which its digest is of.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) media_type: String,
    pub(super) content: Content,
}

/// What the bytes say.
#[derive(Debug)]
pub(super) enum Content {
    Index(OciImageIndex),
    Image(Box<OciImageManifest>),
}

/// Gets a tag's or digest's document. A digest is believed only after hashing.
pub(super) async fn fetch(
    fetcher: &Fetcher,
    budget: &mut Budget,
    repository: &str,
    reference: &str,
) -> Result<Document, FetchError> {
    let url = fetcher.registries.url(repository, Collection::Manifests, reference);
    let (bytes, told_type, told_digest) = budget
        .run(|| async {
            let response = fetcher.registries.get(repository, Collection::Manifests, reference, 0).await?;
            let told_type = header(&response, CONTENT_TYPE.as_str()).unwrap_or_default().to_owned();
            let told_digest = header(&response, "docker-content-digest").map(str::to_owned);
            Ok((small(&url, response, LIMIT).await?, told_type, told_digest))
        })
        .await?;
    let seen = Digest::of(&bytes);
    // The header binds a tag's answer too; another algorithm's digest there is not ours to judge.
    for promise in [Some(reference.to_owned()), told_digest].into_iter().flatten() {
        match promise.parse::<Digest>() {
            Ok(expected) if expected != seen => return Err(FetchError::Digest { what: url, expected, seen }),
            _ => {}
        }
    }
    let (media_type, content) =
        parse(&bytes, &told_type).map_err(|reason| FetchError::Address { text: url, reason })?;
    fetcher.remember(seen, &bytes);
    Ok(Document { digest: seen, size: bytes.len() as u64, media_type, content })
}

/// Reads a document. `told_type` is the `Content-Type` it came with.
fn parse(bytes: &[u8], told_type: &str) -> Result<(String, Content), String> {
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| format!("not a manifest: {error}"))?;
    if value.get("schemaVersion").and_then(serde_json::Value::as_u64) != Some(2) {
        return Err("not a manifest of schema version 2".into());
    }
    // One document that is both would be an index to some readers and an image to others (CVE-2021-41190).
    if value.get("manifests").is_some() && (value.get("layers").is_some() || value.get("config").is_some()) {
        return Err("it is index and image at once".into());
    }
    let told_type = told_type.split(';').next().unwrap_or_default().trim();
    let own_type = value.get("mediaType").and_then(serde_json::Value::as_str);
    let media_type = own_type.unwrap_or(told_type);
    if own_type.is_some_and(|own| !told_type.is_empty() && own != told_type) {
        return Err(format!("it says it is {media_type}, the registry says {told_type}"));
    }
    // From the bytes, not from `value`: a field that is there twice is refused.
    let content = match media_type {
        OCI_IMAGE_INDEX_MEDIA_TYPE | IMAGE_MANIFEST_LIST_MEDIA_TYPE => {
            serde_json::from_slice(bytes).map(Content::Index)
        }
        OCI_IMAGE_MEDIA_TYPE | IMAGE_MANIFEST_MEDIA_TYPE => serde_json::from_slice(bytes).map(Content::Image),
        other => return Err(format!("media type '{other}' is neither an image's nor an index's")),
    };
    Ok((media_type.to_owned(), content.map_err(|error| format!("not a manifest: {error}"))?))
}

/// Digest and size of a descriptor.
pub(super) fn descriptor(digest: &str, size: i64) -> Result<(Digest, u64), String> {
    let digest = digest.parse().map_err(|error: sealift_stream::BadDigest| error.to_string())?;
    let size = u64::try_from(size).map_err(|_| format!("blob {digest} has size {size}"))?;
    Ok((digest, size))
}

/// Refuses layers that live elsewhere than in the registry: nobody vouches for the other place, and a site has none.
pub(super) fn refuse_foreign(layer: &OciDescriptor) -> Result<(), String> {
    if layer.urls.as_ref().is_some_and(|urls| !urls.is_empty())
        || layer.media_type.contains("nondistributable")
        || layer.media_type.contains(".foreign.")
    {
        return Err(format!("layer {} is foreign (to be fetched from elsewhere)", layer.digest));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Content, parse};

    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

    #[test]
    fn takes_the_type_from_the_header_when_the_document_has_none() {
        let (kind, content) = parse(br#"{"schemaVersion":2,"manifests":[]}"#, INDEX).expect("parses");
        assert_eq!(kind, INDEX);
        assert!(matches!(content, Content::Index(_)));
    }

    #[test]
    fn refuses_documents_that_two_readers_could_read_differently() {
        let both = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[],"layers":[]}}"#);
        assert!(parse(both.as_bytes(), INDEX).expect_err("refused").contains("at once"));
        let other = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#);
        assert!(parse(other.as_bytes(), IMAGE).expect_err("refused").contains("the registry says"));
        let twice = br#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#;
        assert!(parse(twice, INDEX).expect_err("refused").contains("duplicate"));
        for bad in ["", "[]", "{}", r#"{"schemaVersion":1,"manifests":[]}"#, r#"{"schemaVersion":2}"#] {
            assert!(parse(bad.as_bytes(), INDEX).is_err(), "{bad} was taken");
        }
        assert!(parse(br#"{"schemaVersion":2,"manifests":[]}"#, "application/json").is_err());
    }
}
