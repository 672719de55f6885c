//! An operating system and processor architecture.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `os/architecture` or `os/architecture/variant`, as in an OCI image index, e.g. `linux/amd64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform(String);

/// Why a text is not a [`Platform`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a platform: want os/architecture, e.g. linux/amd64")]
pub struct BadPlatform(pub String);

impl Platform {
    /// The text as it is written in recipes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What this very program was built for, as the OCI specification spells it.
    pub fn here() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Self(format!("{}/{architecture}", std::env::consts::OS))
    }

    /// Operating system, e.g. `linux`.
    pub fn os(&self) -> &str {
        self.part(0).unwrap_or_default()
    }

    /// Architecture in Go's words, e.g. `amd64`.
    pub fn architecture(&self) -> &str {
        self.part(1).unwrap_or_default()
    }

    /// Variant, e.g. `v8`.
    pub fn variant(&self) -> Option<&str> {
        self.part(2)
    }

    fn part(&self, index: usize) -> Option<&str> {
        self.0.split('/').nth(index)
    }
}

impl FromStr for Platform {
    type Err = BadPlatform;

    fn from_str(text: &str) -> Result<Self, BadPlatform> {
        let good = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        let parts: Vec<&str> = text.split('/').collect();
        if (2..=3).contains(&parts.len()) && parts.iter().all(|part| good(part)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadPlatform(text.chars().take(100).collect()))
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Platform {
    type Error = BadPlatform;

    fn try_from(text: String) -> Result<Self, BadPlatform> {
        text.parse()
    }
}

impl From<Platform> for String {
    fn from(platform: Platform) -> Self {
        platform.0
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn has_two_or_three_parts() {
        let arm: Platform = "linux/arm64/v8".parse().expect("parses");
        assert_eq!((arm.os(), arm.architecture(), arm.variant()), ("linux", "arm64", Some("v8")));
        let here = Platform::here();
        assert_eq!(here.as_str().parse(), Ok(here));
        for bad in ["", "linux", "linux/", "/amd64", "linux/AMD64", "a/b/c/d", "linux/amd64 ", "../x"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad} was taken");
        }
    }
}
