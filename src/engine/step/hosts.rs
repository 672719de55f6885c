//! Names in `/etc/hosts`: the cluster's endpoint and its nodes, in one marked block.

use std::fmt::Write as _;

use sealift_node::{Mutate, Probe};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::file::Seen as FileSeen;
use crate::{Change, Ctx, Difference, StepError};

/// The block with the endpoint's name and the nodes' names. Nodes know the endpoint by name, so that its
/// address can change without touching a certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hosts {}

const PATH: &str = "/etc/hosts";
const BEGIN: &str = "# BEGIN sealift: written by sealift, changes in here are lost";
const END: &str = "# END sealift";
const LIMIT: u64 = 1 << 20;

/// `text` with `block` where our block is, or at its end; every other line stays as it is.
pub(crate) fn with_block(text: &str, block: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    if let Some((begin, end)) = marks(&lines)
        && lines.iter().filter(|line| [BEGIN, END].contains(&line.trim_end())).count() == 2
    {
        let (before, after) = (lines[..=begin].concat(), lines[end..].concat());
        return format!("{before}{block}{after}");
    }
    let mut kept = without_block(text);
    if !kept.is_empty() && !kept.ends_with('\n') {
        kept.push('\n');
    }
    let _ = write!(kept, "{BEGIN}\n{block}{END}\n");
    kept
}

/// `text` without our block. Of a torn block (a mark is missing) only the mark goes: what stood in it can no
/// longer be told from foreign lines, and a name too many does less harm than one too few.
pub(crate) fn without_block(text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    match marks(&lines) {
        Some((begin, end)) => [&lines[..begin], &lines[end + 1..]].concat().concat(),
        None => lines.into_iter().filter(|line| ![BEGIN, END].contains(&line.trim_end())).collect(),
    }
}

/// Where a whole block begins and ends.
fn marks(lines: &[&str]) -> Option<(usize, usize)> {
    let at = |want: &str| lines.iter().position(|line| line.trim_end() == want);
    Some((at(BEGIN)?, at(END)?)).filter(|(begin, end)| begin < end)
}

fn block(ctx: &Ctx<'_>) -> String {
    let cluster = ctx.cluster();
    let mut text = format!("{} {}\n", cluster.control_plane().address, cluster.endpoint_name());
    for node in cluster.nodes() {
        let _ = writeln!(text, "{} {}", node.ssh.address, node.name);
    }
    text
}

impl NodeAct for Hosts {
    type Seen = String;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<String, StepError> {
        let bytes = probe.read_file(PATH, LIMIT).await?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn diff(&self, seen: &String, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let block = block(ctx);
        if with_block(seen, &block) == *seen {
            return Ok(vec![]);
        }
        let before = if seen.contains(BEGIN) { "another block" } else { "no block" };
        let names = block.lines().count();
        Ok(vec![Change::new(
            PATH,
            before,
            format!("a block with {names} names"),
            ctx.because("nodes know the endpoint and each other by name, without a name server".to_owned()),
        )])
    }

    async fn differences(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        let after = with_block(&self.observe(probe, ctx).await?, &block(ctx));
        Ok(Difference::of_file(probe, PATH, after).await?.into_iter().collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        let text = self.observe(mutate, ctx).await?;
        let mode = FileSeen::of(mutate, PATH).await?.stat.map_or(0o644, |stat| stat.mode & 0o777);
        Ok(mutate.write_file(PATH, with_block(&text, &block(ctx)).into_bytes(), mode).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, with_block, without_block};

    #[test]
    fn the_block_is_replaced_and_foreign_lines_stay() {
        let before = "127.0.0.1 localhost\n::1 localhost"; // no newline at the end
        let once = with_block(before, "10.0.0.1 api\n");
        assert_eq!(once, format!("127.0.0.1 localhost\n::1 localhost\n{BEGIN}\n10.0.0.1 api\n{END}\n"));
        assert_eq!(with_block(&once, "10.0.0.1 api\n"), once);
        let moved = format!("{once}10.9.9.9 printer\n");
        let twice = with_block(&moved, "10.0.0.2 api\n");
        assert!(
            twice.contains("10.0.0.2 api") && !twice.contains("10.0.0.1") && twice.contains("printer"),
            "{twice}"
        );
        assert_eq!(with_block(&moved, "10.0.0.1 api\n"), moved, "what others add behind it is no difference");
        assert_eq!(without_block(&twice), "127.0.0.1 localhost\n::1 localhost\n10.9.9.9 printer\n");
    }

    #[test]
    fn a_torn_block_eats_no_foreign_line() {
        let torn = format!("a\n{BEGIN}\n10.0.0.1 api\nforeign\n");
        assert!(without_block(&torn).contains("foreign"));
        assert_eq!(with_block(&torn, "x\n").matches(BEGIN).count(), 1);
    }
}
