//! `sealift self-update`: the sealift that a bundle brings, in place of the one that runs. Works from a bundle that the
//! running one is too old for: that is what it is for.

mod put;
mod target;
mod version;

use sealift_bundle::{Bundle, Carried, Carrier, Platform, Trust};
use sealift_stream::ByteSize;
use serde_json::json;

use super::verify::{TRUST, refused};
use super::{Exit, Failure};
use crate::cli::SelfUpdateArgs;
use crate::shell::Shell;
use target::Target;

/// What every refusal says of the state that things are in.
const UNCHANGED: &str = "nothing was changed";

/// Look into the bundle, compare, show, ask; write beside the old one, try the new one, and only then rename.
pub(crate) async fn run(args: &SelfUpdateArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let trust = Trust::from_files(&args.trust)
        .map_err(|error| Failure::new(Exit::Usage, format!("{error}; {UNCHANGED}")).next(TRUST))?;
    let bundle = Bundle::open(&args.bundle)
        .and_then(|bundle| bundle.authenticate_carrier(&trust, &Platform::here()))
        .map_err(|error| refused(&error, &args.trust))?;
    let carried = bundle.carried().ok_or_else(|| brings_none(&bundle))?;
    let target = Target::of(args)?;
    if target.is(carried)? {
        shell.say(&format!("{} is the sealift {} of this bundle already", target.path(), carried.version));
        tell(&bundle, carried, &target, false, shell)?;
        return Ok(Exit::Done);
    }
    version::allowed(carried, &target, args).await?;
    let file = put::Place::open(&target)?;
    show(&bundle, carried, &target, shell);
    let question = format!("{} {}?", target.verb(), target.path());
    if !shell.confirm(&question)? {
        shell.say(UNCHANGED);
        return Ok(Exit::Interrupted);
    }
    let written = file.write(&bundle, carried, shell)?;
    put::says_its_version(written.path(), carried, &target).await?;
    written.commit().map_err(|error| target.refused(&error))?;
    shell.say(&format!("{} {} is sealift {} now", shell.green("done:"), target.path(), carried.version));
    tell(&bundle, carried, &target, true, shell)?;
    Ok(Exit::Done)
}

/// The plan, which here is one line.
fn show(bundle: &Bundle<Carrier>, carried: &Carried, target: &Target, shell: &Shell) {
    shell.say(&format!(
        "{}, signed by key {}, brings sealift {} ({})",
        bundle.title(),
        bundle.signer(),
        carried.version,
        ByteSize(carried.size)
    ));
    let (before, after) = (target.before(), &carried.version);
    shell.say(&format!("  {} {}  {before} -> {after}", shell.yellow("~"), target.path()));
}

/// The same as data.
fn tell(
    bundle: &Bundle<Carrier>,
    carried: &Carried,
    target: &Target,
    changed: bool,
    shell: &Shell,
) -> anyhow::Result<()> {
    if !shell.json() {
        return Ok(());
    }
    shell.data_json(&json!({
        "path": target.file(),
        "from": version::ours().to_string(),
        "to": carried.version.to_string(),
        "digest": carried.digest,
        "changed": changed,
        "bundle": bundle.title(),
        "signer": bundle.signer().to_string(),
    }))
}

fn brings_none(bundle: &Bundle<Carrier>) -> Failure {
    let others = match bundle.platforms() {
        [] => String::new(),
        others => format!(", only for {}", others.join(", ")),
    };
    let message =
        format!("{} brings no sealift for {}{others}; {UNCHANGED}", bundle.title(), Platform::here());
    let next = format!("take sealift {} or later from whoever packed the bundle", bundle.minimum());
    Failure::new(Exit::Usage, message).next(next)
}
