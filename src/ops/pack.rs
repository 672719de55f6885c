//! `sealift pack`: from a recipe to a signed bundle.

mod failure;

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sealift_bundle::{Bundle, ItemKind, Lock, PackOptions, Packed, Recipe, SecretKey, discard_part, sign};
use sealift_engine::rfc3339_seconds;
use sealift_fetch::{FetchOptions, Fetcher, Mirrors, WorldError, closed_world, resolve};
use sealift_stream::{AtomicFile, ByteSize};

use super::{Exit, Failure, key};
use crate::cli::PackArgs;
use crate::shell::{Progress, Shell};

/// In the scratch folder.
const LOCK: &str = "lock";

/// Runs `sealift pack`.
pub(crate) async fn run(args: PackArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let recipe = Recipe::load(&args.recipe).map_err(|error| {
        Failure::new(Exit::Usage, format!("{error}\nnothing was packed"))
            .next("mend the recipe; bundle/core.yaml of the sources is one to start from")
    })?;
    let mirrors =
        Mirrors::parse(&args.mirror).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    // Asked for before the long work: nobody waits for an hour to find out that a password is wrong.
    let key = key::load(&args.key, args.password_file.as_deref())?;
    let fetcher = Fetcher::new(FetchOptions { mirrors, jobs: args.jobs, ..FetchOptions::default() })
        .map_err(|error| failure::fetch(&error))?;

    let lock_path = args.lock.clone().unwrap_or_else(|| args.recipe.with_extension("lock"));
    let lock = lock(&args, &recipe, &fetcher, &lock_path, shell).await?;
    let scratch = Scratch::make(&args.output, &lock)?;
    // Side by side: the check works while the network is waited for. Nothing is signed before both are done.
    let check = async { check_world(&recipe, &lock, &fetcher, &scratch, shell).await.map_err(Ended::World) };
    let mut packed = None;
    let filling = async {
        packed = Some(fill(&args, &lock, &fetcher, shell).await.map_err(Ended::Other)?);
        Ok(())
    };
    let done = tokio::try_join!(check, filling);
    match done {
        Ok(_) => {}
        Err(Ended::World(error)) => {
            if let WorldError::Missing(_) = error {
                discard(packed.as_ref(), &lock, &args.output);
            }
            return Err(failure::world(&error).into());
        }
        Err(Ended::Other(error)) => return Err(error),
    }
    let Some(packed) = packed else { anyhow::bail!("filling the bundle ended without a bundle") };
    if !args.locked {
        AtomicFile::write(&lock_path, lock.to_yaml()?.as_bytes()).map_err(|error| {
            let message =
                format!("writing lock {}: {error}; the bundle is whole and not signed", lock_path.display());
            Failure::new(Exit::Refused, message)
                .next("make room there, or name another file with --lock; then run the same command again")
        })?;
    }
    let signer = sign(&packed.dir, &key).map_err(|error| super::verify::refused(&error, &[]))?;
    debug_assert_eq!(signer, SecretKey::id(&key));
    tell(&packed, &lock, &signer.to_string(), shell);
    Ok(Exit::Done)
}

/// Why the two did not both come to their end.
enum Ended {
    World(WorldError),
    Other(anyhow::Error),
}

/// Renders every chart and asks kubeadm: is every image they name in the lock?
async fn check_world(
    recipe: &Recipe,
    lock: &Lock,
    fetcher: &Fetcher,
    scratch: &Scratch,
    shell: &Shell,
) -> Result<(), WorldError> {
    shell.say("checking that every image named is inside");
    let world = closed_world(recipe, lock, fetcher, &scratch.path).await?;
    shell.say(&format!(
        "  {} images named by {} charts, {} manifests and kubeadm: all inside",
        world.images, world.charts, world.manifests
    ));
    if let Some(platform) = world.unasked {
        shell.warn(&format!(
            "file sealift is for {platform} and cannot be started here: its version is the recipe's word"
        ));
    }
    Ok(())
}

/// Takes away what was packed for a recipe that is not whole: nothing of it was signed, and with another image
/// the layout is another one. A bundle that was there before stays. After every other end what was fetched is kept.
fn discard(packed: Option<&Packed>, lock: &Lock, output: &Path) {
    if let Some(packed) = packed.filter(|packed| !packed.already) {
        let _ = std::fs::remove_dir_all(&packed.dir);
    }
    let _ = discard_part(lock, output);
}

/// Resolves the recipe against the lock that is there.
async fn lock(
    args: &PackArgs,
    recipe: &Recipe,
    fetcher: &Fetcher,
    path: &Path,
    shell: &Shell,
) -> anyhow::Result<Lock> {
    let there = if path.exists() {
        Some(Lock::load(path).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?)
    } else {
        None
    };
    if args.locked && there.is_none() {
        let text = format!("--locked, and there is no lock {}", path.display());
        return Err(Failure::new(Exit::Usage, text)
            .next("run the same command once without --locked")
            .into());
    }
    let previous = if args.update { None } else { there.as_ref() };
    shell.say(&format!("resolving {}", args.recipe.display()));
    let now = rfc3339_seconds(SystemTime::now());
    let lock = resolve(recipe, fetcher, previous, &now).await.map_err(|error| failure::fetch(&error))?;
    let lock = dated(lock, there.as_ref(), &args.output);
    let changes = changes(there.as_ref(), &lock);
    if args.locked && there.as_ref() != Some(&lock) {
        let what = if changes.is_empty() { "its settings".to_owned() } else { changes.join("\n") };
        let text = format!("--locked, and the lock {} would change:\n{what}", path.display());
        let next = "look at the changes; without --locked the lock is written anew";
        return Err(Failure::new(Exit::Usage, text).next(next).into());
    }
    let bytes: u64 = lock.blobs.iter().map(|blob| blob.size).sum();
    shell.say(&format!("  {} items, {} blobs, {}", lock.items.len(), lock.blobs.len(), ByteSize(bytes)));
    if there.is_some() {
        for change in &changes {
            shell.say(&format!("  {change}"));
        }
    }
    Ok(lock)
}

/// The same lock with the date that it has already: in its file, of which nothing changed, or in the bundle, where a run
/// was killed between that and the lock's file.
fn dated(lock: Lock, there: Option<&Lock>, output: &Path) -> Lock {
    if let Some(there) = there
        && *there == (Lock { created: there.created.clone(), ..lock.clone() })
    {
        return there.clone();
    }
    match Bundle::open(output.join(lock.directory_name())).and_then(|bundle| bundle.claims()) {
        Ok(claims) => Lock { created: claims.created, ..lock },
        Err(_) => lock,
    }
}

/// Items that came, went, or have other content than before.
fn changes(before: Option<&Lock>, after: &Lock) -> Vec<String> {
    let of = |lock: Option<&Lock>, kind: ItemKind, name: &str| lock?.item(kind, name).map(|item| item.digest);
    let mut changes = Vec::new();
    for item in &after.items {
        match of(before, item.kind, &item.name) {
            None => changes.push(format!("+ {} {} {}", item.kind.as_str(), item.name, item.digest.short())),
            Some(old) if old != item.digest => {
                let (kind, old, new) = (item.kind.as_str(), old.short(), item.digest.short());
                changes.push(format!("~ {kind} {} {old} is now {new}", item.name));
            }
            Some(_) => {}
        }
    }
    for item in before.iter().flat_map(|lock| &lock.items) {
        if after.item(item.kind, &item.name).is_none() {
            changes.push(format!("- {} {}", item.kind.as_str(), item.name));
        }
    }
    changes
}

/// Fetches every blob into the bundle.
async fn fill(args: &PackArgs, lock: &Lock, fetcher: &Fetcher, shell: &Shell) -> anyhow::Result<Packed> {
    let mut options = PackOptions { workers: args.jobs, ..PackOptions::default() };
    if let Some(size) = args.volume_size {
        options.volume_size = size;
    }
    let total = lock.blobs.iter().map(|blob| blob.size).sum();
    let progress = Progress::bytes(shell, "packing", total);
    let packed = sealift_bundle::pack(lock, fetcher, &args.output, &options, &progress).await;
    let packed = packed.map_err(|error| failure::pack(&error))?;
    if packed.already {
        shell.say("packing: this very bundle was there already");
        return Ok(packed);
    }
    progress.finish(shell);
    if packed.reused > 0 {
        shell.say(&format!(
            "  {} of it were there already, from a run that was cut off",
            ByteSize(packed.reused)
        ));
    }
    Ok(packed)
}

/// Where it is and what it is.
fn tell(packed: &Packed, lock: &Lock, signer: &str, shell: &Shell) {
    if shell.json() {
        let data = serde_json::json!({
            "bundle": packed.dir,
            "digest": packed.digest,
            "bytes": packed.bytes,
            "reused": packed.reused,
            "already": packed.already,
            "signer": signer,
            "items": lock.items,
        });
        shell.data(&data.to_string());
        return;
    }
    shell.say(&format!("{} signed by key {signer}", ByteSize(packed.bytes)));
    shell.say(&format!("  manifest {}", packed.digest));
    shell.data(&packed.dir.display().to_string());
}

/// What the check of the world downloads and unpacks; removed at the end, or by the next run.
struct Scratch {
    path: PathBuf,
    /// Held while it is in use: what another run works in is not to be removed.
    _alone: File,
}

impl Scratch {
    fn make(output: &Path, lock: &Lock) -> anyhow::Result<Self> {
        let path = output.join(format!(".{}.scratch", lock.directory_name()));
        let bad = |error: io::Error| {
            Failure::new(Exit::Refused, format!("preparing {}: {error}; nothing was packed", path.display()))
        };
        std::fs::create_dir_all(output).map_err(bad)?;
        if path.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            std::fs::remove_file(&path).map_err(bad)?;
        }
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(bad(error).into()),
            _ => {}
        }
        let alone = File::create(path.join(LOCK)).map_err(bad)?;
        match alone.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(failure::busy(&path).into()),
            Err(TryLockError::Error(error)) => return Err(bad(error).into()),
            Ok(()) => {}
        }
        for entry in std::fs::read_dir(&path).map_err(bad)? {
            let entry = entry.map_err(bad)?;
            if entry.file_name() != LOCK {
                let stale = entry.path();
                let directory = entry.file_type().map_err(bad)?.is_dir();
                let removed =
                    if directory { std::fs::remove_dir_all(stale) } else { std::fs::remove_file(stale) };
                removed.map_err(bad)?;
            }
        }
        // Programs run in there: a relative path would mean another place to them.
        Ok(Self { path: path.canonicalize().map_err(bad)?, _alone: alone })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next run.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
