//! What somebody damages on a finished node: found as exactly that, mended with the least, and nothing else touched.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, symlink};
use std::path::Path;
use std::time::Duration;

use super::tests::joined;
use crate::Plan;
use crate::testkit::{Kit, SYSTEMCTL, archive, bundle, go, plan, steps, twice};

/// Changes as `node: what: before -> after`.
fn changes(plan: &Plan) -> Vec<String> {
    let line = |node: &str, change: &crate::Change| {
        format!("{node}: {}: {} -> {}", change.what, change.before, change.after)
    };
    plan.steps().flat_map(|(_, step)| step.changes.iter().map(|one| line(&step.node, one))).collect()
}

/// Which file this is: a rewritten one is another.
fn identity(path: &Path) -> (u64, i64) {
    let meta = std::fs::metadata(path).unwrap();
    (meta.ino(), meta.mtime_nsec())
}

fn set_mode(kit: &Kit, node: &str, path: &str, mode: u32) {
    std::fs::set_permissions(kit.path(node, path), PermissionsExt::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn mode_and_owner_are_put_right_and_the_content_stays() {
    let mut kit = Kit::new();
    let tools = archive(&[("bin/tool", b"tool 1"), ("bin/helper", b"helper")]);
    kit.bundle = Some(bundle(kit.dir.path(), &[("kubeadm", b"program"), ("tools", &tools)]).await);
    let lines = [
        "{name: f, file: {path: /etc/a.conf, content: a}}",
        "{name: b, binary: {item: kubeadm, path: /usr/local/bin/kubeadm}}",
        "{name: a, archive: {item: tools, dir: /opt/tools, entries: {bin/tool: tool, bin/helper: helper}}}",
        "{name: d, directory: {path: /etc/ours}}",
    ];
    twice(&kit, &lines, 10).await;
    let of = |path: &str| identity(&kit.path("cp1", path));
    let all = ["/etc/a.conf", "/usr/local/bin/kubeadm", "/opt/tools/tool", "/opt/tools/helper"];
    let before = all.map(of);
    for path in all {
        set_mode(&kit, "cp1", path, 0o666);
    }
    set_mode(&kit, "cp1", "/etc/ours", 0o1777);
    chown(kit.path("cp1", "/opt/tools/helper"), Some(7), None).unwrap();
    set_mode(&kit, "cp1", "/opt/tools/helper", 0o755);
    let found = changes(&twice(&kit, &lines, 5).await);
    assert_eq!(found[0], "cp1: /etc/a.conf: mode 0666 -> mode 0644");
    assert!(found.contains(&"cp1: /opt/tools/helper: owner 7:0 -> from tools v1".to_owned()), "{found:#?}");
    assert_eq!(all.map(of), before, "a file whose content was right was written again");
}

#[tokio::test]
async fn one_entry_of_an_archive_is_unpacked_alone() {
    let mut kit = Kit::new();
    let tools = archive(&[("bin/tool", b"tool 1"), ("bin/helper", b"helper")]);
    kit.bundle = Some(bundle(kit.dir.path(), &[("tools", &tools)]).await);
    let line =
        "{name: a, archive: {item: tools, dir: /opt/tools, entries: {bin/tool: tool, bin/helper: helper}}}";
    twice(&kit, &[line], 4).await;
    let helper = identity(&kit.path("w1", "/opt/tools/helper"));
    let receipt = identity(&kit.path("w1", "/var/lib/sealift/receipts/archive-tools-opt_tools.json"));
    kit.put_on("w1", "/opt/elsewhere", "tool 1");
    std::fs::remove_file(kit.path("w1", "/opt/tools/tool")).unwrap();
    symlink("/opt/elsewhere", kit.path("w1", "/opt/tools/tool")).unwrap();
    assert_eq!(
        changes(&twice(&kit, &[line], 1).await),
        ["w1: /opt/tools/tool: a symbolic link -> from tools v1"]
    );
    assert_eq!(identity(&kit.path("w1", "/opt/tools/helper")), helper);
    assert_eq!(
        identity(&kit.path("w1", "/var/lib/sealift/receipts/archive-tools-opt_tools.json")),
        receipt,
        "a receipt that says so already was written again"
    );
}

#[tokio::test]
async fn a_value_of_the_kernel_that_drifts_leaves_the_file_alone() {
    let kit = Kit::new();
    kit.put("/proc/sys/net/ipv4/ip_forward", "1\n");
    kit.program("tee", "cat > $SEALIFT_ROOT$1");
    let line = r#"{name: s, sysctl: {values: {net.ipv4.ip_forward: "1"}}}"#;
    twice(&kit, &[line], 2).await;
    let file = kit.path("cp1", "/etc/sysctl.d/90-sealift.conf");
    let before = identity(&file);
    kit.put_on("cp1", "/proc/sys/net/ipv4/ip_forward", "0\n");
    assert_eq!(changes(&twice(&kit, &[line], 1).await), ["cp1: net.ipv4.ip_forward: 0 -> 1"]);
    assert_eq!(identity(&file), before);
}

#[tokio::test]
async fn a_later_file_that_would_win_at_the_next_boot_is_switched_off_line_by_line() {
    let kit = Kit::new();
    kit.put("/proc/sys/net/ipv4/ip_forward", "1\n");
    kit.program("tee", "cat > $SEALIFT_ROOT$1");
    let line = r#"{name: s, sysctl: {values: {net.ipv4.ip_forward: "1"}}}"#;
    let text = "kernel.panic = 10\nnet.ipv4.ip_forward = 0\n";
    kit.put("/etc/sysctl.d/10-early.conf", text);
    twice(&kit, &[line], 2).await;
    kit.put_on("cp1", "/etc/sysctl.d/99-hardening.conf", text);
    kit.put_on("w1", "/etc/sysctl.conf", text);
    assert_eq!(changes(&twice(&kit, &[line], 2).await).len(), 2);
    let off = "kernel.panic = 10\n#sealift-sysctl# net.ipv4.ip_forward = 0\n";
    assert_eq!(kit.read("cp1", "/etc/sysctl.d/99-hardening.conf"), off);
    assert_eq!(kit.read("w1", "/etc/sysctl.conf"), off);
    assert_eq!(kit.read("w1", "/etc/sysctl.d/10-early.conf"), text, "ours is read after it");
}

const CONF: &str = "{name: c, file: {path: /etc/app.conf, content: right}}";
const UNIT: &str = "{name: u, unit: {name: containerd.service, template: containerd/containerd.service.j2, restart_on: [/etc/app.conf]}}";

/// A node whose unit was started by us.
async fn started() -> Kit {
    let kit = Kit::new();
    kit.program("systemctl", SYSTEMCTL);
    kit.put("/units/log", "");
    twice(&kit, &[CONF, UNIT], 8).await;
    kit
}

/// Starts it as somebody else does.
fn restart(kit: &Kit, node: &str) {
    let root = kit.path(node, "");
    let mut command = std::process::Command::new(kit.path(node, "/usr/local/bin/systemctl"));
    assert!(
        command.args(["restart", "containerd.service"]).env("SEALIFT_ROOT", root).status().unwrap().success()
    );
}

#[tokio::test]
async fn a_unit_is_restarted_only_when_its_process_reads_what_it_should_not() {
    let kit = started().await;
    let log = || kit.read("cp1", "/units/log").lines().count();
    kit.put_on("cp1", "/etc/app.conf", "wrong");
    let found = changes(&twice(&kit, &[CONF, UNIT], 1).await);
    assert!(found[0].starts_with("cp1: /etc/app.conf: sha256 "), "{found:#?}");
    assert_eq!(log(), 1, "it runs with what it was started with, which was right");

    kit.put_on("cp1", "/etc/app.conf", "wrong");
    tokio::time::sleep(Duration::from_millis(50)).await;
    restart(&kit, "cp1");
    let found = changes(&twice(&kit, &[CONF, UNIT], 2).await);
    assert_eq!(found[1], "cp1: containerd.service: running -> restarted", "started with the wrong one");
    assert_eq!(log(), 3);

    restart(&kit, "cp1");
    twice(&kit, &[CONF, UNIT], 0).await;

    let text = kit.read("cp1", "/etc/systemd/system/containerd.service");
    kit.put_on("cp1", "/etc/systemd/system/containerd.service", &format!("{text}# more\n"));
    let found = changes(&twice(&kit, &[CONF, UNIT], 2).await);
    assert!(
        found[1].ends_with("running -> restarted"),
        "nobody can tell what somebody else's start read: {found:#?}"
    );
}

#[tokio::test]
async fn a_masked_unit_of_ours_is_unmasked_and_left_running() {
    let kit = started().await;
    let file = kit.path("w1", "/etc/systemd/system/containerd.service");
    std::fs::remove_file(&file).unwrap();
    symlink("/dev/null", &file).unwrap();
    kit.put_on("w1", "/units/containerd.service", "masked active masked");
    let found = changes(&twice(&kit, &[CONF, UNIT], 1).await);
    assert!(found[0].starts_with("w1: /etc/systemd/system/containerd.service: masked -> "), "{found:#?}");
    assert_eq!(kit.read("w1", "/units/containerd.service"), "loaded active enabled\n");
    assert_eq!(kit.read("w1", "/units/log").lines().count(), 1, "it ran all the time");
}

#[tokio::test]
async fn a_stranger_s_drop_in_is_set_aside_and_not_thrown_away() {
    let kit = started().await;
    let drop_in = "/etc/systemd/system/containerd.service.d/override.conf";
    kit.put_on("w1", drop_in, "[Service]\nExecStart=\nExecStart=/bin/true\n");
    let found = changes(&twice(&kit, &[CONF, UNIT], 1).await);
    assert_eq!(found, [format!("w1: {drop_in}: somebody else's drop-in -> set aside beside it")]);
    let aside = "/etc/systemd/system/containerd.service.d/.override.conf.set-aside";
    assert!(kit.read("w1", aside).contains("/bin/true"));

    kit.put_on("w1", drop_in, "second");
    tokio::time::sleep(Duration::from_millis(50)).await;
    restart(&kit, "w1");
    let found = changes(&twice(&kit, &[CONF, UNIT], 2).await);
    assert_eq!(found[1], "w1: containerd.service: running -> restarted");
    assert_eq!(kit.read("w1", &format!("{aside}.2")), "second");
}

#[tokio::test]
async fn another_network_configuration_before_ours_is_set_aside() {
    let kit = Kit::new();
    let line = "{name: n, cni-config: {dir: /etc/cni/net.d, name: 10-sealift.conflist}}";
    twice(&kit, &[line], 0).await;
    for name in ["00-old.conflist", "10-sealift.conflist", "87-podman.conflist", "00-readme.txt"] {
        kit.put_on("w1", &format!("/etc/cni/net.d/{name}"), "{}");
    }
    set_mode(&kit, "w1", "/etc/cni/net.d/10-sealift.conflist", 0o666);
    assert_eq!(
        changes(&twice(&kit, &[line], 2).await),
        [
            "w1: /etc/cni/net.d/00-old.conflist: there -> set aside beside it",
            "w1: /etc/cni/net.d/10-sealift.conflist: mode 0666, owner 0:0 -> mode 0644, owner 0:0"
        ]
    );
    assert!(kit.path("w1", "/etc/cni/net.d/.00-old.conflist.set-aside").exists());
}

#[tokio::test]
async fn what_kubeadm_made_comes_back_as_it_made_it() {
    let kit = Kit::new();
    let manifest = "/etc/kubernetes/manifests/etcd.yaml";
    let config = "/var/lib/kubelet/config.yaml";
    kit.put(manifest, "kind: Pod\n");
    kit.put(config, "kind: KubeletConfiguration\n");
    kit.put(
        "/etc/kubernetes/admin.conf",
        "clusters:\n- cluster: {server: 'https://api:6443'}\nusers:\n- user: {client-key-data: aGk=}\n",
    );
    kit.put("/etc/kubernetes/pki/ca.key", "PRIVATE KEY");
    for (path, mode) in
        [("/etc/kubernetes/pki/ca.key", 0o600), ("/etc/kubernetes/admin.conf", 0o600), (manifest, 0o600)]
    {
        for node in ["cp1", "w1"] {
            set_mode(&kit, node, path, mode);
        }
    }
    let groups = ["credentials", "kubelet", "static-pods"];
    let lines = groups.map(|group| format!("{{name: {group}, kubeadm-files: {{group: {group}}}}}"));
    let lines = lines.each_ref().map(String::as_str);
    twice(&kit, &lines, 0).await;
    joined(&kit);
    let first = twice(&kit, &lines, 6).await;
    assert!(changes(&first)[0].contains("kubeadm-credentials.json: absent -> written"), "{first:#?}");
    let kept = kit.read("cp1", "/var/lib/sealift/receipts/kubeadm-credentials.json");
    assert!(
        !kept.contains("PRIVATE") && !kept.contains("aGk=") && kept.contains("https://api:6443"),
        "{kept}"
    );

    kit.put_on("cp1", config, "kind: Else\n");
    set_mode(&kit, "cp1", "/etc/kubernetes/pki/ca.key", 0o644);
    set_mode(&kit, "cp1", manifest, 0o644);
    kit.put_on("w1", "/etc/kubernetes/manifests/kube-apiserver.yaml.bak", "kind: Pod\n");
    let found = changes(&twice(&kit, &lines, 4).await);
    assert_eq!(
        found.iter().map(|line| line.split(": ").nth(1).unwrap()).collect::<Vec<_>>(),
        ["/etc/kubernetes/pki/ca.key", config, manifest, "/etc/kubernetes/manifests/kube-apiserver.yaml.bak"]
    );
    assert_eq!(kit.read("cp1", config), "kind: KubeletConfiguration\n");

    std::fs::remove_file(kit.path("w1", "/etc/kubernetes/pki/ca.key")).unwrap();
    let error = plan(&kit, &steps(&kit, &lines)).await.unwrap_err().to_string();
    assert!(error.contains("w1: step 'credentials'") && error.contains("from a backup"), "{error}");
}

#[tokio::test]
async fn a_lost_kubeconfig_is_made_by_kubeadm_itself() {
    let mut kit = Kit::new();
    kit.bundle = Some(bundle(kit.dir.path(), &[]).await);
    let conf =
        "clusters:\n- cluster: {server: 'https://api:6443'}\nusers:\n- user: {client-key-data: aGk=}\n";
    kit.put("/etc/kubernetes/admin.conf", conf);
    kit.program(
        "kubeadm",
        "[ \"$1 $2 $3 $4\" = 'init phase kubeconfig admin' ] && [ -s $SEALIFT_ROOT$6 ] || exit 2\ncp $SEALIFT_ROOT/conf $SEALIFT_ROOT/etc/kubernetes/admin.conf",
    );
    kit.put("/conf", conf);
    joined(&kit);
    let line = "{name: k, kubeadm-files: {group: credentials}}";
    twice(&kit, &[line], 2).await;
    std::fs::remove_file(kit.path("cp1", "/etc/kubernetes/admin.conf")).unwrap();
    kit.put_on("w1", "/etc/kubernetes/admin.conf", &conf.replace("api", "elsewhere"));
    let found = changes(&twice(&kit, &[line], 2).await);
    assert_eq!(
        found,
        [
            "cp1: /etc/kubernetes/admin.conf: absent -> made again",
            "w1: /etc/kubernetes/admin.conf: leads to https://elsewhere:6443 -> leads to https://api:6443"
        ]
    );
    assert!(!kit.path("cp1", "/var/lib/sealift/kubeadm").exists(), "kubeadm's input was left behind");
}

#[tokio::test]
async fn images_of_a_silent_containerd_are_looked_at_later_and_named_as_that() {
    let mut kit = Kit::new();
    kit.bundle = Some(bundle(kit.dir.path(), &[]).await);
    joined(&kit);
    let compiled =
        steps(&kit, &["{name: f, file: {path: /etc/f, content: x}}", "{name: i, after: f, images: {}}"]);
    let plan = plan(&kit, &compiled).await.unwrap();
    assert_eq!(plan.changes(), 2, "only the file: {plan:#?}");
    let later: Vec<_> =
        plan.later.iter().map(|one| (one.node.as_str(), one.step.as_str(), one.after.as_str())).collect();
    assert_eq!(later, [("cp1", "i", "f"), ("w1", "i", "f")]);
    kit.put("/etc/f", "x");
    let plan = crate::testkit::plan(&kit, &compiled).await.unwrap();
    assert!(plan.changes() == 0 && !plan.is_empty(), "could not be asked is not as it should be");
    let error = go(&kit, &compiled).await.1.unwrap_err().to_string();
    assert!(error.contains("containerd does not answer"), "{error}");
}
