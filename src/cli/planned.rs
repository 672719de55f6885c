//! Arguments of the verbs that work by a plan: `plan`, `install`, `status`, `reset`, and of `kubeconfig`.

use std::path::PathBuf;

use clap::Args;

use super::{ClusterArgs, ReportArgs, SiteArgs};

/// Arguments of `sealift plan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sealift plan --bundle /media/stick/core-1.36.4-1.sealift --trust plant.pub\n  \
    sealift plan --bundle core-1.36.4-1.sealift --trust plant.pub --diff\n  \
    sealift plan --bundle core-1.36.4-1.sealift --trust plant.pub --out plan.json\n\n\
    Ends with 4 when there is something to do, with 0 when there is not.")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,

    /// Show what changes in the text of files and the fields of objects
    #[arg(long)]
    pub(crate) diff: bool,

    /// Write the plan to a file too, for `install --plan`
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `sealift install`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sealift install --bundle /media/stick/core-1.36.4-1.sealift --trust plant.pub\n  \
    sealift install --bundle core-1.36.4-1.sealift --trust plant.pub --yes\n  \
    sealift install --bundle core-1.36.4-1.sealift --trust plant.pub \\\n    \
      --plan plan.json\n  \
    sealift install --bundle core-1.36.4-1.sealift --trust plant.pub \\\n    \
      --report report.html --receipt receipt.json --receipt-key site.sec\n\n\
    Killed, cut off or interrupted: type the same command again.")]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,

    /// Carry out this plan of `plan --out` without asking, and refuse anything that is not in it
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) plan: Option<PathBuf>,

    /// A preflight check whose findings you answer for; it is written into the journal (repeatable)
    #[arg(long, value_name = "CHECK")]
    pub(crate) skip: Vec<String>,

    /// Send every blob from here; nodes open no port for each other
    #[arg(long)]
    pub(crate) no_relay: bool,

    #[command(flatten)]
    pub(crate) paper: ReportArgs,
}

/// Arguments of `sealift status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sealift status --bundle /media/stick/core-1.36.4-1.sealift --trust plant.pub\n  \
    sealift status --bundle core-1.36.4-1.sealift --trust plant.pub --json\n\n\
    Ends with 4 when a node or the cluster differs from what it should be.")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
}

/// Arguments of `sealift reset`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sealift reset\n  sealift reset -c plant.yaml --yes\n\n\
    Everything the cluster held is lost: workloads, volumes on the nodes,\n\
    certificates.")]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    pub(crate) at: ClusterArgs,
}

/// Arguments of `sealift kubeconfig`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sealift kubeconfig > kubeconfig && chmod 600 kubeconfig\n  \
    sealift kubeconfig -c plant.yaml > ~/.kube/plant && chmod 600 ~/.kube/plant\n\n\
    What it prints is a secret: whoever has it is the administrator.")]
pub(crate) struct KubeconfigArgs {
    #[command(flatten)]
    pub(crate) at: ClusterArgs,
}
