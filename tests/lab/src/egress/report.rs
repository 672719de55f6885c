//! The recorder's verdict.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::Record;
use super::plant::Leak;
use super::recorder::Recorder;

/// What the recorder saw: planted leaks and other packets, apart.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether the recorder runs; when not, the figures prove nothing.
    pub listens: bool,
    /// Packets that were lost before the recorder read them. Must be 0.
    pub lost: u64,
    /// Each planted leak.
    pub planted: Vec<Count>,
    /// Everything else that tried to leave. Must be empty.
    pub others: Vec<Record>,
}

/// How often a planted leak was seen.
#[derive(Debug, Serialize)]
pub struct Count {
    /// Where it was sent from.
    pub origin: String,
    /// Packets with its DNS question.
    pub questions: usize,
    /// Packets of its TCP connection.
    pub connections: usize,
}

impl Report {
    /// Reads and judges what a recorder has so far.
    pub fn of(recorder: &Recorder) -> Result<Self> {
        let listens = recorder.listens();
        if listens {
            recorder.catch_up()?;
        }
        let lost = if listens { recorder.lost()? } else { 0 };
        let leaks = recorder
            .planted()?
            .iter()
            .map(|planted| Leak::new(&planted.origin))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { lost, ..Self::judge(listens, &leaks, recorder.records()?) })
    }

    fn judge(listens: bool, leaks: &[Leak], records: Vec<Record>) -> Self {
        let count = |leak: &Leak| Count {
            origin: leak.origin().to_owned(),
            questions: records.iter().filter(|record| leak.asked(record)).count(),
            connections: records.iter().filter(|record| leak.connected(record)).count(),
        };
        let planted = leaks.iter().map(count).collect();
        let known = |record: &Record| leaks.iter().any(|leak| leak.asked(record) || leak.connected(record));
        let others = records.into_iter().filter(|record| !known(record)).collect();
        Self { listens, lost: 0, planted, others }
    }

    /// Why this is not a proof that nothing left; `None` when it is one.
    pub fn fault(&self) -> Option<String> {
        if !self.others.is_empty() {
            return Some(format!("{} packets tried to leave", self.others.len()));
        }
        if !self.listens {
            return Some("the recorder does not run: could not check".into());
        }
        if self.lost > 0 {
            return Some(format!("{} packets were lost before they were read: could not check", self.lost));
        }
        if self.planted.is_empty() {
            return Some("no leak was planted, so 0 means nothing: run `lab egress plant` first".into());
        }
        let unseen = self.planted.iter().find(|count| count.questions == 0 || count.connections == 0)?;
        Some(format!("the leak planted in the {} was not seen: the recorder is blind there", unseen.origin))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for count in &self.planted {
            writeln!(
                out,
                "planted {}: {} questions, {} connections",
                count.origin, count.questions, count.connections
            )?;
        }
        writeln!(out, "others: {}", self.others.len())?;
        let ip =
            |address: Option<std::net::IpAddr>| address.map_or("-".to_owned(), |address| address.to_string());
        for other in &self.others {
            let port = other.port.map_or(String::new(), |port| format!(" port {port}"));
            let name = other.name.as_deref().map_or(String::new(), |name| format!(" asks {name}"));
            let (from, to) = (ip(other.source), ip(other.destination));
            writeln!(
                out,
                "  {} {from} -> {to} {}{port}{name} on {}",
                other.time_ms, other.protocol, other.seen_on
            )?;
        }
        write!(out, "{}", self.fault().unwrap_or_else(|| "nothing left but the planted leaks".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(protocol: &str, to: &str, port: u16, name: Option<&str>) -> Record {
        Record {
            time_ms: 1,
            seen_on: "br0".into(),
            source: None,
            destination: to.parse().ok(),
            protocol: protocol.into(),
            port: Some(port),
            name: name.map(str::to_owned),
        }
    }

    #[test]
    fn zero_is_a_proof_only_with_a_planted_leak_that_was_seen_and_a_living_recorder() {
        let leak = [Leak::new("node").unwrap()];
        let question = record("udp", "198.51.100.53", 53, Some("planted-node.example.invalid"));
        let connection = record("tcp", "198.51.100.7", 443, None);
        let seen = || vec![question.clone(), connection.clone()];
        assert_eq!(Report::judge(true, &leak, seen()).fault(), None);
        assert!(Report::judge(false, &leak, seen()).fault().is_some());
        assert!(Report { lost: 1, ..Report::judge(true, &leak, seen()) }.fault().is_some());
        assert!(Report::judge(true, &[], vec![]).fault().is_some());
        assert!(Report::judge(true, &leak, vec![question.clone()]).fault().is_some());
        assert!(Report::judge(true, &leak, vec![connection.clone()]).fault().is_some());
    }

    #[test]
    fn anything_beside_the_planted_leaks_is_a_fault() {
        let leak = [Leak::new("node").unwrap()];
        for other in [
            record("udp", "198.51.100.53", 53, Some("go.dev")),
            record("udp", "198.51.100.7", 443, None),
            record("tcp", "198.51.100.7", 80, None),
            record("tcp", "198.51.100.8", 443, None),
        ] {
            let question = record("udp", "198.51.100.53", 53, Some("planted-node.example.invalid"));
            let report =
                Report::judge(true, &leak, vec![question, record("tcp", "198.51.100.7", 443, None), other]);
            assert_eq!(report.others.len(), 1);
            assert!(report.fault().is_some());
        }
    }
}
