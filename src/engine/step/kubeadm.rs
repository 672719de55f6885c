//! What `kubeadm init` and `kubeadm join` have in common: how to tell how far it came, and how to take half of it away.

use sealift_node::{Command, JobState, Mutate, Output, Probe, paths};
use serde::{Deserialize, Serialize};

use super::{kubeadm_files, receipt};
use crate::{Change, Ctx, Job, StepError};

/// Why the cluster cannot be asked.
pub(crate) const SILENT: &str = "the cluster's API does not answer";

/// Where its input lies while it runs; removed afterwards, for the join's holds a token.
const DIR: &str = "/var/lib/sealift/kubeadm";
/// kubeadm's own time-outs (templates/kubeadm/timeouts.yaml.j2) add up to less.
const SECONDS: u64 = 45 * 60;
const RECEIPT: &str = "kubeadm";

/// What kubeadm makes. When one of these is there and no receipt of ours, somebody else's Kubernetes is.
const FOOTPRINTS: &[&str] = &[
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/bootstrap-kubelet.conf",
    "/etc/kubernetes/manifests/etcd.yaml",
    "/etc/kubernetes/manifests/kube-apiserver.yaml",
    "/etc/kubernetes/pki/ca.crt",
    "/var/lib/etcd/member",
    "/var/lib/kubelet/config.yaml",
];

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Act {
    Init,
    Join,
}

/// Written before kubeadm starts and again when it is done. Without the first nobody could tell a cluster that
/// we began and may begin again from one with data in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    schema: u32,
    act: Act,
    cluster: String,
    done: bool,
}

/// How far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing of it is there.
    Absent,
    /// An earlier run's is still at work.
    Running,
    /// It was begun, and stopped half way.
    Half,
    /// It ended well, and nobody wrote that down.
    Unrecorded,
    /// It is done, as the receipt says.
    Done,
    /// There is something here that must not be touched: why, and what to do.
    Foreign(String, String),
}

/// What of it is on the node.
pub(crate) struct Traces {
    receipt: Option<Receipt>,
    footprints: Vec<&'static str>,
    job: Option<JobState>,
}

impl Act {
    /// `kubeadm init` or `kubeadm join`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Init => "kubeadm init",
            Self::Join => "kubeadm join",
        }
    }

    fn job(self) -> &'static str {
        match self {
            Self::Init => "kubeadm-init",
            Self::Join => "kubeadm-join",
        }
    }

    /// The unit it is on the node.
    pub(crate) fn own_unit(self) -> Job {
        Job { unit: format!("sealift-job-{}", self.job()), limit: SECONDS }
    }

    fn command(self) -> Command {
        let argv: &[&str] = match self {
            Self::Init => &[
                "/usr/local/bin/kubeadm",
                "init",
                "--skip-token-print",
                "--config",
                "/var/lib/sealift/kubeadm/init.yaml",
            ],
            Self::Join => {
                &["/usr/local/bin/kubeadm", "join", "--config", "/var/lib/sealift/kubeadm/join.yaml"]
            }
        };
        Command::new(argv.iter().copied()).timeout(SECONDS)
    }

    /// Asks the node.
    pub(crate) async fn traces(self, probe: &Probe<'_>) -> Result<Traces, StepError> {
        let mut footprints = vec![];
        for path in FOOTPRINTS {
            if probe.stat(path).await?.is_some() {
                footprints.push(*path);
            }
        }
        Ok(Traces {
            receipt: receipt::read(probe, RECEIPT).await?,
            footprints,
            job: probe.job_state(self.job()).await?,
        })
    }

    /// Writes what we are about to do, gives kubeadm its input files, runs it, and removes them.
    /// `files` are names below its folder with their content.
    pub(crate) async fn run(
        self,
        mutate: &Mutate<'_>,
        ctx: &Ctx<'_>,
        files: Vec<(&str, String)>,
    ) -> Result<(), StepError> {
        self.record(mutate, ctx, false).await?;
        mutate.make_dir(DIR, 0o700).await?;
        for (name, content) in files {
            mutate.write_file(&format!("{DIR}/{name}"), content.into_bytes(), 0o600).await?;
        }
        let output = mutate.job(self.job(), self.command()).await?;
        self.well(&output)
    }

    /// Waits for the one that an earlier run started, and starts none: between two looks it may have ended, and a
    /// second `init` would take a finished cluster for a half-made one.
    pub(crate) async fn attach(self, mutate: &Mutate<'_>) -> Result<(), StepError> {
        match mutate.job_end(self.job()).await? {
            Some(JobState::Ended(output)) => self.well(&output),
            _ => Err(StepError::refused(
                self.name(),
                "was at work and is gone without an exit status: the node was restarted under it",
            )),
        }
    }

    /// Whether it ended well.
    fn well(self, output: &Output) -> Result<(), StepError> {
        if output.status == 0 { Ok(()) } else { Err(StepError::program(&self.command().argv, output)) }
    }

    /// The last act: it is done, and this is what it made.
    pub(crate) async fn record_done(self, mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
        mutate.remove(DIR).await?;
        kubeadm_files::record_all(mutate).await?;
        self.record(mutate, ctx, true).await
    }

    async fn record(self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, done: bool) -> Result<(), StepError> {
        let receipt =
            Receipt { schema: receipt::SCHEMA, act: self, cluster: ctx.cluster().name().to_string(), done };
        receipt::write(mutate, RECEIPT, &receipt).await
    }
}

/// Whether it came to its end on this node, for this cluster: then everything before it was whole once, too.
pub(crate) async fn finished(probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<bool, StepError> {
    let receipt: Option<Receipt> = receipt::read(probe, RECEIPT).await?;
    Ok(receipt.is_some_and(|receipt| receipt.done && receipt.cluster == ctx.cluster().name().as_str()))
}

/// What a step says whose subject does not answer: where kubeadm came to its end once it is looked at later; before that
/// there is nothing yet, and `expect` is what will change.
pub(crate) async fn cannot_be_asked(
    probe: &Probe<'_>,
    ctx: &Ctx<'_>,
    why: &str,
    expect: Vec<Change>,
) -> StepError {
    match finished(probe, ctx).await {
        Ok(true) => StepError::later(why),
        Ok(false) => StepError::NotYet { why: why.to_owned(), expect },
        Err(error) => error,
    }
}

/// Runs one phase of `kubeadm init` on a finished control plane: it makes what is missing and leaves what is there.
pub(crate) async fn phase(mutate: &Mutate<'_>, ctx: &Ctx<'_>, phase: &[&str]) -> Result<(), StepError> {
    let config = input("init.yaml");
    mutate.make_dir(DIR, 0o700).await?;
    mutate.write_file(&config, ctx.render("kubeadm/init.yaml.j2")?.into_bytes(), 0o600).await?;
    let start = ["/usr/local/bin/kubeadm", "init", "phase"];
    let argv = start.iter().chain(phase).copied().chain(["--config", &config]);
    let command = Command::new(argv).timeout(300);
    let output = mutate.run(command.clone()).await?;
    mutate.remove(DIR).await?;
    if output.status == 0 { Ok(()) } else { Err(StepError::program(&command.argv, &output)) }
}

/// The path of an input file, for templates that name one.
pub(crate) fn input(name: &str) -> String {
    format!("{DIR}/{name}")
}

impl Traces {
    /// How far it came, told from what is on the node alone.
    pub(crate) fn stage(&self, act: Act, cluster: &str) -> Stage {
        if self.job == Some(JobState::Running) {
            return Stage::Running;
        }
        match &self.receipt {
            None => match self.footprints.first() {
                None => Stage::Absent,
                Some(path) => Stage::Foreign(
                    format!("a Kubernetes that sealift did not make is on this node ({path} is there)"),
                    "if nothing of it is needed, run `kubeadm reset` there; nothing was touched".to_owned(),
                ),
            },
            Some(receipt) if receipt.cluster != cluster => Stage::Foreign(
                format!("this node belongs to the cluster {}", receipt.cluster),
                format!(
                    "run `sealift reset` with the cluster file of {}, or take the node out of this one",
                    receipt.cluster
                ),
            ),
            Some(receipt) if receipt.act != act => Stage::Foreign(
                format!(
                    "this node was made by {}, and now it should be made by {}",
                    receipt.act.name(),
                    act.name()
                ),
                "a node changes its role only by `sealift reset` and a new install".to_owned(),
            ),
            Some(_) if self.footprints.is_empty() => Stage::Absent,
            Some(receipt) if receipt.done => Stage::Done,
            Some(_) if matches!(&self.job, Some(JobState::Ended(output)) if output.status == 0) => {
                Stage::Unrecorded
            }
            Some(_) => Stage::Half,
        }
    }
}

impl Act {
    /// Takes away what it made on this node, finished or not, to begin anew. From here on it counts as half done, so that
    /// a run that is cut in the middle is gone on with; without its old exit status, which would say that it ended well.
    pub(crate) async fn take_away(self, mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
        mutate.remove(&format!("{}/{}", paths::JOBS, self.job())).await?;
        self.record(mutate, ctx, false).await?;
        reset(mutate).await
    }
}

async fn reset(mutate: &Mutate<'_>) -> Result<(), StepError> {
    // with it kubeadm would first wait a minute for an API that is not there, and then for etcd
    mutate.remove("/etc/kubernetes/admin.conf").await?;
    let argv = [
        "/usr/local/bin/kubeadm",
        "reset",
        "--force",
        "--cri-socket",
        "unix:///run/containerd/containerd.sock",
    ];
    let command = Command::new(argv).timeout(600);
    let output = mutate.job("kubeadm-reset", command.clone()).await?;
    if output.status != 0 {
        return Err(StepError::program(&command.argv, &output));
    }
    for path in ["/etc/kubernetes", "/var/lib/etcd", "/var/lib/kubelet", DIR] {
        mutate.remove(path).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sealift_node::{JobState, Output};

    use super::{Act, Receipt, Stage, Traces};

    fn receipt(act: Act, cluster: &str, done: bool) -> Receipt {
        Receipt { schema: crate::step::receipt::SCHEMA, act, cluster: cluster.to_owned(), done }
    }

    fn stage(
        receipt: impl Into<Option<Receipt>>,
        footprints: &[&'static str],
        job: impl Into<Option<JobState>>,
    ) -> Stage {
        let (receipt, job) = (receipt.into(), job.into());
        Traces { receipt, footprints: footprints.to_vec(), job }.stage(Act::Init, "plant-7")
    }

    fn ended(status: i32) -> JobState {
        JobState::Ended(Output { status, stdout: String::new(), stderr: String::new() })
    }

    const SOME: &[&str] = &["/etc/kubernetes/pki/ca.crt"];

    #[test]
    fn a_finished_cluster_is_never_taken_for_a_half_made_one() {
        for job in [None, Some(ended(0)), Some(ended(1)), Some(JobState::Lost)] {
            assert_eq!(stage(receipt(Act::Init, "plant-7", true), SOME, job), Stage::Done);
        }
    }

    #[test]
    fn only_what_we_began_is_begun_again() {
        assert_eq!(stage(receipt(Act::Init, "plant-7", false), SOME, None), Stage::Half);
        assert_eq!(stage(receipt(Act::Init, "plant-7", false), SOME, JobState::Lost), Stage::Half);
        assert_eq!(stage(receipt(Act::Init, "plant-7", false), SOME, ended(1)), Stage::Half);
        assert_eq!(stage(receipt(Act::Init, "plant-7", false), SOME, ended(0)), Stage::Unrecorded);
        for foreign in
            [None, Some(receipt(Act::Init, "other", true)), Some(receipt(Act::Join, "plant-7", true))]
        {
            assert!(matches!(stage(foreign, SOME, ended(1)), Stage::Foreign(..)));
        }
    }

    #[test]
    fn a_clean_node_is_absent_and_a_running_job_is_attached_to() {
        assert_eq!(stage(None, &[], None), Stage::Absent);
        assert_eq!(stage(receipt(Act::Init, "plant-7", true), &[], ended(0)), Stage::Absent);
        assert_eq!(stage(receipt(Act::Init, "plant-7", false), SOME, JobState::Running), Stage::Running);
    }
}
