//! A plan in a file: written by `plan --out`, carried out by `install --plan`.

use std::path::{Path, PathBuf};

use sealift_cluster::Cluster;
use sealift_engine::{Compiled, Moved, Plan};

use super::{Exit, Failure, output};

/// A plan that somebody agreed to, maybe elsewhere.
pub(crate) struct Frozen {
    pub(crate) plan: Plan,
    path: PathBuf,
}

/// A plan of a thousand nodes has a few MiB.
const LIMIT: u64 = 256 << 20;

impl Frozen {
    /// Reads what [`write`] wrote.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let wrong = |why: String| {
            Failure::new(Exit::Usage, format!("reading plan {}: {why}; nothing was changed", path.display()))
                .next("sealift plan --out plan.json writes one")
        };
        let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if size > LIMIT {
            return Err(wrong(format!("it has {size} bytes; no plan is so long")).into());
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let plan = Plan::read(&text).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { plan, path: path.to_owned() })
    }

    /// Whether the site is still as the plan says, or on its way to where it leads.
    pub(crate) fn check(&self, fresh: &Plan, compiled: &Compiled, cluster: &Cluster) -> Result<(), Failure> {
        let path = self.path.display();
        if (&self.plan.verb, &self.plan.cluster) != (&fresh.verb, &fresh.cluster) {
            let message = format!(
                "plan {path} is for `{}` of cluster {}, this is `{}` of {}; nothing was changed",
                self.plan.verb, self.plan.cluster, fresh.verb, fresh.cluster
            );
            return Err(Failure::new(Exit::Usage, message).next("take the plan of this cluster"));
        }
        let Err(moved) = self.plan.covers(fresh, compiled, cluster) else { return Ok(()) };
        let (exit, next) = match &moved {
            Moved::Torn => (Exit::Integrity, "take the file as `sealift plan --out` wrote it, or plan again"),
            Moved::Basis(_) => (Exit::Usage, "give what it was made from, or plan again"),
            Moved::New(_) => (Exit::Pending, "plan again, look at what is new, and install that"),
        };
        Err(Failure::new(exit, format!("plan {path} is not carried out: {moved}\nnothing was changed"))
            .next(next))
    }
}

/// Whether a plan could be written there: nobody waits for the nodes to find out that it cannot.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    output::check(path).map_err(|error| refused(path, &error))
}

/// Writes a plan for later.
pub(crate) fn write(plan: &Plan, path: &Path) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(plan)?;
    text.push('\n');
    Ok(output::write(path, text.as_bytes()).map_err(|error| refused(path, &error))?)
}

fn refused(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Usage, format!("writing plan {}: {error}; nothing was changed", path.display()))
        .next("name a file that you may write with --out")
}

#[cfg(test)]
mod tests {
    use super::{Exit, Frozen};

    #[test]
    fn what_is_no_plan_is_told_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.json");
        for (text, word) in [
            ("", "EOF"),
            ("{\"schema\": 1}", "missing field"),
            ("# yaml", "line 1 column 1"),
            (include_str!("frozen/newer.json"), "it has schema 9"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Frozen::read(&path).err().unwrap();
            assert_eq!(Exit::of(&error), Exit::Usage);
            assert!(error.to_string().contains(word), "{error}");
        }
        assert!(Frozen::read(dir.path()).err().unwrap().to_string().contains("directory"));
    }
}
