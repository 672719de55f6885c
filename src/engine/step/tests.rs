//! Every file-like step on a node that is a directory: observe, change with a reason, apply, and a second
//! look that finds nothing. What needs a real systemd or kernel is told from fixtures.

use std::os::unix::fs::{PermissionsExt, symlink};

use crate::testkit::{Kit, SYSTEMCTL, archive, go, plan, steps, twice};
use crate::{Change, Plan};

fn change<'a>(plan: &'a Plan, node: &str, what: &str) -> &'a Change {
    let found = plan.steps().filter(|(_, step)| step.node == node).flat_map(|(_, step)| &step.changes);
    found.into_iter().find(|change| change.what == what).unwrap_or_else(|| panic!("no {what} in {plan:#?}"))
}

/// Says on every node that kubeadm came to its end there.
pub(super) fn joined(kit: &Kit) {
    let receipt = r#"{"schema": 1, "act": "init", "cluster": "plant-7", "done": true}"#;
    kit.put("/var/lib/sealift/receipts/kubeadm.json", receipt);
}

fn mode(kit: &Kit, path: &str) -> u32 {
    std::fs::metadata(kit.path("cp1", path)).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn file_is_written_and_comes_back_when_it_drifts() {
    let kit = Kit::new();
    let line = r#"{name: f, file: {path: /etc/a/b.conf, content: "x\n", mode: "0640"}}"#;
    let first = twice(&kit, &[line], 2).await;
    let seen = change(&first, "cp1", "/etc/a/b.conf");
    assert_eq!(
        (seen.before.as_str(), seen.reason.as_str()),
        ("absent", "the playbook says it must be there")
    );
    assert_eq!((kit.read("cp1", "/etc/a/b.conf"), mode(&kit, "/etc/a/b.conf")), ("x\n".to_owned(), 0o640));

    kit.put_on("cp1", "/etc/a/b.conf", "drifted");
    let drift = twice(&kit, &[line], 1).await;
    let seen = change(&drift, "cp1", "/etc/a/b.conf");
    assert!(
        seen.before.starts_with("sha256 ") && seen.after.starts_with("sha256 ") && seen.before != seen.after
    );

    std::fs::set_permissions(kit.path("cp1", "/etc/a/b.conf"), PermissionsExt::from_mode(0o666)).unwrap();
    assert_eq!(change(&twice(&kit, &[line], 1).await, "cp1", "/etc/a/b.conf").before, "mode 0666");

    std::fs::remove_file(kit.path("cp1", "/etc/a/b.conf")).unwrap();
    kit.put_on("cp1", "/etc/elsewhere", "not ours");
    symlink("/etc/elsewhere", kit.path("cp1", "/etc/a/b.conf")).unwrap();
    assert_eq!(change(&twice(&kit, &[line], 1).await, "cp1", "/etc/a/b.conf").before, "a symbolic link");
    assert_eq!(kit.read("cp1", "/etc/elsewhere"), "not ours", "a link is replaced, not followed");
}

#[tokio::test]
async fn a_secret_file_tells_nothing_of_its_content() {
    let kit = Kit::new();
    let plan =
        twice(&kit, &[r#"{name: s, file: {path: /etc/s, content: "hunter2", secret: true}}"#], 2).await;
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("sha256 "), "{text}");
    assert_eq!(mode(&kit, "/etc/s"), 0o600);
}

#[tokio::test]
async fn a_directory_in_the_place_of_a_file_is_refused_while_planning() {
    let kit = Kit::new();
    std::fs::create_dir_all(kit.path("w1", "/etc/f")).unwrap();
    let error =
        plan(&kit, &steps(&kit, &[r#"{name: f, file: {path: /etc/f, content: ""}}"#])).await.unwrap_err();
    assert!(
        error.to_string().contains("w1: step 'f'") && error.to_string().contains("/etc/f: is no file"),
        "{error}"
    );
}

#[tokio::test]
async fn directory_and_remove() {
    let kit = Kit::new();
    kit.put("/etc/tree/deep/file", "x");
    let plan = twice(
        &kit,
        &[
            r#"{name: d, directory: {path: /opt/x/bin, mode: "0700"}}"#,
            "{name: r, remove: {paths: [/etc/tree, /none]}}",
        ],
        4,
    )
    .await;
    assert_eq!(change(&plan, "w1", "/etc/tree").after, "absent");
    assert_eq!((mode(&kit, "/opt/x/bin"), mode(&kit, "/opt/x")), (0o700, 0o755));
}

#[tokio::test]
async fn hosts_keeps_foreign_lines() {
    let kit = Kit::new();
    kit.put("/etc/hosts", "127.0.0.1 localhost\n");
    twice(&kit, &["{name: h, hosts: {}}"], 2).await;
    let text = kit.read("w1", "/etc/hosts");
    assert!(text.starts_with("127.0.0.1 localhost\n") && text.contains("10.77.0.21 w1\n"), "{text}");
    assert!(text.contains(&format!("10.77.0.11 {}\n", kit.cluster.endpoint_name())), "{text}");
}

#[tokio::test]
async fn a_server_gets_the_name_of_its_node_where_the_site_says_so() {
    let mut kit = Kit::new();
    for (path, text) in [("/etc/hostname", "debian\n"), ("/proc/sys/kernel/hostname", "debian\n")] {
        kit.put(path, text);
    }
    twice(&kit, &["{name: h, hostname: {}}"], 0).await;
    kit.cluster =
        crate::testkit::cluster(&crate::testkit::CLUSTER.replace("spec:", "spec:\n  os: {hostname: set}"));
    kit.put("/etc/cloud/cloud.cfg.d/50.cfg", "x");
    kit.put_on("w1", "/etc/hostname", "w1.plant.local\n");
    kit.program("tee", "cat > $SEALIFT_ROOT$1");
    let plan = twice(&kit, &["{name: h, hostname: {}}"], 5).await;
    assert_eq!(change(&plan, "cp1", "/etc/hostname").before, "debian");
    assert_eq!(
        (kit.read("cp1", "/etc/hostname"), kit.read("w1", "/proc/sys/kernel/hostname")),
        ("cp1\n".into(), "w1".into())
    );
    assert_eq!(kit.read("w1", "/etc/hostname"), "w1.plant.local\n");
    assert!(kit.read("cp1", "/var/lib/sealift/receipts/hostname.json").contains("debian"));
    assert!(
        kit.read("cp1", "/etc/cloud/cloud.cfg.d/99-sealift-hostname.cfg").contains("preserve_hostname: true")
    );
}

#[tokio::test]
async fn sysctl_looks_at_the_running_kernel_and_at_the_file() {
    let kit = Kit::new();
    kit.put("/proc/sys/net/ipv4/ip_forward", "0\n");
    kit.put("/proc/sys/net/ipv4/range", "1\t 2\n");
    let compiled =
        steps(&kit, &[r#"{name: s, sysctl: {values: {net.ipv4.ip_forward: "1", net.ipv4.range: "1 2"}}}"#]);
    let plan = plan(&kit, &compiled).await.unwrap();
    assert_eq!(plan.changes(), 4, "blanks make no difference: {plan:#?}");
    let seen = change(&plan, "cp1", "net.ipv4.ip_forward");
    assert_eq!((seen.before.as_str(), seen.after.as_str()), ("0", "1"));
    kit.program("tee", "cat > $SEALIFT_ROOT$1");
    twice(&kit, &[r#"{name: s, sysctl: {values: {net.ipv4.ip_forward: "1"}}}"#], 4).await;
    assert_eq!(kit.read("w1", "/proc/sys/net/ipv4/ip_forward"), "1");
    assert_eq!(
        kit.read("w1", "/etc/sysctl.d/90-sealift.conf"),
        "# written by sealift\nnet.ipv4.ip_forward = 1\n"
    );
}

#[tokio::test]
async fn module_knows_what_is_loaded_built_in_or_felt() {
    let kit = Kit::new();
    kit.put("/proc/filesystems", "nodev\tsysfs\n\text4\nnodev\toverlay\n");
    kit.put("/proc/modules", "br_netfilter 32768 0 - Live 0x0\n");
    kit.put("/proc/sys/kernel/osrelease", "6.1.0-1\n");
    kit.put("/lib/modules/6.1.0-1/modules.builtin", "kernel/net/ipv4/ip-tables.ko\n");
    let line = "{name: m, module: {modules: [{name: overlay, filesystem: overlay}, {name: br_netfilter}, {name: ip_tables}]}}";
    let plan = twice(&kit, &[line], 2).await;
    change(&plan, "cp1", "/etc/modules-load.d/sealift.conf");

    let missing =
        steps(&kit, &["{name: m, module: {modules: [{name: vxlan}, {name: btrfs, filesystem: btrfs}]}}"]);
    let plan = crate::testkit::plan(&kit, &missing).await.unwrap();
    for module in ["kernel module vxlan", "kernel module btrfs"] {
        assert_eq!(change(&plan, "w1", module).reason, "neither loaded nor built into this kernel");
    }
    // a kernel that cannot: modprobe says so, and the step passes it on with advice
    kit.program("modprobe", "echo \"FATAL: Module $1 not found\" >&2; exit 1");
    let error = go(&kit, &missing).await.1.unwrap_err().to_string();
    assert!(
        error.contains("kernel module vxlan: cannot be loaded")
            && error.contains("FATAL")
            && error.contains("linux-modules-extra"),
        "{error}"
    );
    kit.program(
        "modprobe",
        "mkdir -p $SEALIFT_ROOT/sys/module/$1; echo \"nodev $1\" >> $SEALIFT_ROOT/proc/filesystems",
    );
    go(&kit, &missing).await.1.unwrap();
}

#[tokio::test]
async fn program_runs_only_while_its_paths_ask_for_it() {
    let kit = Kit::new();
    kit.program("maker", "echo \"$@\" > $SEALIFT_ROOT/etc/made");
    kit.program("broken", "echo it broke >&2; exit 3");
    let line = "{name: p, program: {argv: [maker, a b], present: [/etc/made]}}".to_owned();
    kit.put_on("w1", "/etc/made", "");
    twice(&kit, &[&line], 1).await;

    assert_eq!(kit.read("cp1", "/etc/made"), "a b\n");
    let failing = steps(&kit, &["{name: p, program: {argv: [broken], absent: [/etc/made]}}"]);
    let error = go(&kit, &failing).await.1.unwrap_err().to_string();
    assert!(error.contains("exit status 3: it broke"), "{error}");
}

#[tokio::test]
async fn swap_goes_off_now_and_for_good_unless_the_site_keeps_it() {
    let kit = Kit::new();
    kit.program("systemctl", SYSTEMCTL);
    kit.put("/units/swap.target", "loaded active static");
    kit.put("/units/zramswap.service", "loaded active enabled");
    kit.put("/etc/fstab", "UUID=1 / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n");
    kit.put("/proc/swaps", "Filename Type Size Used Priority\n/swapfile file 1 0 -2\n");
    kit.program(
        "swapoff",
        "head -1 $SEALIFT_ROOT/proc/swaps > $SEALIFT_ROOT/s; mv $SEALIFT_ROOT/s $SEALIFT_ROOT/proc/swaps",
    );
    kit.put_on(
        "w1",
        "/etc/systemd/system/var-swap.swap",
        "[Swap]\nWhat=/var/swap\n[Install]\nWantedBy=multi-user.target\n",
    );
    for (name, target) in [("linked.swap", "/opt/site/linked.swap"), ("masked.swap", "/dev/null")] {
        std::os::unix::fs::symlink(target, kit.path("w1", &format!("/etc/systemd/system/{name}"))).unwrap();
    }
    let plan = twice(&kit, &["{name: s, swap: {}}"], 9).await;
    assert_eq!(change(&plan, "w1", "swap /swapfile").after, "off");
    let drop_in = "/etc/systemd/system/swap.d/10-sealift.conf";
    assert_eq!(change(&plan, "w1", drop_in).after, "keeps linked.swap, var-swap.swap off");
    assert!(kit.read("w1", drop_in).contains(&format!("\n[Unit]\nConditionPathExists=!{drop_in}\n")));
    assert!(!kit.path("cp1", drop_in).exists());
    assert_eq!(change(&plan, "w1", "zramswap.service").after, "masked");
    assert_eq!(
        kit.read("w1", "/etc/fstab"),
        "UUID=1 / ext4 defaults 0 1\n#sealift-swap# /swapfile none swap sw 0 0\n"
    );

    let mut keeps = Kit::new();
    keeps.cluster =
        crate::testkit::cluster(&crate::testkit::CLUSTER.replace("spec:", "spec:\n  os: {swap: ignore}"));
    keeps.put("/proc/swaps", "Filename Type Size Used Priority\n/swapfile file 1 0 -2\n");
    twice(&keeps, &["{name: s, swap: {}}"], 0).await;
}

#[tokio::test]
async fn unit_runs_what_is_on_disk() {
    let kit = Kit::new();
    kit.program("systemctl", SYSTEMCTL);
    kit.put("/units/log", "");
    let conf = |text: &str| format!("{{name: c, file: {{path: /etc/app.conf, content: {text}}}}}");
    let unit = "{name: u, unit: {name: containerd.service, template: containerd/containerd.service.j2, restart_on: [/etc/app.conf]}}";
    let first = twice(&kit, &[&conf("one"), unit], 8).await;
    assert_eq!(change(&first, "cp1", "containerd.service").after, "running");
    assert_eq!(change(&first, "cp1", "containerd.service at boot").after, "started at boot");
    assert_eq!(kit.read("cp1", "/units/log"), "restart containerd.service\n");

    // another configuration: the plan tells the restart beforehand, with its reason
    let second = twice(&kit, &[&conf("two"), unit], 4).await;
    let restart = change(&second, "cp1", "containerd.service");
    assert_eq!(
        (restart.after.as_str(), restart.reason.as_str()),
        ("restarted", "/etc/app.conf changes and is read at start only")
    );

    // a kill between restart and receipt costs nothing: what it reads is older than its start
    std::fs::remove_file(kit.path("cp1", "/var/lib/sealift/receipts/unit-containerd.service.json")).unwrap();
    twice(&kit, &[&conf("two"), unit], 0).await;

    kit.put_on("w1", "/units/containerd.service", "masked inactive masked");
    let error = plan(&kit, &steps(&kit, &[unit])).await.unwrap_err().to_string();
    assert!(error.contains("containerd.service: is masked") && error.contains("systemctl unmask"), "{error}");
}

#[tokio::test]
async fn unit_that_others_start_is_left_alone_until_it_runs_something_old() {
    let kit = Kit::new();
    kit.program("systemctl", SYSTEMCTL);
    kit.put("/units/log", "");
    kit.put("/opt/kubelet", "v1");
    let files =
        "{name: f, unit: {name: kubelet.service, template: containerd/containerd.service.j2, state: any}}";
    let unit = "{name: u, unit: {name: kubelet.service, enabled: null, state: joined, restart_on: [/opt/kubelet, /etc/systemd/system/kubelet.service]}}";
    twice(&kit, &[files, unit], 4).await;
    assert_eq!(kit.read("cp1", "/units/log"), "", "nobody started it");
    joined(&kit);
    let plan = twice(&kit, &[files, unit], 2).await;
    assert_eq!(change(&plan, "w1", "kubelet.service").before, "inactive", "a joined node's kubelet runs");
    kit.put_on("cp1", "/opt/kubelet", "v2");
    let plan = twice(&kit, &[files, unit], 1).await;
    assert_eq!(
        change(&plan, "cp1", "kubelet.service").reason,
        "/opt/kubelet is not what it was started with"
    );
}

#[tokio::test]
async fn binary_and_archive_come_out_of_the_bundle() {
    let mut kit = Kit::new();
    let archive = archive(&[("bin/tool", b"tool 1"), ("bin/helper", b"helper"), ("README", b"not wanted")]);
    let program: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
    kit.bundle =
        Some(crate::testkit::bundle(kit.dir.path(), &[("kubeadm", &program), ("tools", &archive)]).await);
    let binary = "{name: b, binary: {item: kubeadm, path: /usr/local/bin/kubeadm}}";
    let tools =
        "{name: a, archive: {item: tools, dir: /opt/tools, entries: {bin/tool: tool, bin/helper: helper}}}";
    let first = twice(&kit, &[binary, tools], 6).await;
    assert_eq!(change(&first, "w1", "/usr/local/bin/kubeadm").reason, "the bundle brings kubeadm v1");
    assert_eq!(std::fs::read(kit.path("w1", "/usr/local/bin/kubeadm")).unwrap(), program);
    assert_eq!(
        (kit.read("cp1", "/opt/tools/tool"), mode(&kit, "/opt/tools/tool")),
        ("tool 1".to_owned(), 0o755)
    );
    assert!(!kit.path("cp1", "/opt/tools/README").exists());
    let kept = std::fs::read_dir(kit.path("cp1", "/var/lib/sealift/blobs/sha256")).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "what was installed is not kept twice");

    kit.put_on("cp1", "/opt/tools/tool", "tampered");
    let drift = twice(&kit, &[binary, tools], 1).await;
    assert_eq!(change(&drift, "cp1", "/opt/tools/tool").reason, "it is not what was unpacked");

    let missing = plan(&kit, &steps(&kit, &["{name: b, binary: {item: kubelet, path: /x}}"]))
        .await
        .unwrap_err()
        .to_string();
    assert!(missing.contains("file kubelet: is not in the bundle"), "{missing}");
}
