//! Control groups.

use crate::check::{
    Check,
    Severity::{Refuse, Warn},
};
use crate::parse::mounts::mounts;
use crate::view::{Judged, View, not_here, when};

const CONTROLLERS: &[&str] = &["cpu", "memory", "pids"];

pub(super) const CHECKS: &[Check] = &[
    Check::node("cgroup-v1", Refuse, |view| {
        if view.kubelet("failCgroupV1") == Some(&serde_json::Value::Bool(false)) {
            return not_here("the cluster file lets kubelet run on cgroup v1");
        }
        when(!is_v2(view)?, || "there is no /sys/fs/cgroup/cgroup.controllers".to_owned())
    })
    .says(
        "kubelet 1.35 and newer refuses to start on cgroup v1",
        "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line and reboot",
    )
    .by("spec.kubernetes.kubelet"),
    Check::node("cgroup-controllers", Refuse, controllers).says(
        "kubelet limits and counts by these controllers",
        "take cgroup_disable= off the kernel's command line and reboot",
    ),
    Check::node("cgroup-mixed", Warn, |view| {
        if view.kubelet("failCgroupV1") == Some(&serde_json::Value::Bool(false)) {
            return not_here("the cluster file lets kubelet run on cgroup v1");
        }
        let all = mounts(&view.needed("/proc/1/mountinfo")?);
        let one = all.iter().filter(|mount| mount.kind == "cgroup").map(|mount| mount.point.clone());
        let one: Vec<String> = one.collect();
        when(is_v2(view)? && !one.is_empty(), || format!("cgroup v1 is mounted too, at {}", one.join(", ")))
    })
    .says(
        "some controllers belong to cgroup v1 and are missing in v2",
        "find out what mounts them (an old agent, as a rule) and take it off the server",
    ),
];

fn is_v2(view: &View<'_>) -> Result<bool, crate::view::Miss> {
    view.there("/sys/fs/cgroup/cgroup.controllers")
}

fn controllers(view: &View<'_>) -> Judged {
    let there: Vec<String> = if is_v2(view)? {
        let text = view.needed("/sys/fs/cgroup/cgroup.controllers")?;
        text.split_whitespace().map(str::to_owned).collect()
    } else {
        let text = view.needed("/proc/cgroups")?;
        let on = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            (fields.get(3) == Some(&"1")).then(|| fields[0].to_owned())
        };
        text.lines().filter_map(on).collect()
    };
    let missing = CONTROLLERS.iter().filter(|name| !there.iter().any(|one| one == *name));
    Ok(missing.map(|name| format!("no controller {name}")).collect())
}
