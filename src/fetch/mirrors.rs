//! Where upstream names are really asked: a company's proxy, a lab.

use crate::FetchError;

/// Upstream prefixes and what stands for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors {
    /// `(host/path, base URL)`, longest prefix first.
    rules: Vec<(String, String)>,
}

impl Mirrors {
    /// Reads settings `UPSTREAM=BASE`: `registry.k8s.io=http://127.0.0.1:5000/registry.k8s.io` or
    /// `https://dl.k8s.io=https://proxy.corp/dl`. A base without a scheme means https. Plain http is used
    /// for nothing but a base that says so.
    pub fn parse<S: AsRef<str>>(settings: &[S]) -> Result<Self, FetchError> {
        let mut rules = Vec::with_capacity(settings.len());
        for text in settings.iter().map(AsRef::as_ref) {
            let bad = |reason| FetchError::Mirror { text: text.to_owned(), reason };
            let (from, to) = text.split_once('=').ok_or_else(|| bad("want UPSTREAM=BASE"))?;
            let from = plain(from.trim());
            if from.is_empty() || from.contains("://") {
                return Err(bad("the upstream is a registry's host or an https address"));
            }
            let to = to.trim();
            let to = if to.contains("://") { to.to_owned() } else { format!("https://{to}") };
            let url = url::Url::parse(&to).map_err(|_| bad("the base is not an address"))?;
            if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                return Err(bad("the base is an http or https address"));
            }
            if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
                return Err(bad("the base has no query, fragment or user"));
            }
            if rules.iter().any(|(known, _)| known == from) {
                return Err(bad("this upstream has a mirror already"));
            }
            rules.push((from.to_owned(), to.trim_end_matches('/').to_owned()));
        }
        rules.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Ok(Self { rules })
    }

    /// The address to ask for an upstream `https://` address.
    pub fn url(&self, upstream: &str) -> Result<String, FetchError> {
        if let Some(mapped) = self.map(plain(upstream)) {
            return Ok(mapped);
        }
        if upstream.starts_with("https://") {
            return Ok(upstream.to_owned());
        }
        let reason = "only https:// is fetched without a mirror that says otherwise".to_owned();
        Err(FetchError::Address { text: upstream.to_owned(), reason })
    }

    /// The base address and the path there, for an upstream registry host and repository.
    pub(crate) fn repository(&self, host: &str, repository: &str) -> (String, String) {
        let upstream = format!("{host}/{repository}");
        if let Some(mapped) = self.map(&upstream) {
            // scheme://host[:port] / path
            let start = mapped.find("://").map_or(0, |at| at + 3);
            if let Some(slash) = mapped[start..].find('/') {
                let (base, path) = mapped.split_at(start + slash);
                return (base.to_owned(), path.trim_matches('/').to_owned());
            }
        }
        // Docker Hub's API is not where its name is (Docker's reference library knows the same exception).
        let host = if host == "docker.io" { "registry-1.docker.io" } else { host };
        (format!("https://{host}"), repository.to_owned())
    }

    /// Replaces the longest prefix that ends at a path segment.
    fn map(&self, upstream: &str) -> Option<String> {
        self.rules.iter().find_map(|(from, to)| {
            let rest = upstream.strip_prefix(from.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
        })
    }
}

/// Without the scheme that every upstream has, and without a closing slash.
fn plain(upstream: &str) -> &str {
    upstream.strip_prefix("https://").unwrap_or(upstream).trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::Mirrors;

    #[test]
    fn replaces_whole_segments_longest_first() {
        let mirrors = Mirrors::parse(&[
            "registry.k8s.io=http://127.0.0.1:5000/registry.k8s.io",
            "https://dl.k8s.io/=proxy.corp/dl/",
            "dl.k8s.io/release/old=https://attic.corp",
        ])
        .expect("parses");
        let url = |text: &str| mirrors.url(text).expect("maps");
        assert_eq!(url("https://dl.k8s.io/release/v1/kubeadm"), "https://proxy.corp/dl/release/v1/kubeadm");
        assert_eq!(url("https://dl.k8s.io/release/old/x"), "https://attic.corp/x");
        assert_eq!(url("https://dl.k8s.io.evil.org/x"), "https://dl.k8s.io.evil.org/x");
        assert_eq!(url("https://dl.k8s.io/release/older"), "https://proxy.corp/dl/release/older");
        assert_eq!(
            mirrors.repository("registry.k8s.io", "coredns/coredns"),
            ("http://127.0.0.1:5000".to_owned(), "registry.k8s.io/coredns/coredns".to_owned())
        );
        assert_eq!(
            mirrors.repository("docker.io", "library/nginx"),
            ("https://registry-1.docker.io".to_owned(), "library/nginx".to_owned())
        );
    }

    #[test]
    fn plain_http_comes_from_mirrors_only() {
        let mirrors = Mirrors::parse::<&str>(&[]).expect("parses");
        assert!(mirrors.url("http://dl.k8s.io/x").is_err());
        assert!(mirrors.url("file:///etc/passwd").is_err());
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for bad in [
            "",
            "x",
            "=https://a",
            "a=ftp://b",
            "a=http://",
            "http://a=https://b",
            "a=https://u@b",
            "a=b?c=d",
        ] {
            assert!(Mirrors::parse(&[bad]).is_err(), "{bad} was taken");
        }
        assert!(Mirrors::parse(&["a=b", "https://a/=c"]).is_err());
    }
}
