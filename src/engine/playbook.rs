//! Playbooks: YAML compiled into the binary, deserialized straight into step structs.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

use crate::selector::{Selector, When};
use crate::step::{ClusterStep, NodeStep};

/// A story in plays: what a verb makes true, in order.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Its name, which is its verb's.
    pub name: String,
    pub(crate) plays: Vec<Play>,
}

/// Steps for some nodes; nodes go in parallel, steps in order. The next play begins when all are done.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Play {
    pub(crate) name: String,
    pub(crate) on: Selector,
    pub(crate) steps: Steps,
}

/// The steps of a play: all of one family.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Steps {
    Node(Vec<StepDef<NodeStep>>),
    Cluster(Vec<StepDef<ClusterStep>>),
}

/// A step with what the scheduler must know about it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StepDef<S> {
    /// Unique in its play.
    pub(crate) name: String,
    /// On which sites.
    pub(crate) when: When,
    /// Takes something away from users while it is applied: one at a time in the whole cluster (law 5).
    pub(crate) disruptive: bool,
    /// The step of an earlier or the same play whose changes may bring new ones here.
    pub(crate) after: Option<String>,
    /// Why the step is there; the reason of its changes, where a kind has none that says more.
    pub(crate) why: Option<String>,
    pub(crate) step: S,
}

/// Why a playbook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaybookError {
    /// No such playbook in this binary.
    #[error("there is no playbook '{0}'")]
    Unknown(String),
    /// It does not parse.
    #[error("reading playbook {origin}: {source}")]
    Parse {
        /// Its name.
        origin: String,
        /// Where and why.
        source: serde_yaml::Error,
    },
    /// It parses and makes no sense.
    #[error("reading playbook {origin}: {why}")]
    Senseless {
        /// Its name.
        origin: String,
        /// Why.
        why: String,
    },
}

impl Playbook {
    /// The playbook of a verb, e.g. `install`.
    pub fn embedded(name: &str) -> Result<Self, PlaybookError> {
        let text = crate::embedded::playbook(name).ok_or_else(|| PlaybookError::Unknown(name.to_owned()))?;
        Self::parse(text, name)
    }

    /// Parses and checks a playbook; `origin` names it in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self, PlaybookError> {
        let playbook: Self = serde_yaml::from_str(text)
            .map_err(|source| PlaybookError::Parse { origin: origin.to_owned(), source })?;
        playbook.check().map_err(|why| PlaybookError::Senseless { origin: origin.to_owned(), why })?;
        Ok(playbook)
    }

    /// Names must tell steps apart, and `after` must point backwards.
    fn check(&self) -> Result<(), String> {
        let mut plays: Vec<&str> = vec![];
        let mut earlier: Vec<String> = vec![];
        for play in &self.plays {
            if plays.contains(&play.name.as_str()) {
                return Err(format!("two plays are named '{}'", play.name));
            }
            plays.push(&play.name);
            let mut here: Vec<&str> = vec![];
            for (name, after) in play.steps.links() {
                if here.contains(&name) {
                    return Err(format!("play '{}' has two steps named '{name}'", play.name));
                }
                if let Some(after) = after
                    && !earlier.iter().any(|known| known == after)
                {
                    return Err(format!("step '{name}' comes after '{after}', which is no earlier step"));
                }
                here.push(name);
                earlier.push(name.to_owned());
            }
        }
        Ok(())
    }
}

impl Steps {
    fn links(&self) -> Vec<(&str, Option<&str>)> {
        match self {
            Self::Node(steps) => steps.iter().map(|s| (s.name.as_str(), s.after.as_deref())).collect(),
            Self::Cluster(steps) => steps.iter().map(|s| (s.name.as_str(), s.after.as_deref())).collect(),
        }
    }
}

/// A play as it stands in YAML; which family its steps are of depends on `on`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlay {
    name: String,
    on: Selector,
    steps: Vec<serde_json::Map<String, serde_json::Value>>,
}

impl<'de> Deserialize<'de> for Play {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawPlay::deserialize(deserializer)?;
        let in_play = |why: String| D::Error::custom(format!("play '{}': {why}", raw.name));
        let steps = if raw.on == Selector::Cluster {
            let steps = raw.steps.iter().map(|s| step_def(s, ClusterStep::KINDS)).collect::<Result<_, _>>();
            Steps::Cluster(steps.map_err(in_play)?)
        } else {
            let steps = raw.steps.iter().map(|s| step_def(s, NodeStep::KINDS)).collect::<Result<_, _>>();
            Steps::Node(steps.map_err(in_play)?)
        };
        Ok(Self { name: raw.name, on: raw.on, steps })
    }
}

/// Takes `name`, `when`, `disruptive`, `after` and `why` out; what is left must be one key, the step's kind. (serde's
/// `flatten` would lose `deny_unknown_fields`.)
fn step_def<S: DeserializeOwned>(
    raw: &serde_json::Map<String, serde_json::Value>,
    kinds: &[&str],
) -> Result<StepDef<S>, String> {
    fn field<T: DeserializeOwned>(value: Option<serde_json::Value>, name: &str) -> Result<Option<T>, String> {
        value.map(serde_json::from_value).transpose().map_err(|error| format!("{name}: {error}"))
    }
    let mut rest = raw.clone();
    let name: String = field(rest.shift_remove("name"), "name")?.ok_or("a step has no name")?;
    let in_step = |why: String| format!("step '{name}': {why}");
    let when = field(rest.shift_remove("when"), "when").map_err(in_step)?.unwrap_or_default();
    let disruptive = field(rest.shift_remove("disruptive"), "disruptive").map_err(in_step)?.unwrap_or(false);
    let after = field(rest.shift_remove("after"), "after").map_err(in_step)?;
    let why = field(rest.shift_remove("why"), "why").map_err(in_step)?;
    let keys: Vec<&str> = rest.keys().map(String::as_str).collect();
    if !matches!(keys.as_slice(), [kind] if kinds.contains(kind)) {
        return Err(in_step(format!("want exactly one of {}, found {}", kinds.join(", "), keys.join(", "))));
    }
    let step = serde_json::from_value(rest.into()).map_err(|error| in_step(error.to_string()))?;
    Ok(StepDef { name, when, disruptive, after, why, step })
}

#[cfg(test)]
mod tests;
