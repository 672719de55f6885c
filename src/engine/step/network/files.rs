//! The files that say what a node's network is, as whatever manages it reads them.

use std::collections::BTreeMap;

use sealift_node::{Probe, TrialRecord};

use super::look::{Known, text};
use crate::StepError;
use crate::network::manager::{self, Active};
use crate::network::{ifupdown, netplan, networkd};

/// networkd's files that count now, by device.
pub(super) async fn of_networkd(
    probe: &Probe<'_>,
    known: &BTreeMap<String, Known>,
) -> Result<BTreeMap<String, String>, StepError> {
    let mut counting = BTreeMap::new();
    for (device, Known { networkd: says, .. }) in known {
        says.can_be_preceded(device)?;
        let Some(file) = &says.file else { continue };
        let now = match text(probe, file).await? {
            // networkd read it there before it was kept, and has not read anything since
            None => text(probe, &networkd::lasting(file)).await?,
            now => now,
        };
        counting.extend(now.map(|text| (device.clone(), text)));
    }
    Ok(counting)
}

/// netplan's files as they would count after a reboot.
pub(super) async fn of_netplan(
    probe: &Probe<'_>,
    trial: Option<&TrialRecord>,
) -> Result<netplan::Files, StepError> {
    let mut files = netplan::Files::new();
    let yaml = |names: Option<Vec<String>>| {
        let names = names.unwrap_or_default().into_iter();
        names.filter(|name| name.strip_suffix(".yaml").is_some())
    };
    for folder in ["/lib/netplan", "/etc/netplan"] {
        for name in yaml(probe.list_dir(folder).await?) {
            files.extend(text(probe, &format!("{folder}/{name}")).await?.map(|text| (name, text)));
        }
    }
    for name in yaml(probe.list_dir("/run/netplan").await?) {
        let path = format!("/run/netplan/{name}");
        if !trial.is_some_and(|trial| trial.trial.volatile.iter().any(|file| file.path == path)) {
            let why = "it is not sealift's, and what it says would be gone after a reboot";
            return Err(StepError::Refused {
                what: path,
                why: why.to_owned(),
                next: Some("move it to /etc/netplan, or remove it, then netplan apply".to_owned()),
            });
        }
    }
    Ok(files)
}

/// What NetworkManager has on each device, and the profile that says it.
pub(super) async fn of_network_manager(
    probe: &Probe<'_>,
    known: &BTreeMap<String, Known>,
) -> Result<BTreeMap<String, Active>, StepError> {
    let mut profiles = vec![];
    for folder in [manager::VOLATILE, manager::LASTING, "/usr/lib/NetworkManager/system-connections"] {
        for name in probe.list_dir(folder).await?.unwrap_or_default() {
            let path = format!("{folder}/{name}");
            profiles.extend(text(probe, &path).await?.map(|text| (path, text)));
        }
    }
    let mut active = BTreeMap::new();
    for (device, Known { network_manager, .. }) in known {
        let uuid = network_manager.as_deref().and_then(manager::uuid);
        let is_its = |text: &str| uuid.as_ref().is_some_and(|uuid| manager::has_uuid(text, uuid));
        let profile = profiles.iter().find(|(_, text)| is_its(text));
        if let Some((path, _)) = profile.filter(|(path, _)| path.contains("/netplan-")) {
            let why = format!("netplan has NetworkManager do it ({path}), and would not know of a change");
            return Err(StepError::Refused {
                what: format!("network of {device}"),
                why,
                next: Some("set the addresses there, and leave `network` out of the cluster file".to_owned()),
            });
        }
        let profile = profile.map(|(_, text)| text.clone());
        active.insert(device.clone(), Active { uuid, profile });
    }
    Ok(active)
}

/// ifupdown's files, each from where it is, with all that they name.
pub(super) async fn of_ifupdown(probe: &Probe<'_>) -> Result<ifupdown::Files, StepError> {
    let mut files = ifupdown::Files::new();
    let mut open = vec![ifupdown::MAIN.to_owned()];
    while let Some(path) = open.pop() {
        if files.contains_key(&path) {
            continue;
        }
        let (Some(stat), Some(text)) = (probe.stat(&path).await?, text(probe, &path).await?) else {
            continue;
        };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for named in ifupdown::sources(&text) {
            let named = if named.starts_with('/') { named } else { format!("{folder}/{named}") };
            open.extend(matching(probe, &named).await?);
        }
        files.insert(path, (text, stat.mode & 0o777));
    }
    Ok(files)
}

/// The files that a pattern means: of `*`, one in its last part. A folder means the files in it.
async fn matching(probe: &Probe<'_>, pattern: &str) -> Result<Vec<String>, StepError> {
    let Some((folder, last)) = pattern.rsplit_once('/') else { return Ok(vec![]) };
    if pattern.contains(['?', '[', '$', '`', '~', '{']) || folder.contains('*') {
        let why = "it is a pattern that sealift does not read, so there may be more that it does not know of";
        return Err(StepError::refused(format!("source {pattern}"), why));
    }
    let (folder, head, tail) = match last.split_once('*') {
        Some((head, tail)) => (folder, head, tail),
        None => match probe.list_dir(pattern).await {
            Ok(Some(_)) => (pattern, "", ""),
            Ok(None) | Err(_) => return Ok(vec![pattern.to_owned()]),
        },
    };
    let names = probe.list_dir(folder).await?.unwrap_or_default().into_iter();
    let meant = names.filter(|name| {
        !name.starts_with('.')
            && name.len() >= head.len() + tail.len()
            && name.starts_with(head)
            && name.ends_with(tail)
    });
    Ok(meant.map(|name| format!("{folder}/{name}")).collect())
}
