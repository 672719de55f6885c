//! systemd's view of a unit.

use std::time::{SystemTime, UNIX_EPOCH};

use super::LocalHost;
use crate::{Command, HostError, UnitState};

const PROPERTIES: &str =
    "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload,ActiveEnterTimestampMonotonic";

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
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Ok(parse(&output.stdout, now.saturating_sub(seconds(&uptime))))
    }
}

/// Whole seconds of proc(5)'s uptime.
fn seconds(uptime: &str) -> u64 {
    uptime.split('.').next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Reads `Key=Value` lines. The monotonic stamp (microseconds since boot) is used because the wall clock's
/// is printed in the system's own zone by the systemd of older releases.
fn parse(text: &str, boot: u64) -> UnitState {
    let get = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.unwrap_or_default().to_owned()
    };
    let entered: u64 = get("ActiveEnterTimestampMonotonic").parse().unwrap_or(0);
    UnitState {
        load: get("LoadState"),
        active: get("ActiveState"),
        enabled: get("UnitFileState"),
        needs_reload: get("NeedDaemonReload") == "yes",
        active_since: if entered == 0 { 0 } else { boot + entered / 1_000_000 },
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, seconds};

    #[test]
    fn reads_what_systemctl_shows() {
        let text = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=yes\n\
                    ActiveEnterTimestampMonotonic=5200000\n";
        let unit = parse(text, 1000);
        assert_eq!(
            (unit.load.as_str(), unit.active.as_str(), unit.enabled.as_str()),
            ("loaded", "active", "enabled")
        );
        assert!(unit.needs_reload);
        assert_eq!(unit.active_since, 1005);
        assert_eq!(parse("LoadState=not-found\nActiveEnterTimestampMonotonic=0\n", 1000).active_since, 0);
        assert_eq!(seconds("12.34 5.6\n"), 12);
    }
}
