//! Jump hosts: real servers behind real servers.

use sealift_node::helper::Mode;
use sealift_node::{HostError, Identity, Mutate, Target, Unreached, scan_host_key};

use crate::person::Person;
use crate::sshd::{Setup, Sshd};

fn hop(sshd: &Sshd, through: Option<Target>) -> Target {
    Target { name: "jump host".to_owned(), through: through.map(Box::new), ..sshd.target() }
}

#[tokio::test]
async fn through_two_jump_hosts_each_with_its_own_key() {
    let (one, two, node) = (Sshd::start("ed25519"), Sshd::start("ecdsa"), Sshd::start("rsa"));
    let shared = Person::who_says(&[]).shared();
    let first = Target { shared: shared.clone(), ..hop(&one, None) };
    let second = Target { shared: shared.clone(), ..hop(&two, Some(first)) };
    let target = Target { through: Some(Box::new(second)), shared, ..node.target() };
    assert_eq!(scan_host_key(&target).await.unwrap(), node.host_key());
    let host = node.connect(target, Mode::Run, "r1").await.unwrap();
    Mutate::new(&host).write_file("/etc/x", vec![7; 5 << 20], 0o600).await.unwrap();
    assert_eq!(std::fs::read(node.root().join("etc/x")).unwrap(), vec![7; 5 << 20]);
    sealift_node::Host::close(&host).await.unwrap();
    // one login on each jump host, whatever number of connections goes through
    for sshd in [&one, &two] {
        assert_eq!(sshd.log().matches("Accepted publickey").count(), 1, "{}", sshd.log());
    }
}

#[tokio::test]
async fn a_jump_host_is_pinned_like_a_node() {
    let (one, other, node) = (Sshd::start("ed25519"), Sshd::start("ed25519"), Sshd::start("ed25519"));
    for (pinned, changed) in [(Some(other.host_key()), true), (None, false)] {
        let hop = Target { host_key: pinned, ..hop(&one, None) };
        let error =
            node.connect(Target { through: Some(Box::new(hop)), ..node.target() }, Mode::Plan, "r1").await;
        let error = error.unwrap_err();
        assert!(error.is_identity() && error.to_string().contains("jump host"), "{error}");
        assert_eq!(matches!(error, HostError::HostKeyChanged { .. }), changed);
    }
    assert!(!one.log().contains("for root"), "{}", one.log());
    assert_eq!(node.log().matches("Connection from").count(), 1, "only the test's own look: {}", node.log());
}

#[tokio::test]
async fn what_a_jump_host_cannot_do_is_told() {
    let node = Sshd::start("ed25519");
    let through = |sshd: &Sshd| Some(Box::new(hop(sshd, None)));
    let kind = |error: HostError| match error {
        HostError::Unreachable { kind, .. } => kind,
        other => panic!("{other}"),
    };
    let closed = Sshd::start_with("ed25519", &Setup { config: "AllowTcpForwarding no", account: None });
    let error = node.connect(Target { through: through(&closed), ..node.target() }, Mode::Plan, "r1").await;
    assert_eq!(kind(error.unwrap_err()), Unreached::Forbidden);
    let open = Sshd::start("ed25519");
    let target = Target { through: through(&open), port: 1, ..node.target() };
    let error = node.connect(target, Mode::Plan, "r1").await.unwrap_err();
    assert!(error.to_string().contains("jump host cannot connect to it"), "{error}");
    assert_eq!(kind(error), Unreached::Refused);
    let stranger = vec![Identity::File(open.file("stranger"))];
    let hop = Target { identities: stranger, ..hop(&open, None) };
    let error =
        node.connect(Target { through: Some(Box::new(hop)), ..node.target() }, Mode::Plan, "r1").await;
    let error = error.unwrap_err();
    assert!(matches!(&error, HostError::AuthFailed { host, .. } if host == "jump host"), "{error}");
}
