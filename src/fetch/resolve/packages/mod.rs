//! Packages of a node's operating system, with everything they need: from signed repositories, chosen by a solver.

mod date;
mod index;
mod release;

use sealift_bundle::{
    AptRepository, BlobKind, Item, ItemKind, Lock, LockedBlob, OsPackagesRecipe, PackageItem, Platform,
    Source,
};
use sealift_debian::{Package, PackageError, choose, stanzas};
use sealift_stream::Digest;

use super::Resolved;
use crate::{FetchError, Fetcher};

/// What a file of a package is (IANA).
const DEB: &str = "application/vnd.debian.binary-package";

/// Fields of a stanza that a package manager needs to install it.
const KEPT: &[&str] = &[
    "Package",
    "Version",
    "Architecture",
    "Multi-Arch",
    "Essential",
    "Protected",
    "Priority",
    "Section",
    "Pre-Depends",
    "Depends",
    "Provides",
    "Conflicts",
    "Breaks",
    "Replaces",
    "Installed-Size",
    "Size",
    "SHA256",
];

/// A package, and the repository that it is in.
struct Found<'a> {
    package: Package,
    repository: &'a AptRepository,
}

/// Chooses the packages and all they need; what `previous` has for the same words stays as it is there.
pub(super) async fn resolve(
    fetcher: &Fetcher,
    wanted: &OsPackagesRecipe,
    platforms: &[Platform],
    previous: Option<&Lock>,
    now: &str,
) -> Result<Vec<Resolved>, FetchError> {
    let mut resolved = vec![];
    let basis = basis(wanted)?;
    for platform in platforms {
        if let Some(kept) = previous.and_then(|lock| kept(lock, wanted, platform, basis)) {
            resolved.extend(kept);
            continue;
        }
        let (mut found, mut unread) = (vec![], vec![]);
        for repository in &wanted.repositories {
            let index = index::fetch(fetcher, repository, platform.architecture(), now).await?;
            found.extend(index.packages.into_iter().map(|package| Found { package, repository }));
            unread.extend(index.unread);
        }
        let packages: Vec<Package> = found.iter().map(|found| found.package.clone()).collect();
        let bad = |reason: String| FetchError::Packages { system: wanted.system.clone(), reason };
        let asked = |error: &&PackageError| wanted.packages.contains(&error.package);
        if let Some(error) = unread.iter().find(asked) {
            return Err(bad(error.to_string()));
        }
        let chosen = choose(&packages, &wanted.packages).map_err(|error| match unread.first() {
            None => bad(format!("nothing fits together: {error}")),
            Some(first) => {
                let more = unread.len();
                bad(format!("nothing fits together: {error} (and {more} cannot be read, the first: {first})"))
            }
        })?;
        resolved.extend(chosen.into_iter().map(|at| locked(wanted, platform, basis, &found[at])));
    }
    Ok(resolved)
}

fn locked(wanted: &OsPackagesRecipe, platform: &Platform, basis: Digest, found: &Found<'_>) -> Resolved {
    let package = &found.package;
    let url = format!("{}/{}", found.repository.url.trim_end_matches('/'), package.filename);
    let item = Item {
        kind: ItemKind::Package,
        name: format!("{}_{}_{}", wanted.system, platform.architecture(), package.name),
        version: package.version.to_string(),
        digest: package.sha256,
        media_type: DEB.to_owned(),
        size: package.size,
        platform: Some(platform.clone()),
        chart: None,
        package: Some(PackageItem {
            system: wanted.system.clone(),
            package: package.name.clone(),
            wanted: wanted.packages.contains(&package.name),
            control: control(&package.text),
            basis,
        }),
    };
    let blob = LockedBlob {
        digest: package.sha256,
        size: package.size,
        media_type: DEB.to_owned(),
        kind: BlobKind::File,
        platform: Some(platform.clone()),
        source: Source::Url { url },
    };
    Resolved { item, blobs: vec![blob] }
}

fn refused(repository: &AptRepository, reason: String) -> FetchError {
    FetchError::Repository { repository: format!("{} {}", repository.url, repository.suite), reason }
}

/// The lines of a stanza that are kept, in the order of [`KEPT`].
fn control(text: &str) -> String {
    let Some(stanza) = stanzas(text).next() else { return String::new() };
    let lines = KEPT.iter().filter_map(|field| Some(format!("{field}: {}\n", stanza.get(field)?)));
    lines.collect()
}

/// What the lock has for this system, when it was made for the same words.
fn kept(lock: &Lock, wanted: &OsPackagesRecipe, platform: &Platform, basis: Digest) -> Option<Vec<Resolved>> {
    let mut kept = vec![];
    for item in lock.items.iter().filter(|item| item.platform.as_ref() == Some(platform)) {
        let Some(package) = item.package.as_ref().filter(|package| package.system == wanted.system) else {
            continue;
        };
        if package.basis != basis {
            return None;
        }
        let blob = lock.blobs.iter().find(|blob| blob.digest == item.digest)?;
        kept.push(Resolved { item: item.clone(), blobs: vec![blob.clone()] });
    }
    (!kept.is_empty()).then_some(kept)
}

/// Of everything that the choice hangs on, the repositories' content aside. Where a keyring lies is no part of it.
fn basis(wanted: &OsPackagesRecipe) -> Result<Digest, FetchError> {
    let mut words = vec![wanted.system.clone()];
    for repository in &wanted.repositories {
        let keys = std::fs::read(&repository.keyring)
            .map_err(|source| FetchError::Local { path: repository.keyring.clone().into(), source })?;
        words.extend([repository.url.clone(), repository.suite.clone(), repository.components.join(" ")]);
        words.push(Digest::of(&keys).hex());
    }
    let mut packages = wanted.packages.clone();
    packages.sort();
    packages.dedup();
    words.extend(packages);
    Ok(Digest::of(words.join("\n").as_bytes()))
}
