//! Receipts: what a step did last, kept on the node. Evidence, not truth (law 3): each is believed only as far
//! as what it names can be seen again.

use sealift_node::{Mutate, Probe};
use sealift_stream::{Format, SchemaError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StepError;

/// Where receipts are kept on a node.
const DIR: &str = "/var/lib/sealift/receipts";
/// A receipt names some dozen files.
const LIMIT: u64 = 1 << 20;

/// As all of them were from the first day; they are small, and change together.
const FORMAT: Format = Format::new(&[]);
/// The schema that a step writes into its receipt.
pub(crate) const SCHEMA: u32 = FORMAT.today();

/// The receipt's path. Names come from playbooks; a slash would leave the directory.
pub(crate) fn path(name: &str) -> String {
    format!("{DIR}/{}.json", name.replace('/', "_"))
}

/// Reads a receipt; one that is missing or cannot be understood is as good as none. That of a later sealift stops us:
/// a kubeadm that it saw through would look like one that nobody began, and we would write over what we do not understand.
pub(crate) async fn read<T: DeserializeOwned>(probe: &Probe<'_>, name: &str) -> Result<Option<T>, StepError> {
    let Some(bytes) = probe.read_file(&path(name), LIMIT).await? else { return Ok(None) };
    match FORMAT.read(&bytes) {
        Ok(receipt) => Ok(Some(receipt)),
        Err(SchemaError::Damaged(_)) => Ok(None),
        Err(error @ SchemaError::Newer { .. }) => Err(StepError::refused(path(name), error.to_string())),
    }
}

/// Writes a receipt: the last act of an apply. One that says so already stays as it is.
pub(crate) async fn write<T: Serialize + Sync>(
    mutate: &Mutate<'_>,
    name: &str,
    receipt: &T,
) -> Result<(), StepError> {
    write_as(mutate, name, receipt, 0o644).await
}

/// The same for root's eyes only.
pub(crate) async fn write_private<T: Serialize + Sync>(
    mutate: &Mutate<'_>,
    name: &str,
    receipt: &T,
) -> Result<(), StepError> {
    write_as(mutate, name, receipt, 0o600).await
}

async fn write_as<T: Serialize + Sync>(
    mutate: &Mutate<'_>,
    name: &str,
    receipt: &T,
    mode: u32,
) -> Result<(), StepError> {
    let bytes =
        serde_json::to_vec_pretty(receipt).map_err(StepError::below(format!("writing receipt {name}")))?;
    if mutate.read_file(&path(name), LIMIT).await?.as_ref() == Some(&bytes) {
        return Ok(());
    }
    Ok(mutate.write_file(&path(name), bytes, mode).await?)
}

#[cfg(test)]
pub(crate) mod tests {
    use sealift_node::{LocalHost, Probe};
    use serde::de::DeserializeOwned;

    use super::{SCHEMA, path, read};
    use crate::StepError;
    use crate::step::{archive, kubeadm, unit};

    /// Reads `text` as a node's receipt.
    pub(crate) async fn found<T: DeserializeOwned>(text: &str) -> Result<Option<T>, StepError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(&path("x")[1..]);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        let host = LocalHost::rooted("cp1", dir.path());
        read(&Probe::new(&host), "x").await
    }

    #[tokio::test]
    async fn receipts_of_the_first_schema_are_read_for_ever() {
        let kubeadm = include_str!("receipts_v1/kubeadm.json");
        assert!(found::<kubeadm::Receipt>(kubeadm).await.unwrap().is_some());
        assert!(found::<archive::Receipt>(include_str!("receipts_v1/archive.json")).await.unwrap().is_some());
        assert!(found::<unit::Receipt>(include_str!("receipts_v1/unit.json")).await.unwrap().is_some());
        assert!(
            found::<kubeadm::Receipt>("{\"schema\": 1, \"act\"").await.unwrap().is_none(),
            "damaged is none"
        );

        let later = kubeadm.replace("\"schema\": 1", &format!("\"schema\": {}", SCHEMA + 1));
        let refused = found::<kubeadm::Receipt>(&later).await.unwrap_err().to_string();
        assert!(refused.contains("receipts/x.json") && refused.contains("sealift self-update"), "{refused}");
    }
}
