//! `sealift preflight`: can these servers become this cluster? Every problem at once, also of nodes that are not there.

use std::collections::BTreeSet;

use sealift_cluster::{Cluster, Node};
use sealift_engine::{Overridden, unix_seconds};
use sealift_node::HostError;
use sealift_preflight::{
    Depth, Facts, Member, Offer, Outcome, Report, Selection, Severity, Site, Verdict, check, checks, gather,
};
use serde::Serialize;

use super::site::SiteFiles;
use super::{Connected, Exit, Failure, Mode, output, who};
use crate::cli::PreflightArgs;
use crate::shell::{Shell, preflight_html, show_preflight};

/// The document of `preflight --json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    schema: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    sealift: &'static str,
    pub(crate) made: String,
    nodes: Vec<Asked<'a>>,
    #[serde(flatten)]
    pub(crate) report: &'a Report,
}

/// A node, and whether it answered.
#[derive(Serialize)]
pub(crate) struct Asked<'a> {
    pub(crate) name: &'a str,
    pub(crate) address: String,
    pub(crate) reached: bool,
}

impl<'a> Document<'a> {
    pub(crate) fn of(cluster: &'a Cluster, lost: &[(String, HostError)], report: &'a Report) -> Self {
        let nodes = cluster.nodes().iter().map(|node| Asked {
            name: node.name.as_str(),
            address: node.ssh.address.to_string(),
            reached: !lost.iter().any(|(name, _)| node.name.as_str() == name),
        });
        Self {
            schema: 1,
            kind: "sealift.dev/preflight",
            sealift: env!("CARGO_PKG_VERSION"),
            made: sealift_engine::rfc3339_seconds(std::time::SystemTime::now()),
            nodes: nodes.collect(),
            report,
        }
    }
}

/// Asks and measures under helpers that cannot change anything, judges, prints.
pub(crate) async fn run(args: &PreflightArgs, shell: &Shell) -> anyhow::Result<Exit> {
    if let Some(path) = &args.html {
        output::check(path).map_err(|error| {
            Failure::new(Exit::Usage, format!("writing {} later: {error}; nothing was asked", path.display()))
                .next("name a file in a folder that you may write to")
        })?;
    }
    let mut files = SiteFiles::without_bundle(&args.at)?;
    if let Some(bundle) = &args.bundle {
        files.add_bundle(bundle, &args.trust, shell)?;
    }
    let selection = selection(&files, &args.only, &args.skip)?;
    let depth = if args.quick { Depth::Read } else { Depth::Measure };
    let (connected, lost) = Connected::as_many_as_answer(
        &files.cluster,
        files.logins(),
        Mode::Preflight,
        &who::owner("preflight"),
    )
    .await?;
    let report = examine(&files, &connected, &lost, &selection, depth).await;
    connected.close().await;
    let document = Document::of(&files.cluster, &lost, &report);
    if shell.json() {
        shell.data_json(&document)?;
    } else {
        show_preflight(shell, &report);
    }
    if let Some(path) = &args.html {
        output::write(path, preflight_html(&document)?.as_bytes())
            .map_err(|error| Failure::new(Exit::Refused, format!("writing {}: {error}", path.display())))?;
        shell.say(&format!("report: {}", path.display()));
    }
    Ok(end(&report, &lost, &selection))
}

/// A machine that cannot prove who it is weighs more than any finding, a finding more than a gap.
fn end(report: &Report, lost: &[(String, HostError)], selection: &Selection) -> Exit {
    if lost.iter().any(|(_, error)| error.is_identity()) {
        Exit::HostIdentity
    } else if report.refuses() {
        Exit::Findings
    } else if report.is_open(selection) {
        Exit::Refused
    } else {
        Exit::Done
    }
}

/// What install looks at before its first change: all that can be read. A finding that is to be refused ends it; what
/// somebody answers for is given back for the journal.
pub(super) async fn guard(
    files: &SiteFiles,
    connected: &Connected,
    skip: &[String],
    shell: &Shell,
) -> anyhow::Result<Vec<Overridden>> {
    let selection = selection(files, &[], skip)?;
    let report = examine(files, connected, &[], &selection, Depth::Read).await;
    let refused = report.findings().into_iter().filter(|one| one.severity == Severity::Refuse);
    let refused: Vec<String> = refused.map(told).collect();
    if !refused.is_empty() {
        let message = format!("{} findings; nothing was changed\n{}", refused.len(), refused.join("\n"));
        return Err(Failure::new(Exit::Findings, message)
            .next("do what each says, or answer for it with --skip ID; sealift preflight looks at more")
            .into());
    }
    let gaps: BTreeSet<&str> =
        report.unknown().filter(|one| one.severity == Severity::Refuse).map(|one| one.check).collect();
    if !gaps.is_empty() {
        let gaps: Vec<&str> = gaps.into_iter().collect();
        shell.warn(&format!("could not check: {}; sealift preflight says why", gaps.join(", ")));
    }
    Ok(report.overridden().map(overridden).collect())
}

/// A finding in a line or two, with what to do about it.
fn told(verdict: &Verdict) -> String {
    let node = verdict.node.as_ref().map(|node| format!("{node}: ")).unwrap_or_default();
    let evidence = match &verdict.outcome {
        Outcome::Finding { evidence } => evidence.join("; "),
        _ => String::new(),
    };
    let (cause, remedy) = verdict.check().map_or(("", ""), |check| (check.cause, check.remedy));
    format!("  {node}{}: {evidence}\n    {cause}; {remedy}", verdict.check)
}

fn overridden(verdict: &Verdict) -> Overridden {
    let evidence = match &verdict.outcome {
        Outcome::Overridden { evidence } => evidence.clone(),
        _ => vec![],
    };
    Overridden { check: verdict.check.to_owned(), node: verdict.node.clone(), evidence }
}

/// Facts of all nodes, and what follows from them.
async fn examine(
    files: &SiteFiles,
    connected: &Connected,
    lost: &[(String, HostError)],
    selection: &Selection,
    depth: Depth,
) -> Report {
    let hosts = connected.hosts();
    let member = |node: &Node| {
        let host = hosts.get(node.name.as_str())?.clone();
        Some(Member { name: node.name.to_string(), address: node.ssh.address, role: node.role, host })
    };
    let members: Vec<Member> = files.cluster.nodes().iter().filter_map(member).collect();
    let mut facts = gather(&files.cluster, &members, depth).await;
    let nodes = files.cluster.nodes().iter().map(|node| {
        let name = node.name.as_str();
        let why = lost.iter().find(|(other, _)| other == name).map(|(_, error)| error.clone());
        let known = match why {
            Some(error) => Err(error),
            None => Ok(facts.remove(name).unwrap_or_else(|| Facts::none("it was not asked"))),
        };
        (node, known)
    });
    let site = Site { cluster: &files.cluster, nodes: nodes.collect(), offer: offer(files) };
    Report::of(&site, selection, depth == Depth::Measure)
}

fn offer(files: &SiteFiles) -> Option<Offer> {
    let manifest = files.bundle()?.manifest();
    let packages = manifest.items.iter().filter_map(|item| item.package.as_ref()).filter(|one| one.wanted);
    Some(Offer {
        platforms: manifest.platforms.iter().map(ToString::to_string).collect(),
        bytes: manifest.blobs.iter().map(|blob| blob.size).sum(),
        created: unix_seconds(&manifest.created).unwrap_or(0),
        packages: packages.map(|one| (one.system.clone(), one.package.clone())).collect(),
    })
}

/// The checks that were named, all of which must exist.
pub(super) fn selection(files: &SiteFiles, only: &[String], skip: &[String]) -> anyhow::Result<Selection> {
    let known = |id: &&String| check(id).is_none();
    let file = &files.cluster.preflight().skip;
    if let Some(strange) = only.iter().chain(skip).chain(file).find(known) {
        let start: String = strange.chars().take(4).collect();
        let near = checks().find(|check| check.id.starts_with(&start));
        let near = near.map(|check| format!("; is it {}?", check.id)).unwrap_or_default();
        let message = format!("there is no check {strange:?}{near}; nothing was changed");
        return Err(Failure::new(Exit::Usage, message)
            .next("sealift explain --checks lists them all")
            .into());
    }
    let set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<String>>();
    Ok(Selection { only: set(only), skip: set(skip).into_iter().chain(set(file)).collect() })
}
