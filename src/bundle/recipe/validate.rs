//! What a recipe must fulfil before anything is fetched for it.

use std::collections::HashSet;

use sealift_stream::Digest;

use super::{Recipe, RecipeError};
use crate::check;

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
            note(address(&file.url, &format!("url of file {}", file.name)));
            if file.checksum.parse::<Digest>().is_err() {
                note(address(&file.checksum, &format!("checksum of file {}", file.name)));
            }
        }
        for chart in &spec.charts {
            note(check::name(&chart.name, "chart name"));
            note(check::name(&chart.version, &format!("version of chart {}", chart.name)));
            note(check::name(&chart.namespace, &format!("namespace of chart {}", chart.name)));
            note(address(&chart.repository, &format!("repository of chart {}", chart.name)));
        }
        note(once("image", spec.images.iter()));
        note(once("file", spec.files.iter().map(|file| &file.name)));
        note(once("chart", spec.charts.iter().map(|chart| &chart.name)));
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

fn once<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(format!("{what} {name} is there twice, in different words")),
        None => Ok(()),
    }
}
