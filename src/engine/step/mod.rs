//! The steps: a closed set, one file per kind. To add one: a file, a `mod` line, a line in a table below.

mod act;
mod archive;
mod binary;
mod certificate;
mod chart;
mod clock;
mod cni_config;
mod directory;
mod file;
mod footprint;
mod hostname;
mod hosts;
mod images;
mod kubeadm;
mod kubeadm_files;
mod kubeadm_init;
mod kubeadm_join;
mod manifest;
mod mode;
mod module;
mod network;
mod node_reset;
mod packages;
mod program;
mod receipt;
mod release;
mod remove;
mod swap;
mod sysctl;
mod unit;
mod wait;

use std::collections::BTreeMap;

use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use act::{ClusterAct, NodeAct};
pub(crate) use receipt::path as receipt_path;
use sealift_node::{Mutate, Probe};

use crate::{Change, ClusterEyes, ClusterHands, Ctx, Difference, Job, StepError};

/// Makes an enum of steps and the one place where their kinds are told apart.
macro_rules! steps {
    ($(#[$doc:meta])* $name:ident, $act:ident, $eyes:ty, $hands:ty: $($kind:literal $variant:ident = $module:ident,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) enum $name {
            $(#[serde(rename = $kind)] $variant($module::$variant),)+
        }

        impl $name {
            /// The keys under which the kinds stand in a playbook.
            pub(crate) const KINDS: &[&str] = &[$($kind),+];

            /// This step's key.
            pub(crate) fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind),+ }
            }

            /// The unit of its own that it starts on a node.
            pub(crate) fn own_unit(&self) -> Option<Job> {
                match self { $(Self::$variant(step) => $act::own_unit(step)),+ }
            }

            /// Observe and diff.
            pub(crate) async fn changes(&self, eyes: &$eyes, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
                match self {
                    $(Self::$variant(step) => {
                        let seen = $act::observe(step, eyes, ctx).await?;
                        $act::diff(step, &seen, ctx)
                    })+
                }
            }

            /// Digests of the files that it makes, where they are known beforehand.
            pub(crate) async fn makes(&self, eyes: &$eyes, ctx: &Ctx<'_>) -> Result<BTreeMap<String, Digest>, StepError> {
                match self { $(Self::$variant(step) => $act::makes(step, eyes, ctx).await),+ }
            }

            /// What its changes are in texts and fields, for people.
            pub(crate) async fn differences(&self, eyes: &$eyes, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
                match self { $(Self::$variant(step) => $act::differences(step, eyes, ctx).await),+ }
            }

            /// Makes it so.
            pub(crate) async fn apply(&self, hands: &$hands, ctx: &Ctx<'_>, changes: &[Change]) -> Result<(), StepError> {
                match self { $(Self::$variant(step) => $act::apply(step, hands, ctx, changes).await),+ }
            }
        }
    };
}

steps! {
    /// A step that concerns one node.
    NodeStep, NodeAct, Probe<'_>, Mutate<'_>:
    "network" Network = network,
    "file" File = file,
    "directory" Directory = directory,
    "remove" Remove = remove,
    "sysctl" Sysctl = sysctl,
    "module" Module = module,
    "swap" Swap = swap,
    "clock" Clock = clock,
    "packages" Packages = packages,
    "binary" Binary = binary,
    "archive" Archive = archive,
    "unit" Unit = unit,
    "program" Program = program,
    "hostname" Hostname = hostname,
    "hosts" Hosts = hosts,
    "cni-config" CniConfig = cni_config,
    "images" Images = images,
    "kubeadm-files" KubeadmFiles = kubeadm_files,
    "kubeadm-init" KubeadmInit = kubeadm_init,
    "kubeadm-join" KubeadmJoin = kubeadm_join,
    "node-reset" NodeReset = node_reset,
}

steps! {
    /// A step that concerns the cluster as a whole.
    ClusterStep, ClusterAct, ClusterEyes<'_>, ClusterHands<'_>:
    "manifest" Manifest = manifest,
    "certificate" Certificate = certificate,
    "chart" Chart = chart,
    "wait" Wait = wait,
}

#[cfg(test)]
mod drift_tests;
#[cfg(test)]
mod tests;
