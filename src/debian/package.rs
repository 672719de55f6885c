//! A package as a repository's index describes it.

use sealift_stream::Digest;

use crate::{Relations, Stanza, Version};

/// A package that can be fetched.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// Depends and Pre-Depends.
    pub needs: Relations,
    /// Conflicts and Breaks.
    pub refuses: Relations,
    /// Names that it answers to as well, some in a version of their own.
    pub provides: Relations,
    /// Whether every Debian has it.
    pub essential: bool,
    /// Below the repository's address.
    pub filename: String,
    /// Bytes.
    pub size: u64,
    /// Of the file.
    pub sha256: Digest,
    /// The stanza as it was written.
    pub text: String,
}

/// An index that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("package {package}: {reason}")]
pub struct PackageError {
    /// The package's name, if it has one.
    pub package: String,
    /// What is wrong.
    pub reason: String,
}

impl Package {
    /// Reads a stanza of a `Packages` file.
    pub fn read(stanza: Stanza<'_>) -> Result<Self, PackageError> {
        let name = stanza.get("Package").unwrap_or("without a name").to_owned();
        let wrong = |reason: String| PackageError { package: name.clone(), reason };
        let field = |field: &str| stanza.get(field).ok_or_else(|| wrong(format!("it has no {field}")));
        let relations = |fields: &[&str]| -> Result<Relations, PackageError> {
            let mut all = Relations::default();
            for field in fields {
                if stanza.lines(field).next().is_some() {
                    return Err(wrong(format!("its {field} goes over several lines")));
                }
                let found: Relations = stanza.get(field).unwrap_or_default().parse().map_err(&wrong)?;
                all.0.extend(found.0);
            }
            Ok(all)
        };
        field("Package")?;
        let filename = field("Filename")?;
        if filename.starts_with('/') || filename.split('/').any(|part| part == "..") {
            return Err(wrong(format!("its file is outside of the repository: {filename}")));
        }
        Ok(Self {
            version: Version::new(field("Version")?),
            architecture: field("Architecture")?.to_owned(),
            needs: relations(&["Pre-Depends", "Depends"])?,
            refuses: relations(&["Conflicts", "Breaks"])?,
            provides: relations(&["Provides"])?,
            essential: stanza.get("Essential") == Some("yes"),
            filename: filename.to_owned(),
            size: field("Size")?.parse().map_err(|_| wrong("its size is no number".to_owned()))?,
            sha256: format!("sha256:{}", field("SHA256")?)
                .parse()
                .map_err(|error| wrong(format!("its SHA256: {error}")))?,
            text: stanza.text().to_owned(),
            name,
        })
    }
}
