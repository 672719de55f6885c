//! `sealift reset`: nodes back to what they were before `install`.

use super::Exit;
use super::change::change_site;
use super::course::Course;
use super::site::SiteFiles;
use crate::cli::ResetArgs;
use crate::shell::Shell;

/// As install, without a bundle: nothing is brought.
pub(crate) async fn run(args: &ResetArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let files = SiteFiles::without_bundle(&args.at)?;
    let done = change_site("reset", &files, None, &[], &mut Course::begin(&args.at, false), shell).await?;
    Ok(if done.is_some() { Exit::Done } else { Exit::Interrupted })
}
