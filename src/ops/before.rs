//! What the site was before: the control planes' record of the last run, held against what is asked for now.

use sealift_cluster::{Difference, Effect};
use sealift_engine::{Release, SiteRecord, cluster_begun};
use sealift_node::Probe;

use super::record::understood;
use super::site::SiteFiles;
use super::{Connected, Exit, Failure};
use crate::shell::Shell;

/// The last run, as the control planes recorded it.
pub(crate) struct Before {
    record: SiteRecord,
    /// Whether there is (half of) a cluster: until then everything may still change.
    begun: bool,
}

impl Before {
    /// The newest record of the control planes; none on a site that nobody has worked on.
    pub(crate) async fn read(
        files: &SiteFiles,
        connected: &Connected,
        shell: &Shell,
    ) -> anyhow::Result<Option<Self>> {
        let (mut newest, mut begun): (Option<SiteRecord>, bool) = (None, false);
        let hosts = connected.hosts();
        for node in files.cluster.control_planes() {
            let Some(host) = hosts.get(node.name.as_str()) else { continue };
            let probe = Probe::new(host.as_ref());
            begun |= cluster_begun(&probe).await?;
            match understood(SiteRecord::read(&probe).await, shell)? {
                Some(record)
                    if newest.as_ref().is_none_or(|one| one.owner.started < record.owner.started) =>
                {
                    newest = Some(record);
                }
                _ => {}
            }
        }
        Ok(newest.map(|record| Self { record, begun }))
    }

    /// What the cluster file says otherwise than that of the last run; none when it says the same.
    fn differences(&self, files: &SiteFiles, shell: &Shell) -> Vec<Difference> {
        match self.record.parsed() {
            Ok(recorded) => files.cluster.differences(&recorded),
            Err(problems) => {
                shell.warn(&format!(
                    "the cluster file of the last run cannot be compared with this one: {problems}"
                ));
                vec![]
            }
        }
    }

    /// Tells what differs, and refuses what cannot be changed by installing once more.
    pub(crate) fn check(&self, files: &SiteFiles, shell: &Shell) -> anyhow::Result<()> {
        let differences = self.differences(files, shell);
        if !differences.is_empty() {
            let last = &self.record.owner;
            shell.say(&format!("the cluster file is not that of the last run ({last}):"));
            for difference in &differences {
                shell.say(&format!("  {}", told(difference)));
            }
        }
        // a verb that brings nothing takes away what is there, whatever it was
        let Some(release) = files.release() else { return Ok(()) };
        let installed = &self.record.release;
        if release != *installed {
            shell.say(&format!("the last run brought {installed}, this one brings {release}"));
        }
        if self.begun {
            refuse_fields(&differences)?;
            refuse_older(installed, &release, files.rollback_to())?;
        }
        Ok(())
    }
}

/// A difference in one line, with what becomes of it when that is not simply done.
fn told(difference: &Difference) -> String {
    match difference.effect {
        Effect::Partly { stays, by_hand } => format!("{difference} ({stays}; {by_hand})"),
        _ => difference.to_string(),
    }
}

/// What a finished cluster cannot take, all of it at once.
fn refuse_fields(differences: &[Difference]) -> anyhow::Result<()> {
    let refused: Vec<String> = differences
        .iter()
        .filter_map(|difference| {
            let (why, instead) = difference.refusal()?;
            Some(format!("{difference}\n  {why}; {instead}"))
        })
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the cluster is there, and this cannot be changed any more; nothing was changed\n{}",
        refused.join("\n")
    );
    Err(Failure::new(Exit::Usage, message)
        .next("write the old values into the cluster file, or do what is said beside each")
        .into())
}

/// An older release of the same name is how a stick from a drawer, or an attacker's, takes mended holes back.
fn refuse_older(installed: &Release, asked: &Release, wanted: Option<u64>) -> anyhow::Result<()> {
    if asked.name != installed.name || asked.sequence >= installed.sequence || wanted == Some(asked.sequence)
    {
        return Ok(());
    }
    let message = format!(
        "this bundle is older than what is installed: {asked}, after {installed}; nothing was changed"
    );
    let next = format!("take the newer bundle; to go back on purpose, add --rollback-to {}", asked.sequence);
    Err(Failure::new(Exit::Integrity, message).next(next).into())
}

#[cfg(test)]
mod tests {
    use sealift_cluster::Cluster;
    use sealift_engine::Release;
    use sealift_stream::Digest;

    use super::{Exit, refuse_fields, refuse_older};

    fn release(name: &str, sequence: u64) -> Release {
        let (version, signer) = (format!("1.36.4-{sequence}"), "0123456789ABCDEF".to_owned());
        Release { name: name.to_owned(), version, sequence, manifest: Digest::of(name.as_bytes()), signer }
    }

    #[test]
    fn an_older_release_is_integrity_unless_it_is_named() {
        let installed = release("core", 4);
        let error = refuse_older(&installed, &release("core", 3), None).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Integrity);
        assert!(
            refuse_older(&installed, &release("core", 3), Some(2)).is_err(),
            "another number than it has"
        );
        for (asked, wanted) in [
            (release("core", 3), Some(3)),
            (release("core", 4), None),
            (release("core", 5), None),
            (release("other", 1), None),
        ] {
            refuse_older(&installed, &asked, wanted).unwrap();
        }
    }

    #[test]
    fn a_field_that_cannot_change_is_told_with_both_values_and_what_to_do() {
        let file = |pods: &str, upstreams: &str| {
            let text = format!(
                "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {{name: p}}\nspec:\n  network: {{podSubnet: {pods}}}\n  dns: {{upstreams: [{upstreams}]}}\n  nodes:\n    - {{name: cp1, role: control-plane, ssh: {{address: 10.0.0.1}}}}\n"
            );
            Cluster::parse(&text, "c", None).unwrap()
        };
        let before = file("10.244.0.0/16", "");
        refuse_fields(&file("10.244.0.0/16", "10.0.0.53").differences(&before)).unwrap();
        let error = refuse_fields(&file("10.200.0.0/16", "10.0.0.53").differences(&before)).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        let text = error.to_string();
        assert!(text.contains("spec.network.podSubnet: 10.244.0.0/16 -> 10.200.0.0/16"), "{text}");
        assert!(!text.contains("upstreams"), "only what is refused: {text}");
    }
}
