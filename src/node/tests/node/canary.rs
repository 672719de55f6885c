//! Secrets are where they have to be and nowhere else.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealift_node::helper::Mode;
use sealift_node::{Mutate, Target};

use crate::person::Person;
use crate::sshd::{Account, PASSWORD, Setup, Sshd};

const PASSPHRASE: &str = "canary-Ohth7eiJ-passphrase";

/// Every command line and environment there is, again and again, until told to stop.
fn watch(stop: &AtomicBool) -> Vec<String> {
    let mut seen = vec![];
    while !stop.load(Ordering::SeqCst) {
        for process in fs::read_dir("/proc").unwrap().flatten() {
            for file in ["cmdline", "environ"] {
                let text = fs::read(process.path().join(file)).unwrap_or_default();
                let text = String::from_utf8_lossy(&text).into_owned();
                if text.contains(PASSWORD) || text.contains(PASSPHRASE) {
                    seen.push(text);
                }
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    seen
}

fn files_with(dir: &Path, needle: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            files_with(&path, needle, found);
        } else if kind.is_file()
            && fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_and_a_passphrase_leave_no_trace() {
    let account = Account { shell: "/bin/bash", sudoers: "opst ALL=(root) ALL", start_file: "set -x\n" };
    let config =
        "UsePAM yes\nPasswordAuthentication yes\nAuthenticationMethods publickey,password\nLogLevel DEBUG3";
    let sshd = Sshd::start_with("ed25519", &Setup { config, account: Some(account) });
    let key = sshd.file("user").to_str().unwrap().to_owned();
    let locked = std::process::Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", PASSPHRASE, "-a", "4", "-f", &key])
        .status();
    assert!(locked.unwrap().success());
    let person = Person::who_says(&[PASSPHRASE, PASSWORD]);
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || watch(&stop)
    });
    let target = Target { shared: person.shared(), ..sshd.target_of_opst() };
    let shown = format!("{target:?}");
    let host = sshd.connect(target, Mode::Run, "r1").await.unwrap();
    Mutate::new(&host).write_file("/etc/x", b"x".to_vec(), 0o600).await.unwrap();
    stop.store(true, Ordering::SeqCst);
    let seen = watcher.join().unwrap();
    assert!(seen.is_empty(), "{seen:?}");
    assert!(!shown.contains("canary-"), "{shown}");
    // log of the server, sudo's log, the node's files, the helper's journal: everything is in this directory
    let mut found = vec![];
    for needle in [PASSWORD, PASSPHRASE] {
        files_with(sshd.dir.path(), needle, &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
    assert!(sshd.sudo_log().contains("opst") && sshd.log().contains("Accepted password"), "{}", sshd.log());
    // asked for twice in all: the login's password is sudo's
    assert_eq!(person.was_asked().len(), 2);
    sealift_node::Host::close(&host).await.unwrap();
}
