//! `sealift man`: the manual as man pages, one per verb, made from the same definitions as `--help`.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_mangen::Man;

use super::{Exit, Failure};
use crate::cli::{Cli, ManArgs};
use crate::shell::Shell;

/// Writes every page.
pub(crate) fn run(args: &ManArgs, shell: &Shell) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(&args.output).map_err(|error| refused("making", &args.output, &error))?;
    let mut root = Cli::command();
    root.build();
    let mut written = vec![];
    write(&root, &args.output, &mut written)?;
    if shell.json() {
        shell.data_json(&written)?;
    } else {
        shell.say(&format!("{} pages in {}", written.len(), args.output.display()));
    }
    Ok(Exit::Done)
}

/// The page of a command, then those of its subcommands.
fn write(command: &clap::Command, folder: &Path, written: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let path = folder.join(Man::new(command.clone()).get_filename());
    std::fs::write(&path, page(command)?).map_err(|error| refused("writing", &path, &error))?;
    written.push(path);
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(below, folder, written)?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> std::io::Result<Vec<u8>> {
    let man = Man::new(command.clone()).manual("sealift").date("");
    let mut page = vec![];
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.get_subcommands().any(|below| !below.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for part in help.split("\n\n") {
        let (heading, text) = match part.split_once(":\n") {
            Some(("Examples" | "Example", text)) => ("EXAMPLES", text),
            _ => ("NOTES", part),
        };
        page.extend_from_slice(section(heading, text).as_bytes());
    }
    if command.get_name() != "sealift" {
        page.extend_from_slice(b".SH \"SEE ALSO\"\n\\fBsealift\\fR(1)\n");
    }
    Ok(page)
}

/// Text that stays as it is, lines and spaces too.
fn section(heading: &str, text: &str) -> String {
    let line = |line: &str| {
        let text = line.replace('\\', "\\e").replace('-', "\\-");
        // a point or an apostrophe at a line's start would be a request
        if text.starts_with(['.', '\'']) { format!("\\&{text}\n") } else { format!("{text}\n") }
    };
    let lines: String = text.lines().map(line).collect();
    if lines.is_empty() { String::new() } else { format!(".SH {heading}\n.nf\n{lines}.fi\n") }
}

fn refused(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Refused, format!("{doing} {}: {error}", path.display()))
        .next("name a folder that you may write to with --output")
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn roff_takes_no_line_for_a_request() {
        let text = section("NOTES", ".TH x\n'so y\n a\\b --c");
        assert_eq!(text, ".SH NOTES\n.nf\n\\&.TH x\n\\&'so y\n a\\eb \\-\\-c\n.fi\n");
        assert_eq!(section("NOTES", ""), "");
    }
}
