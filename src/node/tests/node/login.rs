//! Who is let in, and who is never asked.

use std::time::{Duration, Instant};

use sealift_node::helper::Mode;
use sealift_node::{Host as _, HostError, Identity, Probe, Target, scan_host_key};

use crate::sshd::Sshd;

/// No authentication was tried: sshd (`LogLevel VERBOSE`) names every method and user it is asked for.
fn untouched(sshd: &Sshd) {
    let log = sshd.log();
    for word in ["Accepted", "Failed", "Postponed", "Invalid user", "userauth", "for root"] {
        assert!(!log.contains(word), "sshd saw an attempt: {log}");
    }
    assert!(log.contains("Connection from 127.0.0.1"), "the log tells nothing: {log}");
}

#[tokio::test]
async fn a_changed_host_key_stops_before_any_credential() {
    let (sshd, other) = (Sshd::start("ed25519"), Sshd::start("ed25519"));
    let target = Target { host_key: Some(other.host_key()), ..sshd.target() };
    let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err();
    let HostError::HostKeyChanged { expected, seen, .. } = &error else { panic!("{error}") };
    assert_eq!((expected, seen), (&other.host_key().fingerprint(), &sshd.host_key().fingerprint()));
    assert!(error.is_identity() && !error.is_transient());
    let text = error.to_string();
    assert!(text.contains(expected) && text.contains(seen), "{text}");
    untouched(&sshd);
}

#[tokio::test]
async fn a_key_of_another_type_is_a_changed_key() {
    let (sshd, other) = (Sshd::start("ecdsa"), Sshd::start("ed25519"));
    let target = Target { host_key: Some(other.host_key()), ..sshd.target() };
    let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err();
    assert!(matches!(error, HostError::HostKeyChanged { .. }), "{error}");
    untouched(&sshd);
}

#[tokio::test]
async fn an_unpinned_host_is_not_logged_in_to() {
    let sshd = Sshd::start("ed25519");
    let target = Target { host_key: None, ..sshd.target() };
    let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err();
    assert!(
        matches!(&error, HostError::HostKeyUnknown { seen, .. } if *seen == sshd.host_key().fingerprint())
    );
    assert_eq!(scan_host_key(&sshd.target()).await.unwrap(), sshd.host_key());
    untouched(&sshd);
}

#[tokio::test]
async fn a_stranger_is_told_so() {
    let sshd = Sshd::start("rsa");
    let stranger = vec![Identity::File(sshd.file("stranger")), Identity::File(sshd.file("none"))];
    for target in [
        Target { identities: stranger, ..sshd.target() },
        Target { user: "nobody-at-all".to_owned(), ..sshd.target() },
        Target { identities: vec![], ..sshd.target() },
    ] {
        let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err();
        assert!(matches!(error, HostError::AuthFailed { .. }), "{error}");
    }
    // the server's RSA key was pinned and proved on the way; so is a user's
    let target = Target { identities: vec![Identity::File(sshd.file("user-rsa"))], ..sshd.target() };
    drop(sshd.connect(target, Mode::Plan, "r1").await.unwrap());
}

#[tokio::test]
async fn a_closed_port_is_told_at_once() {
    let sshd = Sshd::start("ed25519");
    let since = Instant::now();
    let target = Target { port: 1, ..sshd.target() };
    let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err();
    assert!(matches!(error, HostError::Unreachable { .. }) && error.is_transient(), "{error}");
    let target = Target { address: "node.example".to_owned(), ..sshd.target() };
    let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err();
    assert!(error.to_string().contains("not an IP address"), "{error}");
    assert!(since.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_node_is_found_at_its_old_address_but_reached_anew_only_at_its_own() {
    let sshd = Sshd::start("ed25519");
    let here = "127.0.0.1".to_owned();
    // nobody listens at the first one
    let moved = Target { address: "127.0.0.9".to_owned(), before: Some(here.clone()), ..sshd.target() };
    let host = sshd.connect(moved, Mode::Plan, "r1").await.unwrap();
    assert!(Probe::new(&host).stat("/etc").await.is_ok());
    let error = host.reach_anew().await.unwrap_err();
    assert!(error.to_string().contains("127.0.0.9"), "{error}");
    assert!(Probe::new(&host).stat("/etc").await.is_ok(), "it is still found where it is");
    let there = Target { before: Some("127.0.0.9".to_owned()), address: here, ..sshd.target() };
    let host = sshd.connect(there, Mode::Plan, "r2").await.unwrap();
    host.reach_anew().await.unwrap();
    assert!(Probe::new(&host).stat("/etc").await.is_ok());
}
