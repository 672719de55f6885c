//! Passwords at the login: asked for once, tried once.

use std::fs;

use sealift_node::helper::Mode;
use sealift_node::{HostError, Obstacle, Target, Wanted};

use crate::person::Person;
use crate::sshd::{Account, PASSWORD, Setup, Sshd};

const ACCOUNT: Account<'_> =
    Account { shell: "/bin/sh", sudoers: "opst ALL=(root) NOPASSWD: ALL", start_file: "" };

fn by_password(config: &str) -> Sshd {
    Sshd::start_with("ed25519", &Setup { config, account: Some(ACCOUNT) })
}

fn asked_for_login() -> Vec<Wanted> {
    vec![Wanted::Login { user: "opst".to_owned(), host: "cp1".to_owned() }]
}

#[tokio::test]
async fn a_password_logs_in_by_either_method_and_reaches_all_nodes() {
    for config in [
        "PasswordAuthentication yes",
        "UsePAM yes\nKbdInteractiveAuthentication yes",
        "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication yes",
        // offered, but without PAM it asks nothing: the other one has to do
        "KbdInteractiveAuthentication yes\nPasswordAuthentication yes",
    ] {
        let (one, two) = (by_password(config), by_password(config));
        let person = Person::who_says(&[PASSWORD]);
        let shared = person.shared();
        let of = |sshd: &Sshd| Target { identities: vec![], shared: shared.clone(), ..sshd.target_of_opst() };
        let (first, second) =
            tokio::join!(one.connect(of(&one), Mode::Plan, "r1"), two.connect(of(&two), Mode::Plan, "r1"));
        drop((first.unwrap_or_else(|error| panic!("{config}: {error}")), second.unwrap()));
        assert_eq!(person.was_asked(), asked_for_login(), "{config}");
        for sshd in [&one, &two] {
            assert_eq!(sshd.log().matches("Failed password").count(), 0, "{}", sshd.log());
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_at_one_server_only() {
    for config in [
        "PasswordAuthentication yes",
        "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication yes",
    ] {
        let (one, two) = (by_password(config), by_password(config));
        let person = Person::who_says(&["canary-wrong", PASSWORD]);
        let shared = person.shared();
        let of = |sshd: &Sshd| Target { identities: vec![], shared: shared.clone(), ..sshd.target_of_opst() };
        let (first, second) =
            tokio::join!(one.connect(of(&one), Mode::Plan, "r1"), two.connect(of(&two), Mode::Plan, "r1"));
        for error in [first.unwrap_err(), second.unwrap_err()] {
            assert!(matches!(error, HostError::AuthFailed { .. }) && !error.is_transient(), "{error}");
            assert!(error.to_string().contains("password"), "{error}");
        }
        assert_eq!(person.was_asked(), asked_for_login());
        let count = |sshd: &Sshd| {
            sshd.log().matches("Failed password").count() + sshd.log().matches("Failed keyboard").count()
        };
        assert_eq!(count(&one) + count(&two), 1, "{}\n{}", one.log(), two.log());
    }
}

#[tokio::test]
async fn a_password_that_has_expired_is_no_wrong_one() {
    for config in ["UsePAM yes\nKbdInteractiveAuthentication yes", "UsePAM yes\nPasswordAuthentication yes"] {
        let (one, two) = (by_password(config), by_password(config));
        one.expire();
        let person = Person::who_says(&[PASSWORD]);
        let shared = person.shared();
        let of = |sshd: &Sshd| Target { identities: vec![], shared: shared.clone(), ..sshd.target_of_opst() };
        let error = one.connect(of(&one), Mode::Plan, "r1").await.unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains("expired"), "{config}: {error}");
        assert_eq!(one.log().matches("Failed password").count(), 0, "{}", one.log());
        // the others have not forgotten it, and it was typed for them, too
        drop(
            two.connect(of(&two), Mode::Plan, "r1").await.unwrap_or_else(|error| panic!("{config}: {error}")),
        );
        assert_eq!(person.was_asked(), asked_for_login(), "{config}");
    }
}

#[tokio::test]
async fn a_key_does_not_help_where_a_new_password_is_due() {
    let sshd = by_password("UsePAM yes");
    sshd.expire();
    let error = sshd.connect(sshd.target_of_opst(), Mode::Plan, "r1").await.unwrap_err();
    assert!(matches!(&error, HostError::NoHelper { obstacle: Obstacle::Expired, .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_wants_a_key_and_a_password_gets_both() {
    let sshd = by_password("PasswordAuthentication yes\nAuthenticationMethods publickey,password");
    let person = Person::who_says(&[PASSWORD]);
    let target = Target { shared: person.shared(), ..sshd.target_of_opst() };
    drop(sshd.connect(target, Mode::Plan, "r1").await.unwrap());
    assert_eq!(person.was_asked(), asked_for_login());
}

#[tokio::test]
async fn no_password_goes_to_a_server_that_has_not_proved_its_key() {
    let (sshd, other) = (by_password("PasswordAuthentication yes"), Sshd::start("ed25519"));
    let person = Person::who_says(&[PASSWORD]);
    let target = Target {
        host_key: Some(other.host_key()),
        identities: vec![],
        shared: person.shared(),
        ..sshd.target_of_opst()
    };
    let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err();
    assert!(error.is_identity(), "{error}");
    assert_eq!(person.was_asked(), []);
    assert!(!fs::read_to_string(sshd.file("log")).unwrap().contains("opst"));
}
