//! Options about what stays on paper of a run.

use std::path::PathBuf;

use clap::Args;

/// What is written when a run has ended, however it ended.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub(crate) struct ReportArgs {
    /// Write what was installed where, with digests and times, as one HTML file
    #[arg(long, value_name = "FILE.html", value_hint = clap::ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,

    /// Write the same facts as JSON, and its signature beside it as FILE.json.minisig
    #[arg(long, value_name = "FILE.json", requires = "receipt_key", value_hint = clap::ValueHint::FilePath)]
    pub(crate) receipt: Option<PathBuf>,

    /// The site's own secret key, which signs the receipt
    #[arg(long, value_name = "KEY.sec", requires = "receipt", value_hint = clap::ValueHint::FilePath)]
    pub(crate) receipt_key: Option<PathBuf>,

    /// A file whose first line is that key's password; without it a terminal is asked
    #[arg(long, value_name = "FILE", requires = "receipt_key", value_hint = clap::ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
}
