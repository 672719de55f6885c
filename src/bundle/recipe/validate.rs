//! What a recipe must fulfil before anything is fetched for it.

use std::collections::HashSet;

use sealift_stream::Digest;

use super::{FileRecipe, OsPackagesRecipe, Recipe, RecipeError};
use crate::{SEALIFT, check};

impl Recipe {
    /// Finds everything that is wrong, then fails once.
    pub(super) fn validate(&self, origin: &str) -> Result<(), RecipeError> {
        let mut reasons = Vec::new();
        let mut note = |result: Result<(), String>| reasons.extend(result.err());
        note(equals("apiVersion", &self.api_version, Self::API_VERSION));
        note(equals("kind", &self.kind, "Recipe"));
        note(check::name(&self.metadata.name, "metadata.name"));
        note(check::name(&self.metadata.version, "metadata.version"));
        let spec = &self.spec;
        if spec.platforms.is_empty() {
            note(Err("spec.platforms is empty; say e.g. [linux/amd64]".into()));
        }
        for version in std::iter::once(&spec.kubernetes).chain(&spec.hops) {
            note(kubernetes_version(version));
        }
        for image in &spec.images {
            note(check::image(image));
        }
        for file in &spec.files {
            note(check::name(&file.name, "file name"));
            note(check::name(&file.version, &format!("version of file {}", file.name)));
            note(origin_of(file));
            note(checksum_of(file));
            if file.name == SEALIFT {
                note(comparable(file));
            }
        }
        for chart in &spec.charts {
            note(check::name(&chart.name, "chart name"));
            note(check::name(&chart.version, &format!("version of chart {}", chart.name)));
            note(check::name(&chart.namespace, &format!("namespace of chart {}", chart.name)));
            note(address(&chart.repository, &format!("repository of chart {}", chart.name)));
        }
        for wanted in &spec.os_packages {
            note(os_packages(wanted));
        }
        note(once("image", spec.images.iter()));
        note(once("file", spec.files.iter().map(|file| &file.name)));
        note(once("chart", spec.charts.iter().map(|chart| &chart.name)));
        note(once("system", spec.os_packages.iter().map(|wanted| &wanted.system)));
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(RecipeError::Invalid { origin: origin.to_owned(), reasons })
        }
    }
}

fn equals(field: &str, have: &str, want: &str) -> Result<(), String> {
    if have == want { Ok(()) } else { Err(format!("{field} is '{have}', must be '{want}'")) }
}

fn kubernetes_version(text: &str) -> Result<(), String> {
    match text.strip_prefix('v').map(semver::Version::parse) {
        Some(Ok(_)) => Ok(()),
        _ => Err(format!("Kubernetes version '{text}' must look like v1.36.4")),
    }
}

fn address(text: &str, what: &str) -> Result<(), String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !text.contains(char::is_whitespace) => Ok(()),
        _ => Err(format!("{what} '{text}' must begin with https://")),
    }
}

fn os_packages(wanted: &OsPackagesRecipe) -> Result<(), String> {
    let system = &wanted.system;
    check::name(system, "system of osPackages")?;
    if !system.starts_with("debian-") {
        return Err(format!("osPackages for {system}: only Debian's are packed, e.g. debian-12"));
    }
    if wanted.repositories.is_empty() || wanted.packages.is_empty() {
        return Err(format!("osPackages for {system} needs repositories and packages"));
    }
    for repository in &wanted.repositories {
        address(&repository.url, &format!("repository for {system}"))?;
        let part = |text: &str| check::name(text, &format!("suite or component of {}", repository.url));
        repository.components.iter().chain([&repository.suite]).try_for_each(|text| part(text))?;
        if repository.components.is_empty() {
            return Err(format!("repository {} for {system} needs components, e.g. [main]", repository.url));
        }
    }
    let good = |name: &&String| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
    };
    match wanted.packages.iter().find(|name| !good(name)) {
        Some(name) => Err(format!("'{name}' for {system} is no package's name")),
        None => Ok(()),
    }
}

/// From one place, and from one only.
fn origin_of(file: &FileRecipe) -> Result<(), String> {
    match (&file.path, file.url.is_empty()) {
        (Some(path), true) if !path.is_empty() => Ok(()),
        (Some(_), false) => Err(format!("file {} has a url and a path; say one of them", file.name)),
        (_, true) => Err(format!("file {} needs a url with its checksum, or a path", file.name)),
        (None, false) => address(&file.url, &format!("url of file {}", file.name)),
    }
}

fn checksum_of(file: &FileRecipe) -> Result<(), String> {
    let literal = file.checksum.parse::<Digest>().is_ok();
    match &file.path {
        _ if literal => Ok(()),
        Some(_) if file.checksum.is_empty() => Ok(()),
        Some(_) => Err(format!("checksum of file {} must be sha256:HEX, or left out", file.name)),
        None => address(&file.checksum, &format!("checksum of file {}", file.name)),
    }
}

/// A sealift that is told to be newer must be comparable, and for one kind of machine.
fn comparable(file: &FileRecipe) -> Result<(), String> {
    if semver::Version::parse(&file.version).is_err() {
        return Err(format!("version of file {SEALIFT} '{}' must look like 1.2.3", file.version));
    }
    if file.platform.is_none() {
        return Err(format!("file {SEALIFT} needs its platform, e.g. linux/amd64"));
    }
    Ok(())
}

fn once<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(format!("{what} {name} is there twice, in different words")),
        None => Ok(()),
    }
}
