//! Many files and folders in one answer, so that a slow link is crossed once.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use super::LocalHost;
use super::file::present;
use crate::error::Context as _;
use crate::{Answer, Command, HostError, Secretless, Sight};

/// So many names are followed for a `*`: a folder of a million is not what anybody meant.
const NAMES: usize = 1024;

/// A text found by words is cut here.
const TEXT: usize = 256 * 1024;

/// How the packet filter is asked. The first one that is installed answers: where both are, nft sees what
/// iptables-nft made, too.
const FILTERS: [&[&str]; 2] = [&["nft", "-j", "list", "chains"], &["iptables-save"]];

impl LocalHost {
    pub(super) fn look(&self, paths: &[String], limit: u64) -> Result<Answer, HostError> {
        let mut sights = vec![];
        for path in paths {
            match self.expanded(path)? {
                Ok(paths) => {
                    for path in paths {
                        let place = self.root.checked(&self.name, &path)?;
                        let sight = sight(&place, limit);
                        sights.push((path, sight.unwrap_or_else(|error| Sight::Refused(error.to_string()))));
                    }
                }
                Err(error) => sights.push((path.clone(), Sight::Refused(error.to_string()))),
            }
        }
        Ok(Answer::Sights(sights))
    }

    /// The paths that one with a `*` stands for, or why they cannot be listed; one without stands for itself.
    fn expanded(&self, path: &str) -> Result<std::io::Result<Vec<String>>, HostError> {
        let Some((folder, rest)) = path.split_once("/*") else { return Ok(Ok(vec![path.to_owned()])) };
        if rest.contains('*') || !(rest.is_empty() || rest.starts_with('/')) {
            let why = "one whole component of a path may be '*'";
            return Err(HostError::refused(&self.name, format!("looking at {path}"), why));
        }
        let place = self.root.checked(&self.name, folder)?;
        let listed = present(fs::read_dir(place)).and_then(|entries| {
            let names = entries.into_iter().flatten();
            names.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
        });
        Ok(listed.map(|mut names: Vec<String>| {
            names.sort();
            names.truncate(NAMES);
            names.into_iter().map(|name| format!("{folder}/{name}{rest}")).collect()
        }))
    }

    pub(super) fn lines(&self, path: &str, words: &[String]) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let what = || format!("searching {path}");
        let Some(file) = present(fs::File::open(place)).on(&self.name, what)? else {
            return Ok(Answer::Missing);
        };
        let mut found = String::new();
        for line in BufReader::new(file).lines() {
            let line = line.on(&self.name, what)?;
            if words.iter().any(|word| line.contains(word.as_str())) && found.len() + line.len() < TEXT {
                found.push_str(&line);
                found.push('\n');
            }
        }
        Ok(Answer::Text(found))
    }

    pub(super) async fn packet_filter(&self) -> Result<Answer, HostError> {
        for argv in FILTERS {
            if self.root.program(argv[0]).is_some() {
                let output = self.run(Command::new(argv.iter().copied()).timeout(20)).await?;
                return Ok(Answer::Output(output));
            }
        }
        Ok(Answer::Missing)
    }
}

fn sight(place: &Path, limit: u64) -> std::io::Result<Sight> {
    let Some(meta) = present(fs::metadata(place))? else { return Ok(Sight::Missing) };
    if meta.is_dir() {
        let entries = fs::read_dir(place)?;
        let names: std::io::Result<Vec<String>> =
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
        let mut names = names?;
        names.sort();
        return Ok(Sight::Names(names));
    }
    if !meta.is_file() {
        return Ok(Sight::Other);
    }
    // Files below /proc say that they are empty: count what is read.
    let mut bytes = vec![];
    fs::File::open(place)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Ok(Sight::Refused(format!("longer than {limit} bytes")));
    }
    Ok(Sight::File(Secretless(bytes)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::{LocalHost, Probe, Sight};

    #[tokio::test]
    async fn looks_at_many_paths_at_once() {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [("etc/a", "one"), ("sys/net/eth0/mtu", "1500"), ("sys/net/lo/mtu", "65536")] {
            fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            fs::write(dir.path().join(path), text).unwrap();
        }
        let host = LocalHost::rooted("cp1", dir.path());
        let probe = Probe::new(&host);
        let paths =
            ["/etc/a", "/sys/net/*/mtu", "/sys/net", "/none", "/none/*/x"].map(str::to_owned).to_vec();
        let sights = probe.look(paths, 4).await.unwrap();
        let file = |text: &str| Sight::File(crate::Secretless(text.as_bytes().to_vec()));
        let seen = |path: &str| sights.iter().find(|(at, _)| at == path).map(|(_, sight)| sight.clone());
        assert_eq!(seen("/etc/a"), Some(file("one")));
        assert_eq!(seen("/sys/net/eth0/mtu"), Some(file("1500")));
        assert!(matches!(seen("/sys/net/lo/mtu"), Some(Sight::Refused(_))), "longer than asked for");
        assert_eq!(seen("/sys/net"), Some(Sight::Names(vec!["eth0".into(), "lo".into()])));
        assert_eq!(seen("/none"), Some(Sight::Missing));
        assert_eq!(sights.len(), 5, "{sights:?}");
        for wrong in ["/etc/../x", "/a/*/b/*", "/a/*x"] {
            assert!(probe.look(vec![wrong.to_owned()], 4).await.is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn finds_lines_by_words() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("dep"), "net/vxlan.ko: a\nfs/overlay.ko:\nnet/x.ko:\n").unwrap();
        let host = LocalHost::rooted("cp1", dir.path());
        let words = ["/vxlan.ko", "/overlay.ko"].map(str::to_owned).to_vec();
        let lines = Probe::new(&host).lines("/dep", words).await.unwrap();
        assert_eq!(lines.as_deref(), Some("net/vxlan.ko: a\nfs/overlay.ko:\n"));
        assert_eq!(Probe::new(&host).lines("/none", vec![]).await.unwrap(), None);
    }
}
