//! Image names, always written out in full.

use std::fmt;
use std::str::FromStr;

use oci_distribution::Reference;

use crate::FetchError;

/// An upstream image name with its tag, e.g. `docker.io/library/nginx:1.29`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName {
    host: String,
    repository: String,
    tag: String,
}

impl ImageName {
    /// The registry's host, e.g. `registry.k8s.io`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path at that host, e.g. `coredns/coredns`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Host and path, as a lock's source has them.
    pub fn full_repository(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.host, self.repository, self.tag)
    }
}

impl FromStr for ImageName {
    type Err = FetchError;

    /// Adds what Docker's short names leave out (`nginx` is `docker.io/library/nginx:latest`). A digest
    /// beside the tag is dropped: an item's digest is the lock's business.
    fn from_str(text: &str) -> Result<Self, FetchError> {
        let reference: Reference = text.parse().map_err(|error| FetchError::Address {
            text: text.to_owned(),
            reason: format!("not an image name: {error}"),
        })?;
        let tag = match (reference.tag(), reference.digest()) {
            (Some(tag), _) => tag.to_owned(),
            (None, Some(_)) => {
                let reason = "an image is named by its tag; the lock pins the digest".to_owned();
                return Err(FetchError::Address { text: text.to_owned(), reason });
            }
            (None, None) => "latest".to_owned(),
        };
        let host = match reference.registry() {
            "index.docker.io" | "registry-1.docker.io" => "docker.io",
            host => host,
        };
        Ok(Self { host: host.to_owned(), repository: reference.repository().to_owned(), tag })
    }
}

#[cfg(test)]
mod tests {
    use super::ImageName;

    #[test]
    fn writes_names_out() {
        for (text, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("grafana/grafana:12", "docker.io/grafana/grafana:12"),
            ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
            ("registry.k8s.io/pause:3.10.2", "registry.k8s.io/pause:3.10.2"),
            ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
        ] {
            assert_eq!(text.parse::<ImageName>().expect("parses").to_string(), full);
        }
        let digest = format!("registry.k8s.io/pause@sha256:{}", "0".repeat(64));
        for bad in ["", "docker.io/UPPER:1", "a b", "../x:1", "x:", digest.as_str()] {
            assert!(bad.parse::<ImageName>().is_err(), "{bad} was taken");
        }
    }
}
