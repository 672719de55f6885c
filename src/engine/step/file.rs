//! A file with a content, a mode and root as its owner.

use std::collections::BTreeMap;

use sealift_node::{Mutate, PathKind, Probe, Stat};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::mode::Mode;
use crate::{Change, Ctx, Difference, StepError};

/// A file. Exactly one of `content` and `template` says what is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    path: String,
    /// The content itself.
    #[serde(default)]
    content: Option<String>,
    /// Or the template it is rendered from.
    #[serde(default)]
    template: Option<String>,
    /// 0644, or 0600 for a secret.
    #[serde(default)]
    mode: Option<Mode>,
    /// Not for everybody's eyes: mode 0600, and its digest is not told.
    #[serde(default)]
    secret: bool,
}

/// A path as it is on the node.
pub(crate) struct Seen {
    pub(crate) stat: Option<Stat>,
    pub(crate) digest: Option<Digest>,
}

impl Seen {
    /// Asks what is at `path`; a digest only of a regular file.
    pub(crate) async fn of(probe: &Probe<'_>, path: &str) -> Result<Self, StepError> {
        let stat = probe.stat(path).await?;
        let regular = stat.as_ref().is_some_and(|stat| stat.kind == PathKind::File);
        let digest = if regular { probe.hash_file(path).await? } else { None };
        Ok(Self { stat, digest })
    }

    /// Whether it is a file with this content, whatever its mode and owner.
    fn holds(&self, digest: Digest) -> bool {
        self.digest == Some(digest)
    }

    /// What is wrong with it, when it should be a file of root's with this digest and mode.
    pub(crate) fn against(
        &self,
        path: &str,
        digest: Digest,
        mode: Mode,
        tell: bool,
    ) -> Result<Option<(String, String)>, StepError> {
        let name =
            |digest: Digest| if tell { format!("sha256 {}", digest.short()) } else { "a secret".to_owned() };
        let want = format!("{}, mode {mode}", name(digest));
        let Some(stat) = &self.stat else { return Ok(Some(("absent".to_owned(), want))) };
        match (stat.kind, self.digest) {
            (PathKind::Dir | PathKind::Other, _) => Err(StepError::Refused {
                what: path.to_owned(),
                why: "is no file, and it is not ours to throw away".to_owned(),
                next: Some("look at it, move it away, and run again".to_owned()),
            }),
            (PathKind::Link, _) => Ok(Some(("a symbolic link".to_owned(), want))),
            (PathKind::File, found) if found != Some(digest) => {
                Ok(Some((found.map_or_else(|| "unreadable".to_owned(), name), want)))
            }
            (PathKind::File, _) if stat.mode != mode.bits() => {
                Ok(Some((format!("mode {:04o}", stat.mode), format!("mode {mode}"))))
            }
            (PathKind::File, _) if (stat.uid, stat.gid) != (0, 0) => {
                Ok(Some((format!("owner {}:{}", stat.uid, stat.gid), "owner 0:0".to_owned())))
            }
            (PathKind::File, _) => Ok(None),
        }
    }
}

/// Makes a path such a file with the least that is needed: one with the right content keeps it.
pub(crate) async fn put_right(
    mutate: &Mutate<'_>,
    path: &str,
    content: Vec<u8>,
    mode: Mode,
) -> Result<(), StepError> {
    if keeps_content(mutate, path, Digest::of(&content), mode).await? {
        return Ok(());
    }
    Ok(mutate.write_file(path, content, mode.bits()).await?)
}

/// Whether a path has this content already; mode and owner are put right then.
pub(crate) async fn keeps_content(
    mutate: &Mutate<'_>,
    path: &str,
    digest: Digest,
    mode: Mode,
) -> Result<bool, StepError> {
    let seen = Seen::of(mutate, path).await?;
    if !seen.holds(digest) {
        return Ok(false);
    }
    if seen.against(path, digest, mode, false)?.is_some() {
        mutate.set_mode(path, mode.bits()).await?;
    }
    Ok(true)
}

impl File {
    fn mode(&self) -> Mode {
        self.mode.unwrap_or(if self.secret { Mode::SECRET } else { Mode::FILE })
    }

    fn want(&self, ctx: &Ctx<'_>) -> Result<Vec<u8>, StepError> {
        match (&self.content, &self.template) {
            (Some(content), None) => Ok(content.clone().into_bytes()),
            (None, Some(template)) => Ok(ctx.render(template)?.into_bytes()),
            _ => Err(StepError::refused(
                &self.path,
                "the playbook must give exactly one of content and template",
            )),
        }
    }
}

impl NodeAct for File {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        Seen::of(probe, &self.path).await
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let digest = Digest::of(&self.want(ctx)?);
        let wrong = seen.against(&self.path, digest, self.mode(), !self.secret)?;
        let source =
            self.template.as_ref().map_or_else(|| "the playbook".to_owned(), |t| format!("templates/{t}"));
        let reason = |before: &str| match before {
            "absent" => format!("{source} says it must be there"),
            _ => format!("it differs from {source}"),
        };
        Ok(wrong
            .map(|(before, after)| Change::new(&self.path, &before, after, ctx.because(reason(&before))))
            .into_iter()
            .collect())
    }

    async fn differences(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        if self.secret {
            return Ok(vec![Difference::secret(&self.path)]);
        }
        let after = String::from_utf8_lossy(&self.want(ctx)?).into_owned();
        Ok(Difference::of_file(probe, &self.path, after).await?.into_iter().collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        put_right(mutate, &self.path, self.want(ctx)?, self.mode()).await
    }

    async fn makes(&self, _probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<BTreeMap<String, Digest>, StepError> {
        Ok([(self.path.clone(), Digest::of(&self.want(ctx)?))].into())
    }
}
