//! What a unit's process was started with, and whether that is what is there.
//!
//! The receipt knows it of a start that was ours; it is told by systemd's number of the start. Of a start that somebody
//! else made (a boot, kubeadm, a person) the files themselves tell: what has not been written since is what was read. A
//! digest is sturdier than times alone: a file that was damaged and mended while the process ran needs no restart.

use std::collections::BTreeMap;

use sealift_node::{Mutate, Probe, UnitState};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::super::{file, receipt};
use crate::ctx::Content;
use crate::{Ctx, StepError};

/// What a unit was last started with by us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    schema: u32,
    /// systemd's number of that start; none in receipts of before it was kept.
    #[serde(default)]
    invocation: String,
    /// Digest of each file it was started with; none for one that was not there.
    inputs: BTreeMap<String, Option<Digest>>,
    /// Of a unit that is the system's own: how it was before us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Before>,
}

/// What a unit of the system's own did before us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Before {
    pub(super) starts_at_boot: bool,
    pub(super) runs: bool,
}

/// A file that is read at the start only.
pub(super) struct Input {
    digest: Option<Digest>,
    written_ms: u64,
    /// Somebody else's, which should not be there at all.
    stranger: bool,
}

/// What is known of the last start.
pub(super) struct Started {
    inputs: BTreeMap<String, Input>,
    receipt: Option<Receipt>,
}

fn name(unit: &str) -> String {
    format!("unit-{unit}")
}

impl Started {
    /// Asks for the receipt and for every file that the unit reads when it starts.
    pub(super) async fn of(
        probe: &Probe<'_>,
        unit: &str,
        ours: impl IntoIterator<Item = String>,
        strangers: &[String],
    ) -> Result<Self, StepError> {
        let mut inputs = BTreeMap::new();
        let ours = ours.into_iter().map(|path| (path, false));
        for (path, stranger) in ours.chain(strangers.iter().map(|path| (path.clone(), true))) {
            let seen = file::Seen::of(probe, &path).await?;
            let written_ms = seen.stat.map_or(0, |stat| stat.written_ms);
            inputs.insert(path, Input { digest: seen.digest, written_ms, stranger });
        }
        Ok(Self { inputs, receipt: receipt::read(probe, &name(unit)).await? })
    }

    /// Why the running process must be started again; none when it reads what it should. `own` are the files that
    /// this very step makes.
    pub(super) fn stale(
        &self,
        unit: &UnitState,
        own: &BTreeMap<String, Digest>,
        ctx: &Ctx<'_>,
    ) -> Option<String> {
        self.inputs.iter().find_map(|(path, input)| {
            let (want, changes) = match own.get(path) {
                _ if input.stranger => (Content::Absent, false),
                Some(digest) => (Content::Is(*digest), input.digest != Some(*digest)),
                None => (ctx.will_be(path, input.digest), ctx.will_change(path)),
            };
            match self.read_at_start(path, input, unit) {
                read if read == want && read != Content::Unknown => None,
                _ if input.stranger => Some(format!("it may have been started with {path}")),
                _ if changes => Some(format!("{path} changes and is read at start only")),
                Content::Unknown => Some(format!("{path} was written after it was started")),
                _ => Some(format!("{path} is not what it was started with")),
            }
        })
    }

    /// What was at a path when the process started.
    fn read_at_start(&self, path: &str, input: &Input, unit: &UnitState) -> Content {
        let ours = self
            .receipt
            .as_ref()
            .filter(|one| !one.invocation.is_empty() && one.invocation == unit.invocation);
        match ours {
            Some(receipt) => receipt.inputs.get(path).copied().flatten().into(),
            None if input.written_ms <= unit.started_ms => input.digest.into(),
            None => Content::Unknown,
        }
    }

    /// Whether we ever started it.
    pub(super) fn was_ever_ours(&self) -> bool {
        self.receipt.as_ref().is_some_and(|receipt| !receipt.invocation.is_empty())
    }

    /// Keeps how a unit is that we change for the first time.
    pub(super) async fn remember(
        &self,
        mutate: &Mutate<'_>,
        unit: &str,
        before: Before,
    ) -> Result<(), StepError> {
        if self.receipt.is_some() {
            return Ok(());
        }
        let (invocation, inputs, before) = (String::new(), BTreeMap::new(), Some(before));
        let receipt = Receipt { schema: receipt::SCHEMA, invocation, inputs, before };
        receipt::write(mutate, &name(unit), &receipt).await
    }

    /// How a unit was that we changed.
    pub(super) async fn before(probe: &Probe<'_>, unit: &str) -> Result<Option<Before>, StepError> {
        let receipt: Option<Receipt> = receipt::read(probe, &name(unit)).await?;
        Ok(receipt.and_then(|receipt| receipt.before))
    }

    /// Whether the process may have read a stranger's file when it started.
    pub(super) fn may_have_read(&self, stranger: &str, unit: &UnitState) -> bool {
        let runs = !matches!(unit.active.as_str(), "inactive" | "failed");
        let read = self.inputs.get(stranger).map(|input| self.read_at_start(stranger, input, unit));
        runs && read.is_some_and(|read| read != Content::Absent)
    }

    /// Keeps what the unit was started with just now.
    pub(super) async fn record(&self, mutate: &Mutate<'_>, unit: &str) -> Result<(), StepError> {
        let invocation = mutate.unit(unit).await?.invocation;
        let inputs = self.inputs.iter().map(|(path, input)| (path.clone(), input.digest)).collect();
        let before = self.receipt.as_ref().and_then(|receipt| receipt.before);
        let receipt = Receipt { schema: receipt::SCHEMA, invocation, inputs, before };
        receipt::write(mutate, &name(unit), &receipt).await
    }

    /// Before something goes that the process may have read: keeps that it was not started as it should be, so that a
    /// run that is cut here starts it again.
    pub(super) async fn doubt(mutate: &Mutate<'_>, unit: &str) -> Result<(), StepError> {
        let invocation = mutate.unit(unit).await?.invocation;
        let nothing = Receipt { schema: receipt::SCHEMA, invocation, inputs: BTreeMap::new(), before: None };
        receipt::write(mutate, &name(unit), &nothing).await
    }
}
