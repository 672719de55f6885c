//! A scene's place in these tests: a name, a network and a folder of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot make its place must fail")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab::cache::Cache;
use lab::root::RootKind;
use lab::state::{NodeSpec, SceneSpec};

/// A scene of the given number with nodes `(name, octet, root)`.
pub(crate) fn spec(number: u8, nodes: &[(&str, u8, RootKind)]) -> SceneSpec {
    SceneSpec {
        name: format!("lab-t{number}"),
        subnet: format!("10.78.{number}.0/24").parse().unwrap(),
        dir: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("scene-{number}")),
        nodes: nodes.iter().map(|&(name, octet, root)| NodeSpec { name: name.into(), octet, root }).collect(),
        cache: Cache::open().unwrap(),
    }
}

/// What there is on this machine that carries the scene's name or lies in its folder.
pub(crate) fn traces(spec: &SceneSpec) -> Vec<String> {
    let mut found = Vec::new();
    let folder = spec.dir.display().to_string();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        let is_process = entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit());
        if is_process && (words.contains(&folder) || words.contains(&format!("--machine={}-", spec.name))) {
            found.push(format!("process {}: {words}", entry.file_name().display()));
        }
    }
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        let list = Command::new("find")
            .arg(hierarchy.path())
            .args(["-type", "d", "-name"])
            .arg(format!("lab-{}-*", spec.name))
            .output()
            .unwrap();
        found.extend(String::from_utf8_lossy(&list.stdout).lines().map(|path| format!("cgroup {path}")));
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    found.extend(mounts.lines().filter(|line| line.contains(&folder)).map(|line| format!("mount {line}")));
    for path in [format!("/run/netns/{}", spec.name), format!("/run/sealift-lab/{}", spec.name), folder] {
        found.extend(Path::new(&path).exists().then_some(path));
    }
    for entry in fs::read_dir("/run/systemd/nspawn/propagate").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        found.extend(name.starts_with(&format!("{}-", spec.name)).then_some(format!("propagate {name}")));
    }
    found
}
