//! The site's record: what the control planes know of the last run that changed the site, so that another operator,
//! or none, can go on where it ended.

use sealift_cluster::{Cluster, Problems};
use sealift_node::{HostError, Mutate, Owner, Probe, paths};
use sealift_stream::{Digest, Format, SchemaError};
use serde::{Deserialize, Serialize};

/// The record's file.
const FILE: &str = paths::RECORD;
/// Journals of runs, the newest of [`KEEP`].
const RUNS: &str = "/var/lib/sealift/site/runs";
/// A cluster file of a hundred nodes has some 30 KiB.
const LIMIT: u64 = 4 << 20;
/// A journal has some hundred bytes per step and node.
const JOURNAL_LIMIT: u64 = 32 << 20;
/// Journals that stay on a control plane.
const KEEP: usize = 16;
/// As it was from the first day.
const FORMAT: Format = Format::new(&[]);

/// One document and not several files: it is there whole or not at all. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteRecord {
    /// [`SiteRecord::SCHEMA`].
    pub schema: u32,
    /// The cluster's name.
    pub cluster: String,
    /// Whose run it was.
    pub owner: Owner,
    /// Whether that run came to its end; one that did not has left the site between two states.
    pub finished: bool,
    /// The cluster file as the person wrote it.
    pub cluster_file: WrittenFile,
    /// The profile that was laid under it.
    pub profile: Option<WrittenFile>,
    /// What was installed.
    pub release: Release,
    /// The public keys that were trusted, as their files say.
    pub trust: Vec<String>,
}

/// A text file as a person wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Its name, without folders.
    pub name: String,
    /// Its text, byte for byte.
    pub text: String,
}

/// A bundle's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its name, e.g. `core`.
    pub name: String,
    /// The version people see.
    pub version: String,
    /// Grows with every release of this name.
    pub sequence: u64,
    /// SHA-256 of `manifest.json`, which binds everything else.
    pub manifest: Digest,
    /// The number of the key that signed it.
    pub signer: String,
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} (sequence {})", self.name, self.version, self.sequence)
    }
}

/// A journal on a control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedJournal {
    /// Its file's name, `TIME-VERB.jsonl`.
    pub name: String,
    /// Its lines.
    pub text: Vec<u8>,
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The control plane did not answer.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A later sealift wrote it.
    #[error("{FILE} on {node}: {why}; nothing was changed")]
    TooNew {
        /// The control plane.
        node: String,
        /// What it is, and what reads it.
        why: SchemaError,
    },
    /// It is no record.
    #[error("{FILE} on {node} cannot be understood: {why}; nothing was changed")]
    Damaged {
        /// The control plane.
        node: String,
        /// Why.
        why: String,
    },
}

impl SiteRecord {
    /// The schema this sealift writes.
    pub const SCHEMA: u32 = FORMAT.today();

    /// Whether both say the same of the site, whoever's run it was.
    pub fn same_site(&self, other: &Self) -> bool {
        let other = Self { owner: self.owner.clone(), ..other.clone() };
        *self == other
    }

    /// The profile's text and name, as a parser wants them.
    pub fn laid_under(&self) -> Option<(&str, &str)> {
        self.profile.as_ref().map(|file| (file.text.as_str(), file.name.as_str()))
    }

    /// The site as that run wanted it.
    pub fn parsed(&self) -> Result<Cluster, Problems> {
        Cluster::parse(&self.cluster_file.text, &self.cluster_file.name, self.laid_under())
    }

    /// Reads a control plane's record; none when there is none.
    pub async fn read(probe: &Probe<'_>) -> Result<Option<Self>, RecordError> {
        let Some(bytes) = probe.read_file(FILE, LIMIT).await? else { return Ok(None) };
        Self::parse(&bytes, probe.name()).map(Some)
    }

    fn parse(bytes: &[u8], node: &str) -> Result<Self, RecordError> {
        FORMAT.read(bytes).map_err(|error| match error {
            SchemaError::Damaged(why) => RecordError::Damaged { node: node.to_owned(), why },
            why @ SchemaError::Newer { .. } => RecordError::TooNew { node: node.to_owned(), why },
        })
    }

    /// Writes it whole. Root's alone: it tells an attacker the site's plan.
    pub(crate) async fn write(&self, mutate: &Mutate<'_>) -> Result<(), HostError> {
        mutate.make_dir(paths::SITE, 0o700).await?;
        // a struct of texts and numbers can always be written
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        mutate.write_file(FILE, text, 0o600).await
    }
}

/// Journals that a control plane keeps, oldest first.
pub async fn journals(probe: &Probe<'_>) -> Result<Vec<RecordedJournal>, HostError> {
    let mut found = vec![];
    for name in probe.list_dir(RUNS).await?.unwrap_or_default() {
        let plain =
            name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)) && !name.starts_with('.');
        if let Some(text) = probe.read_file(&format!("{RUNS}/{name}"), JOURNAL_LIMIT).await?
            && plain
        {
            found.push(RecordedJournal { name, text });
        }
    }
    Ok(found)
}

/// Whether `kubeadm init` was ever begun on this control plane: from then on the cluster has what cannot change.
pub async fn cluster_begun(probe: &Probe<'_>) -> Result<bool, HostError> {
    Ok(probe.stat(paths::BEGUN).await?.is_some())
}

/// Writes a run's journal as it is now; the oldest of earlier runs make room.
pub(crate) async fn write_journal(mutate: &Mutate<'_>, name: &str, text: Vec<u8>) -> Result<(), HostError> {
    mutate.make_dir(RUNS, 0o700).await?;
    mutate.write_file(&format!("{RUNS}/{name}"), text, 0o600).await?;
    let names = mutate.list_dir(RUNS).await?.unwrap_or_default();
    // they begin with their time, so that names sort by age
    for old in names.iter().rev().skip(KEEP) {
        mutate.remove(&format!("{RUNS}/{old}")).await?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use sealift_node::{Host, LocalHost, Mutate, Owner, Probe};
    use sealift_stream::Digest;

    use super::{KEEP, RecordError, Release, SiteRecord, WrittenFile, journals, write_journal};

    pub(crate) fn record() -> SiteRecord {
        SiteRecord {
            schema: SiteRecord::SCHEMA,
            cluster: "plant-7".to_owned(),
            owner: Owner { verb: "install".into(), pid: 7, host: "laptop-a".into(), started: "then".into() },
            finished: false,
            cluster_file: WrittenFile {
                name: "cluster.yaml".into(),
                text: crate::testkit::CLUSTER.to_owned(),
            },
            profile: None,
            release: Release {
                name: "core".into(),
                version: "1.36.4-1".into(),
                sequence: 4,
                manifest: Digest::of(b"manifest"),
                signer: "0123456789ABCDEF".into(),
            },
            trust: vec!["untrusted comment: x\nRWQ\n".into()],
        }
    }

    #[tokio::test]
    async fn a_record_is_read_back_and_a_later_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let host = LocalHost::rooted("cp1", dir.path());
        let probe = Probe::new(&host as &dyn Host);
        assert!(SiteRecord::read(&probe).await.unwrap().is_none());
        record().write(&Mutate::new(&host)).await.unwrap();
        assert_eq!(SiteRecord::read(&probe).await.unwrap(), Some(record()));
        let mode = |path: &str| {
            let meta = std::fs::metadata(dir.path().join(path)).unwrap();
            std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777
        };
        assert_eq!((mode("var/lib/sealift/site"), mode("var/lib/sealift/site/record.json")), (0o700, 0o600));
        for (text, why) in [(r#"{"schema":2,"later":1}"#, "schema 2"), ("{", "cannot be understood")] {
            std::fs::write(dir.path().join("var/lib/sealift/site/record.json"), text).unwrap();
            let error = SiteRecord::read(&probe).await.unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(matches!(error, RecordError::TooNew { .. }), why == "schema 2");
        }
    }

    #[test]
    fn a_cluster_is_begun_with_kubeadms_receipt() {
        assert_eq!(crate::step::receipt_path("kubeadm"), sealift_node::paths::BEGUN);
    }

    #[test]
    fn the_record_of_the_first_release_is_read_for_ever() {
        let text = include_bytes!("record_v1.json");
        let read = SiteRecord::parse(text, "cp1").unwrap();
        assert_eq!(read, SiteRecord { cluster_file: read.cluster_file.clone(), ..record() });
        assert!(
            read.same_site(&SiteRecord { owner: Owner { pid: 8, ..read.owner.clone() }, ..read.clone() })
        );
        assert!(!read.same_site(&SiteRecord { finished: true, ..read.clone() }));
    }

    #[tokio::test]
    async fn the_oldest_journals_make_room() {
        let dir = tempfile::tempdir().unwrap();
        let host = LocalHost::rooted("cp1", dir.path());
        for at in 10..30 {
            let name = format!("20261122T22{at}00.000Z-install.jsonl");
            write_journal(&Mutate::new(&host), &name, vec![at]).await.unwrap();
        }
        let kept = journals(&Probe::new(&host)).await.unwrap();
        assert_eq!(kept.len(), KEEP);
        assert_eq!((kept[0].text.as_slice(), kept[KEEP - 1].text.as_slice()), (&[14][..], &[29][..]));
    }
}
