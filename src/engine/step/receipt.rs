//! Receipts: what a step did last, kept on the node. Evidence, not truth (law 3): each is believed only as far
//! as what it names can be seen again.

use sealift_node::{Mutate, Probe};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StepError;

/// Where receipts are kept on a node.
const DIR: &str = "/var/lib/sealift/receipts";
/// A receipt names some dozen files.
const LIMIT: u64 = 1 << 20;

/// The receipt's path. Names come from playbooks; a slash would leave the directory.
pub(crate) fn path(name: &str) -> String {
    format!("{DIR}/{}.json", name.replace('/', "_"))
}

/// Reads a receipt; one that is missing or cannot be understood is as good as none.
pub(crate) async fn read<T: DeserializeOwned>(probe: &Probe<'_>, name: &str) -> Result<Option<T>, StepError> {
    let bytes = probe.read_file(&path(name), LIMIT).await?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
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
