//! sudo as it is set up in the field: a real one, real PAM, real shells.

use std::time::{Duration, Instant};

use sealift_node::helper::Mode;
use sealift_node::{HostError, Mutate, Obstacle, SudoRefusal, Target, Wanted};

use crate::person::Person;
use crate::sshd::{Account, PASSWORD, Setup, Sshd};

const BY_PASSWORD: &str = "opst ALL=(root) ALL";

fn node(sudoers: &str, shell: &str, start_file: &str) -> Sshd {
    let account = Account { shell, sudoers, start_file };
    Sshd::start_with("ed25519", &Setup { config: "UsePAM yes", account: Some(account) })
}

/// Starts a helper through sudo, and has it change something.
async fn works(sshd: &Sshd, person: &std::sync::Arc<Person>) {
    let target = Target { shared: person.shared(), ..sshd.target_of_opst() };
    let host = sshd
        .connect(target, Mode::Run, "r1")
        .await
        .unwrap_or_else(|error| panic!("{error}\n{}", sshd.sudo_log()));
    Mutate::new(&host).write_file("/etc/x", b"x".to_vec(), 0o600).await.unwrap();
    assert_eq!(std::fs::read(sshd.root().join("etc/x")).unwrap(), b"x");
    sealift_node::Host::close(&host).await.unwrap();
    // it ends before its directory goes
    let since = Instant::now();
    while sshd.root().join("run/sealift").read_dir().unwrap().count() > 1
        && since.elapsed() < Duration::from_secs(10)
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn refused(sshd: &Sshd, person: &std::sync::Arc<Person>) -> SudoRefusal {
    let target = Target { shared: person.shared(), ..sshd.target_of_opst() };
    let error = sshd.connect(target, Mode::Run, "r1").await.unwrap_err();
    let HostError::SudoRefused { refusal, .. } = error else { panic!("{error:?}\n{}", sshd.sudo_log()) };
    assert!(!sshd.root().join("var").exists() && !sshd.root().join("run").exists(), "something was changed");
    refusal
}

#[tokio::test]
async fn every_way_to_root_that_sudoers_can_say() {
    let (asked, silent) = (vec![Wanted::Sudo { user: "opst".to_owned(), host: "cp1".to_owned() }], vec![]);
    for (sudoers, asks) in [
        ("opst ALL=(root) NOPASSWD: ALL".to_owned(), &silent),
        ("Defaults requiretty\nopst ALL=(root) NOPASSWD: ALL".to_owned(), &silent),
        ("Defaults use_pty\nDefaults requiretty\nopst ALL=(root) NOPASSWD: ALL".to_owned(), &silent),
        (format!("Defaults !authenticate\n{BY_PASSWORD}"), &silent),
        (BY_PASSWORD.to_owned(), &asked),
        (format!("Defaults use_pty\n{BY_PASSWORD}"), &asked),
        (format!("Defaults requiretty\n{BY_PASSWORD}"), &asked),
        (format!("Defaults requiretty, use_pty\n{BY_PASSWORD}"), &asked),
        (format!("Defaults lecture=always, insults\n{BY_PASSWORD}"), &asked),
        (format!("Defaults passprompt=\"Password:\", passprompt_override\n{BY_PASSWORD}"), &asked),
        (format!("Defaults secure_path=/nowhere\n{BY_PASSWORD}"), &asked),
        ("opst ALL=(root) /bin/sh".to_owned(), &asked),
    ] {
        let sshd = node(&sudoers, "/bin/bash", "");
        let person = Person::who_says(&[PASSWORD]);
        works(&sshd, &person).await;
        assert_eq!(person.was_asked(), **asks, "{sudoers}");
        assert_eq!(sshd.faults(), 0, "{sudoers}: {}", sshd.sudo_log());
    }
}

#[tokio::test]
async fn shells_and_what_their_start_files_print() {
    let noise = "echo welcome to this machine; echo 'ssh-ed25519 AAAA {\"listening\":1}'\n";
    for (shell, start_file) in [
        ("/bin/bash", noise),
        ("/bin/bash", "set -x\n"),
        ("/bin/dash", ""),
        ("/usr/bin/fish", "echo welcome\n"),
    ] {
        let sshd = node(BY_PASSWORD, shell, start_file);
        works(&sshd, &Person::who_says(&[PASSWORD])).await;
    }
    let sshd = node(BY_PASSWORD, "/usr/sbin/nologin", "");
    let target = sshd.target_of_opst();
    let error = sshd.connect(target, Mode::Run, "r1").await.unwrap_err();
    assert!(matches!(&error, HostError::NoHelper { obstacle: Obstacle::NoShell, .. }), "{error}");
    assert!(error.to_string().contains("not available"), "{error}");
    let account = Account { shell: "/bin/sh", sudoers: BY_PASSWORD, start_file: "" };
    let config = "ForceCommand echo menu: 1 2 3";
    let sshd = Sshd::start_with("ed25519", &Setup { config, account: Some(account) });
    let error = sshd.connect(sshd.target_of_opst(), Mode::Run, "r1").await.unwrap_err().to_string();
    assert!(error.contains("something else answers") && error.contains("menu: 1 2 3"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_counted_once_and_changes_nothing() {
    for sudoers in [BY_PASSWORD.to_owned(), format!("Defaults requiretty, use_pty\n{BY_PASSWORD}")] {
        let sshd = node(&sudoers, "/bin/bash", "");
        let person = Person::who_says(&["canary-wrong", PASSWORD]);
        assert_eq!(refused(&sshd, &person).await, SudoRefusal::WrongPassword);
        assert_eq!(person.was_asked().len(), 1);
        assert_eq!(sshd.faults(), 1, "{sudoers}: {}", sshd.sudo_log());
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let person = || Person::who_says(&[PASSWORD]);
    assert_eq!(refused(&node("", "/bin/bash", ""), &person()).await, SudoRefusal::NotInSudoers);
    let id = "opst ALL=(root) /usr/bin/id";
    assert_eq!(refused(&node(id, "/bin/bash", ""), &person()).await, SudoRefusal::MayNotRun);
    assert_eq!(refused(&node("this is no rule", "/bin/bash", ""), &person()).await, SudoRefusal::Broken);
    let nobody = Person::who_says(&[]);
    let sshd = node(BY_PASSWORD, "/bin/bash", "");
    assert_eq!(refused(&sshd, &nobody).await, SudoRefusal::PasswordNeeded);
    assert_eq!(sshd.faults(), 0, "{}", sshd.sudo_log());
}

#[tokio::test]
async fn roots_password_is_asked_for_as_roots() {
    let sshd = node(&format!("Defaults rootpw\n{BY_PASSWORD}"), "/bin/bash", "");
    let nobody = Person::who_says(&[]);
    assert_eq!(refused(&sshd, &nobody).await, SudoRefusal::PasswordNeeded);
    assert_eq!(nobody.was_asked(), [Wanted::Sudo { user: "root".to_owned(), host: "cp1".to_owned() }]);
}
