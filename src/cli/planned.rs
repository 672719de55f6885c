//! Arguments of the verbs that work by a plan: `plan`, `install`, `status`, `reset`.

use std::path::PathBuf;

use clap::Args;

use super::SiteArgs;

/// Arguments of `sealift plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  sealift plan -c plant.yaml --bundle /media/stick/core-1.36.4-1.sealift --trust plant.pub\n\n\
                        Ends with 4 when there is something to do, with 0 when there is not."
)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
}

/// Arguments of `sealift install`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  sealift install -c plant.yaml --bundle /media/stick/core-1.36.4-1.sealift --trust plant.pub\n\n\
                        Killed, cut off or interrupted: type the same command again."
)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
}

/// Arguments of `sealift status`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  sealift status -c plant.yaml --bundle /media/stick/core-1.36.4-1.sealift --trust plant.pub\n\n\
                        Ends with 4 when a node or the cluster differs from what it should be."
)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
}

/// Arguments of `sealift reset`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sealift reset -c plant.yaml\n\n\
                        Everything the cluster held is lost: workloads, volumes on the nodes, certificates.")]
pub(crate) struct ResetArgs {
    /// The cluster file
    #[arg(short, long, value_name = "FILE", default_value = "cluster.yaml")]
    pub(crate) cluster: PathBuf,

    /// A partial cluster file merged under the cluster file
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,

    /// Where the journals and locks of each cluster are kept
    #[arg(long, value_name = "DIR", default_value = ".sealift")]
    pub(crate) state: PathBuf,
}

/// Arguments of `sealift kubeconfig`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  sealift kubeconfig -c plant.yaml > ~/.kube/plant && chmod 600 ~/.kube/plant"
)]
pub(crate) struct KubeconfigArgs {
    /// The cluster file
    #[arg(short, long, value_name = "FILE", default_value = "cluster.yaml")]
    pub(crate) cluster: PathBuf,

    /// Where the journals and locks of each cluster are kept
    #[arg(long, value_name = "DIR", default_value = ".sealift")]
    pub(crate) state: PathBuf,
}
