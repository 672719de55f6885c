//! What helm keeps of a release: the objects that it made, whoever has changed them since.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use sealift_k8s::{Document, documents};
use serde::Deserialize;
use serde_json::Value;

use crate::StepError;

/// A chart's objects are some hundred KiB of YAML; helm itself keeps no record above 1 MiB packed.
const LIMIT: u64 = 32 << 20;

#[derive(Deserialize)]
struct Release {
    manifest: String,
}

/// The objects of a release, from the Secret in which helm keeps it: base64 of gzip of JSON, and once more base64 as
/// every Secret. (helm.sh/helm/v4, pkg/storage/driver/util.go)
pub(crate) fn objects(record: &Value, name: &str) -> Result<Vec<Document>, StepError> {
    let doing = || format!("reading helm's record of {name}");
    let packed = record.pointer("/data/release").and_then(Value::as_str).unwrap_or_default();
    let packed = STANDARD.decode(packed).map_err(StepError::below(doing()))?;
    let packed = STANDARD.decode(packed).map_err(StepError::below(doing()))?;
    let mut json = vec![];
    GzDecoder::new(&packed[..]).take(LIMIT).read_to_end(&mut json).map_err(StepError::below(doing()))?;
    let release: Release = serde_json::from_slice(&json).map_err(StepError::below(doing()))?;
    documents(&release.manifest, &format!("chart {name}")).map_err(StepError::below(doing()))
}

/// An object without what controllers write into it by themselves: the authorities of webhooks.
pub(crate) fn without_bundles(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            map.retain(|key, _| key != "caBundle");
            map.values_mut().for_each(|value| *value = without_bundles(value.take()));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| *value = without_bundles(value.take())),
        _ => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use flate2::{Compression, write::GzEncoder};
    use serde_json::json;

    use super::{objects, without_bundles};

    #[test]
    fn helm_s_record_is_read_and_a_torn_one_is_an_error() {
        let manifest = "---\n# Source: x\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n";
        let mut gzip = GzEncoder::new(vec![], Compression::fast());
        gzip.write_all(json!({"name": "x", "manifest": manifest}).to_string().as_bytes()).unwrap();
        let packed = STANDARD.encode(STANDARD.encode(gzip.finish().unwrap()));
        let found = objects(&json!({"data": {"release": packed}}), "x").unwrap();
        assert_eq!(found.iter().map(|one| one.object.to_string()).collect::<Vec<_>>(), ["Service s"]);
        for torn in [json!({}), json!({"data": {"release": &packed[..packed.len() / 2]}})] {
            assert!(objects(&torn, "x").is_err());
        }
    }

    #[test]
    fn only_the_authorities_are_taken_out() {
        let whole =
            json!({"webhooks": [{"name": "a", "clientConfig": {"caBundle": "x", "service": {"name": "s"}}}]});
        let rest = json!({"webhooks": [{"name": "a", "clientConfig": {"service": {"name": "s"}}}]});
        assert_eq!(without_bundles(whole), rest);
    }
}
