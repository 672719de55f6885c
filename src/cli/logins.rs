//! Where passwords come from when nobody is there to type them.

use std::path::PathBuf;

use clap::Args;

/// Files of secrets, each for what a terminal is asked otherwise.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "SSH")]
#[expect(clippy::struct_field_names, reason = "they are called like their options")]
pub(crate) struct LoginArgs {
    /// A file whose first line is the SSH user's password; without it a terminal is asked
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) ssh_password_file: Option<PathBuf>,

    /// A file whose first line is what sudo asks for; without it a terminal is asked
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) sudo_password_file: Option<PathBuf>,

    /// A file whose first line opens the private keys; without it a terminal is asked
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) ssh_passphrase_file: Option<PathBuf>,
}
