//! A change of a node's own network that undoes itself unless somebody who came in by it says that it shall stay.

use serde::{Deserialize, Serialize};

use crate::Secretless;

/// What is tried. `volatile` and `devices` are gone after an undoing and after a reboot; `lasting` is written only
/// when it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Files that a reboot forgets; removed to undo.
    pub volatile: Vec<TrialFile>,
    /// Devices that come with it, topmost first; deleted to undo.
    pub devices: Vec<String>,
    /// Programs that make the node take what its files say, in order.
    pub take: Vec<Vec<String>>,
    /// Programs that undo it once its files and devices are gone; empty: those of `take`.
    #[serde(default)]
    pub back: Vec<Vec<String>>,
    /// Files that make it last.
    pub lasting: Vec<TrialFile>,
    /// After so many seconds it is undone.
    pub seconds: u64,
}

/// A file of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialFile {
    /// Where.
    pub path: String,
    /// What is in it.
    pub content: Secretless,
    /// Permission bits.
    pub mode: u32,
}

/// How far a trial is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialState {
    /// The undoing is set; nothing is tried yet.
    Armed,
    /// The node was told to take it.
    Tried,
    /// It could not be tried, and why; it is undone when its time is up.
    Failed(String),
    /// It is being made to last; whoever finds it so goes on with that.
    Keeping,
}

/// A trial as the node writes it down, where a reboot forgets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// 1.
    pub schema: u32,
    /// Tells one trial from the next.
    pub id: String,
    /// How far it is.
    pub state: TrialState,
    /// The trial; what an earlier one that it took over would undo is in it too.
    pub trial: Trial,
}

/// A file of the node's own network as it was before sealift, in [`paths::BEFORE`](crate::paths::BEFORE).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBefore {
    /// Where.
    pub path: String,
    /// What was in it, with its mode; none when it was not there.
    pub was: Option<(Secretless, u32)>,
}

impl Trial {
    /// Takes an earlier trial over: what that one would undo is undone with this one.
    pub(crate) fn taking_over(mut self, earlier: Self) -> Self {
        add(&mut self.devices, earlier.devices);
        add(&mut self.take, earlier.take);
        add(&mut self.back, earlier.back);
        self
    }
}

/// Adds what is not there yet.
fn add<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}
