//! What a planned change is in the text of a file or the fields of an object, for `plan --diff`.

use sealift_k8s::FieldDifference;
use sealift_node::{PathKind, Probe};
use serde::{Deserialize, Serialize};

use crate::StepError;

/// Longer files are told by their digest alone.
const LIMIT: u64 = 1 << 20;

/// One file or object as it is and as it will be. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "form")]
pub enum Difference {
    /// A text.
    Text {
        /// The file or object, as in [`Change::what`](crate::Change).
        what: String,
        /// How it is; none when it is not there.
        before: Option<String>,
        /// How it will be.
        after: String,
    },
    /// Fields of an object in the cluster.
    Fields {
        /// The object.
        what: String,
        /// The fields that are otherwise.
        fields: Vec<FieldDifference>,
    },
    /// Something that is not shown.
    Hidden {
        /// The file or object.
        what: String,
        /// Why not.
        why: String,
    },
}

impl Difference {
    /// What happens to a file's text; none when that stays (another mode or owner is no difference of text).
    pub(crate) async fn of_file(
        probe: &Probe<'_>,
        path: &str,
        after: String,
    ) -> Result<Option<Self>, StepError> {
        let what = path.to_owned();
        let before = match probe.stat(path).await? {
            None => None,
            Some(stat) if stat.kind != PathKind::File => {
                return Ok(Some(Self::Hidden { what, why: "what is there is no file".to_owned() }));
            }
            Some(stat) if stat.size > LIMIT => {
                let why = format!("what is there has {} bytes", stat.size);
                return Ok(Some(Self::Hidden { what, why }));
            }
            Some(_) => probe.read_file(path, LIMIT).await?,
        };
        let Ok(before) = before.map(String::from_utf8).transpose() else {
            return Ok(Some(Self::Hidden { what, why: "what is there is no text".to_owned() }));
        };
        Ok((before.as_ref() != Some(&after)).then_some(Self::Text { what, before, after }))
    }

    /// A file whose content is nobody's business.
    pub(crate) fn secret(path: &str) -> Self {
        Self::Hidden { what: path.to_owned(), why: "a secret".to_owned() }
    }
}
