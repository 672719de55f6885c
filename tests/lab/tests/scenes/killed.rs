//! `lab up` killed at any time: the next `up` cleans and succeeds, and `down` leaves nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use lab::root::RootKind;
use lab::scene::Scene;

use crate::place::{spec, traces};

#[test]
fn up_killed_again_and_again_ends_in_a_scene_and_down_leaves_nothing() {
    let spec = spec(5, &[("cp1", 11, RootKind::Full)]);
    lab::root::ensure(&spec.cache, RootKind::Full).unwrap();
    // What an earlier run of this test left when it failed.
    Scene::down(&spec.dir).unwrap();
    fs::remove_dir_all(&spec.dir).unwrap_or_default();
    let up = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command.args([
            "up",
            "--name",
            &spec.name,
            "--subnet",
            &spec.subnet.to_string(),
            "--node",
            "cp1=11",
            "--dir",
        ]);
        command.arg(&spec.dir).stdout(Stdio::null());
        command
    };
    // From before the state is written to the boot's last second.
    for after in [20, 120, 300, 700, 1500, 2500] {
        let mut child = up().spawn().unwrap();
        thread::sleep(Duration::from_millis(after));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Down after a kill, and once more with nothing to do.
    Scene::down(&spec.dir).unwrap();
    assert_eq!(traces(&spec), Vec::<String>::new());
    Scene::down(&spec.dir).unwrap();

    let mut child = up().spawn().unwrap();
    thread::sleep(Duration::from_millis(900));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(up().status().unwrap().success());
    fs::write(spec.dir.join("cluster.yaml"), "mine").unwrap();

    // The same name from another folder is refused, and takes nothing away.
    let mut other = spec.clone();
    other.dir = spec.dir.with_extension("other");
    let refused = format!("{:#}", Scene::up(&other).unwrap_err());
    assert!(refused.contains("lab down --dir"), "{refused}");
    Scene::down(&other.dir).unwrap();
    let node = Scene::open(&spec.dir).unwrap().node("cp1").unwrap();
    assert!(node.leader().is_some());

    // One that nothing runs of any more gives its name up, and what it had made goes.
    node.power_cut().unwrap();
    drop(Scene::up(&other).unwrap().guarded().unwrap());
    fs::remove_dir_all(&other.dir).unwrap_or_default();
    assert!(Scene::open(&spec.dir).is_err());

    Scene::down(&spec.dir).unwrap();
    assert_eq!(fs::read_to_string(spec.dir.join("cluster.yaml")).unwrap(), "mine");
    fs::remove_dir_all(&spec.dir).unwrap();
    assert_eq!(traces(&spec), Vec::<String>::new());
}

#[test]
fn without_root_it_says_so_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let program = folder.path().join("lab");
    fs::copy(env!("CARGO_BIN_EXE_lab"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .env("SEALIFT_LAB_CACHE", folder.path());
    command.args(["up", "--name", "lab-t9", "--subnet", "10.78.9.0/24", "--node", "cp1=11", "--dir"]);
    let output = command.arg(folder.path().join("scene")).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("needs root"), "{error}");
}
