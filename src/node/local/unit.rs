//! systemd's view of a unit.

use std::time::{SystemTime, UNIX_EPOCH};

use super::LocalHost;
use crate::{Command, HostError, UnitState};

const PROPERTIES: &str = "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload,InvocationID,ExecMainStartTimestampMonotonic";

impl LocalHost {
    pub(super) async fn unit(&self, name: &str) -> Result<UnitState, HostError> {
        let what = || format!("asking systemd about {name}");
        if name.is_empty() || name.starts_with('-') || name.contains(['/', '\0']) {
            return Err(HostError::refused(&self.name, what(), "not a unit's name"));
        }
        let output = self.run(Command::new(["systemctl", "show", PROPERTIES, "--", name])).await?;
        if output.status != 0 {
            return Err(HostError::refused(&self.name, what(), output.stderr.trim()));
        }
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        Ok(parse(&output.stdout, now.saturating_sub(milliseconds(&uptime))))
    }
}

/// proc(5)'s uptime, which has seconds and hundredths.
fn milliseconds(uptime: &str) -> u64 {
    let digits: String = uptime.split(' ').next().unwrap_or_default().replace('.', "");
    digits.trim().parse::<u64>().unwrap_or(0) * 10
}

/// Reads `Key=Value` lines. The monotonic stamp (microseconds since boot) is used because the wall clock's
/// is printed in the system's own zone by the systemd of older releases. `boot` is the time of boot in milliseconds.
fn parse(text: &str, boot: u64) -> UnitState {
    let get = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.unwrap_or_default().to_owned()
    };
    let started: u64 = get("ExecMainStartTimestampMonotonic").parse().unwrap_or(0);
    UnitState {
        load: get("LoadState"),
        active: get("ActiveState"),
        enabled: get("UnitFileState"),
        needs_reload: get("NeedDaemonReload") == "yes",
        invocation: get("InvocationID"),
        started_ms: if started == 0 { 0 } else { boot + started / 1000 },
    }
}

#[cfg(test)]
mod tests {
    use super::{milliseconds, parse};

    #[test]
    fn reads_what_systemctl_shows() {
        let text = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=yes\n\
                    InvocationID=0a1b\nExecMainStartTimestampMonotonic=5200000\n";
        let unit = parse(text, 1_000_000);
        assert_eq!(
            (unit.load.as_str(), unit.active.as_str(), unit.enabled.as_str()),
            ("loaded", "active", "enabled")
        );
        assert!(unit.needs_reload);
        assert_eq!((unit.invocation.as_str(), unit.started_ms), ("0a1b", 1_005_200));
        let never = parse("LoadState=not-found\nInvocationID=\n", 1000);
        assert!(never.invocation.is_empty() && never.started_ms == 0);
        assert_eq!(milliseconds("12.34 5.6\n"), 12_340);
    }
}
