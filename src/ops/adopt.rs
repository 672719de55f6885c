//! `sealift adopt`: takes a site over from a control plane, on a machine that knows nothing of it.

use sealift_bundle::Trust;
use sealift_cluster::{Access, Cluster, NewLogin, with_login};
use sealift_engine::{Journal, RecordedJournal, SiteRecord, WrittenFile, journals};
use sealift_node::{HelperBinary, Host as _, HostError, Probe, RemoteHost, Target};

use super::{Exit, Failure, Mode, who};
use crate::cli::AdoptArgs;
use crate::ops::record::understood;
use crate::shell::Shell;

mod files;
mod from;

use files::Adopted;
use from::Place;

/// Confirm the host key, read the record, check that it is whole, write it down.
pub(crate) async fn run(args: &AdoptArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let from: Place = args.from.parse()?;
    let target = from.confirmed(args, shell).await?;
    let place = format!("{}:{}", target.address, target.port);
    let (record, journals) = fetched(target.clone(), shell).await?;
    let Some(record) = record else {
        let message = format!("{place} has no record of a site; nothing was written");
        return Err(Failure::new(Exit::Refused, message)
            .next("name a control plane, on which an install was begun; workers have none")
            .into());
    };
    let (cluster, trust) = whole(&record, &target)?;
    let adopted = Adopted {
        cluster_file: WrittenFile {
            name: record.cluster_file.name.clone(),
            text: own_login(&record, &from, args)?,
        },
        profile: record.profile.clone(),
        trust,
        journals: readable(journals, shell),
        cluster: cluster.name().to_string(),
    };
    let next = adopted.write(args)?;
    if shell.json() {
        shell.data_json(&serde_json::json!({
            "cluster": adopted.cluster,
            "file": args.output,
            "owner": record.owner,
            "finished": record.finished,
            "release": record.release,
            "journals": adopted.journals.len(),
        }))?;
        return Ok(Exit::Done);
    }
    shell.say(&format!("adopted {} from {place} into {}", adopted.cluster, args.output.display()));
    let ended = if record.finished { "came to its end" } else { "did not come to its end" };
    shell.say(&format!("the last run, {}, {ended}; it brought {}", record.owner, record.release));
    for node in cluster.nodes().iter().filter(|node| node.ssh.access == Access::Local) {
        shell.warn(&format!(
            "{} is `ssh: local` in this file, which is right on that machine alone; from here it is reached by \
             `ssh: {{address: {}, hostKey: \"...\"}}`",
            node.name, node.ssh.address
        ));
    }
    shell.say(&format!(
        "the keys it trusted are below {}: compare their numbers with what you were told",
        adopted.trust_dir(args).display()
    ));
    shell.say(&format!("{} {next}", shell.cyan("next:")));
    Ok(Exit::Done)
}

/// Reads record and journals under a helper that cannot change anything.
async fn fetched(
    target: Target,
    shell: &Shell,
) -> anyhow::Result<(Option<SiteRecord>, Vec<RecordedJournal>)> {
    let binary = HelperBinary::of("/proc/self/exe").await?;
    let owner = who::owner("adopt");
    let run = format!("adopt-{}", owner.pid);
    let host = RemoteHost::connect(target, binary, Mode::Plan, &run, &owner).await.map_err(refused)?;
    let read = async {
        let probe = Probe::new(&host);
        let record = understood(SiteRecord::read(&probe).await, shell)?;
        Ok((record, journals(&probe).await?))
    };
    let read = read.await;
    // a helper that cannot be told ends itself within a minute
    let _ = host.close().await;
    read
}

/// A control plane that cannot be asked, with what to do about that.
fn refused(error: HostError) -> Failure {
    let (message, next) = (format!("{error}; nothing was written"), error.remedy());
    Failure::new(Exit::of(&error.into()), message)
        .next(next.unwrap_or("try another control plane of the site"))
}

/// Whether the record says one thing: a file that is read, for this cluster, in which the machine we talk to is a
/// control plane with the host key that it showed, and keys that are keys.
fn whole(record: &SiteRecord, target: &Target) -> anyhow::Result<(Cluster, Vec<(String, String)>)> {
    let not_whole = |why: String| {
        let message = format!("the record on {} is not whole: {why}; nothing was written", target.address);
        Failure::new(Exit::Refused, message).next("try another control plane of the site")
    };
    let cluster = record.parsed().map_err(|problems| not_whole(problems.to_string()))?;
    if cluster.name().as_str() != record.cluster {
        return Err(
            not_whole(format!("its file is that of {}, not of {}", cluster.name(), record.cluster)).into()
        );
    }
    let node = cluster.control_planes().find(|node| node.ssh.address.to_string() == target.address);
    let node =
        node.ok_or_else(|| not_whole(format!("no control plane of its file has {}", target.address)))?;
    let shown = target.host_key.as_ref().map(ToString::to_string);
    let pinned = node.ssh.host_key().map(ToString::to_string);
    // another type of key of the same machine says nothing
    let kind = |key: &Option<String>| key.as_deref().and_then(|key| key.split(' ').next()).map(str::to_owned);
    if kind(&shown) == kind(&pinned) && shown != pinned {
        let why = format!("it pins another host key for {} than this machine has", node.name);
        return Err(Failure::new(Exit::HostIdentity, not_whole(why).to_string())
            .next("compare at the console of the machine; it may have been reinstalled, or be another one")
            .into());
    }
    let keys = record.trust.iter().map(|text| {
        let mut trust = Trust::default();
        trust.add(text, "a key of the record").map_err(|error| not_whole(error.to_string()))?;
        let name = trust.key_ids().first().map(ToString::to_string).unwrap_or_default();
        Ok((name, text.clone()))
    });
    let keys = keys.collect::<Result<_, Failure>>()?;
    Ok((cluster, keys))
}

/// The file with our own login, where one was given.
fn own_login(record: &SiteRecord, from: &Place, args: &AdoptArgs) -> anyhow::Result<String> {
    let identity = args.identity.as_ref().map(std::path::absolute).transpose()?;
    let login =
        NewLogin { user: from.user.clone(), identity_file: identity.map(|path| path.display().to_string()) };
    let file = &record.cluster_file;
    with_login(&file.text, &file.name, record.laid_under(), &login).map_err(|problems| {
        Failure::new(Exit::Refused, format!("{problems}\nnothing was written"))
            .next("adopt without --identity and USER@ through an SSH agent, and edit the file then")
            .into()
    })
}

/// Journals that can be read; the others are evidence of nothing.
fn readable(found: Vec<RecordedJournal>, shell: &Shell) -> Vec<RecordedJournal> {
    let mut good = vec![];
    for journal in found {
        let text = std::str::from_utf8(&journal.text).map_err(|error| error.to_string());
        match text.and_then(|text| Journal::parse(text).map_err(|error| error.to_string())) {
            Ok(_) => good.push(journal),
            Err(why) => shell.warn(&format!("the journal {} is left there: {why}", journal.name)),
        }
    }
    good
}
