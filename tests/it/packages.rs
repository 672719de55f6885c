//! Packages of the operating system out of a bundle: from the real Debian, by the settings of the machine that packs,
//! onto a node that has no other source.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use lab::root::RootKind;

use super::kit::{self, Ran, demo_file_in, room, stick};
use super::place::Place;

const NETWORK: &str = "10.91.0";
/// What apt and dpkg write whenever they are used, and what packages leave that were purged (ARCHITECTURE.md).
pub(super) const OF_DPKG: &[&str] = &[
    " /var/lib/dpkg",
    " /var/lib/apt",
    " /etc/ld.so.cache",
    " /var/lib/ucf",
    " /var/lib/pam",
    " /etc/passwd",
    " /etc/group",
    " /etc/shadow",
    " /etc/gshadow",
    " /etc/passwd-",
    " /etc/group-",
    " /etc/shadow-",
    " /etc/gshadow-",
    " /etc/subuid",
    " /etc/subgid",
    " /etc/.pwd.lock",
];

/// Which of the two are installed, and how they are to stay.
const THERE: &str =
    "dpkg-query -Wf '${Package} ${Status}\\n' chrony keyutils 2>/dev/null | grep ' installed$' || true";

#[test]
fn packages_of_the_bundle_come_are_held_and_go() {
    let place = Place::single("it-packages", NETWORK, "cp1", RootKind::default());
    let before = place.listings();
    let bundle = packed("packages", NETWORK, "chrony, keyutils");
    let node = |line: &str| place.node("cp1").exec(&["sh", "-c", line]).unwrap();
    removed_once_with_its_settings_left(&place);
    assert_eq!(node(THERE), "");
    // a source that leads nowhere, somebody's pin, another release by default
    node("cp -p /etc/apt/sources.list /root/sources.list");
    node("echo 'deb http://192.0.2.1/debian bookworm main' > /etc/apt/sources.list");
    node("printf 'Package: *\\nPin: release *\\nPin-Priority: -1\\n' > /etc/apt/preferences.d/nothing");
    node("echo 'APT::Default-Release \"stable\";' > /etc/apt/apt.conf.d/99release");

    let plan = place.verb_of("plan", &bundle).expect(4).stdout;
    for words in ["package chrony", "package keyutils", "hold of package chrony"] {
        assert!(plan.contains(words), "no '{words}' in:\n{plan}");
    }
    killed_while_apt_is_at_work(&place, &bundle);
    place.verb_of("install", &bundle).expect(0);
    are_there_and_held(&place);
    node("keyctl --version");
    assert_eq!(node("cat /etc/request-key.conf"), "# of the site\n");
    finds_nothing(&place, &bundle);

    node("apt-mark unhold chrony");
    let plan = place.verb_of("plan", &bundle).expect(4).stdout;
    assert!(plan.contains("hold of package chrony") && !plan.contains("package keyutils"), "{plan}");
    place.verb_of("install", &bundle).expect(0);
    are_there_and_held(&place);
    dpkg_that_was_cut_off_is_brought_to_its_end(&place, &bundle);

    node("rm /etc/apt/preferences.d/nothing /etc/apt/apt.conf.d/99release");
    node("mv /root/sources.list /etc/apt/sources.list");
    what_the_site_needs_by_now_stays(&place);
    super::disks::same_but(&before, &place.listings(), "reset", OF_DPKG);
}

fn are_there_and_held(place: &Place) {
    let found = place.node("cp1").exec(&["sh", "-c", THERE]).unwrap();
    assert_eq!(found, "chrony hold ok installed\nkeyutils hold ok installed\n");
}

fn finds_nothing(place: &Place, bundle: &Path) {
    let again = place.verb_of("install", bundle).expect(0);
    assert!(again.stderr.contains("0 changes"), "{}", again.stderr);
    let left = "ls -d /var/lib/sealift/apt /var/lib/sealift/blobs/sha256/* /var/lib/dpkg/updates/* 2>/dev/null || true";
    assert_eq!(place.node("cp1").exec(&["sh", "-c", left]).unwrap(), "");
}

/// As a power cut leaves it: a change that is in dpkg's notes and not in its status yet.
fn dpkg_that_was_cut_off_is_brought_to_its_end(place: &Place, bundle: &Path) {
    let node = |line: &str| place.node("cp1").exec(&["sh", "-c", line]).unwrap();
    node(
        "dpkg-query -s keyutils | sed 's/^Status: .*/Status: hold ok unpacked/' > /var/lib/dpkg/updates/0001",
    );
    node("mkdir /var/lib/sealift/apt");
    let plan = place.verb_of("plan", bundle).expect(4).stdout;
    assert!(plan.contains("cut off in the middle"), "{plan}");
    place.verb_of("install", bundle).expect(0);
    are_there_and_held(place);
    finds_nothing(place, bundle);
}

/// keyutils, as far as the site is concerned: its settings are there, and the package is not.
fn removed_once_with_its_settings_left(place: &Place) {
    let line = "mkdir -p /root/old/DEBIAN /root/old/etc && cd /root && echo '# as it came' > old/etc/request-key.conf && \
         echo /etc/request-key.conf > old/DEBIAN/conffiles && printf 'Package: keyutils\\nVersion: 0\\nArchitecture: all\\n\
         Maintainer: site\\nDescription: x\\n' > old/DEBIAN/control && dpkg-deb --build old old.deb && dpkg -i old.deb && \
         echo '# of the site' > /etc/request-key.conf && dpkg --remove keyutils && rm -r old old.deb";
    place.node("cp1").exec(&["sh", "-c", line]).unwrap();
}

/// Somebody installed a program since, which needs one of ours.
fn what_the_site_needs_by_now_stays(place: &Place) {
    let node = |line: &str| place.node("cp1").exec(&["sh", "-c", line]).unwrap();
    node(
        "mkdir -p /root/tool/DEBIAN && cd /root && printf 'Package: tool\\nVersion: 1\\nArchitecture: all\\n\
         Maintainer: site\\nDescription: x\\nDepends: chrony\\n' > tool/DEBIAN/control && \
         dpkg-deb --build tool tool.deb && dpkg -i tool.deb && rm -r tool tool.deb",
    );
    let run = place.verb("reset").expect(0);
    run.says(&["some packages stay", "chrony"]);
    assert_eq!(node(THERE), "chrony install ok installed\n");
    assert_eq!(node("dpkg-query -Wf '${Status}' keyutils"), "deinstall ok config-files");
    assert_eq!(node("cat /etc/request-key.conf"), "# of the site\n");
    node("dpkg --purge tool chrony keyutils");
}

/// dpkg goes on in its unit, and the next run waits for it.
fn killed_while_apt_is_at_work(place: &Place, bundle: &Path) {
    assert!(
        place.install_killed_with(bundle, "packages of the system", Duration::from_secs(3)),
        "it ended before"
    );
}

/// The demo's bundle with some packages of Debian 12 more, signed by the stick's key, in a folder of this name.
pub(super) fn packed(name: &str, network: &str, packages: &str) -> PathBuf {
    let dir = room().join(name);
    let _ = std::fs::remove_dir_all(&dir);
    let debian = debian();
    let recipe = format!(
        "{}  osPackages:\n    - system: debian-12\n      packages: [{packages}]\n      repositories:\n        \
         - {{url: 'https://deb.lab/debian', suite: bookworm, components: [main], keyring: /usr/share/keyrings/debian-archive-keyring.gpg}}\n",
        demo_file_in("recipe.yaml", network)
    );
    let key = stick().key.with_extension("sec");
    kit::pack_with(&recipe, &dir, &key, &[format!("https://deb.lab/debian={debian}")]).expect(0);
    let bundles = std::fs::read_dir(dir.join("out")).unwrap().map(|entry| entry.unwrap().path());
    bundles.into_iter().find(|path| path.extension().is_some_and(|end| end == "sealift")).unwrap()
}

/// Where this machine has Debian 12 from; apt says so of what it has a list of. Asked once: two updates at a time are one
/// too many.
fn debian() -> &'static str {
    static FOUND: LazyLock<String> = LazyLock::new(find_debian);
    &FOUND
}

fn find_debian() -> String {
    let words = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm"];
    let asked = || Ran::of(Command::new("apt-get").args(words)).expect(0).stdout;
    let mut said = asked();
    if said.is_empty() {
        Ran::of(Command::new("apt-get").args(["update", "-qq"])).expect(0);
        said = asked();
    }
    said.lines().next().unwrap().trim_end_matches('/').to_owned()
}
