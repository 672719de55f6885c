//! Keys as people have them: with passphrases, in agents, certified, and too many.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sealift_node::helper::Mode;
use sealift_node::{HostError, Identity, Target, Wanted};

use crate::person::Person;
use crate::sshd::{Setup, Sshd, keygen};

/// A real agent with a socket in the server's directory.
struct Agent(Child);

impl Agent {
    fn start(socket: &Path) -> Self {
        let child = Command::new("ssh-agent").args(["-D", "-a"]).arg(socket).stdout(Stdio::null()).spawn();
        let since = Instant::now();
        while !socket.exists() {
            assert!(since.elapsed() < Duration::from_secs(5), "ssh-agent does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child.expect("openssh-client is needed"))
    }

    fn add(socket: &Path, key: &Path) {
        let added = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", socket).status();
        assert!(added.unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn keygen_with(words: &[&str]) {
    assert!(Command::new("ssh-keygen").arg("-q").args(words).status().unwrap().success(), "{words:?}");
}

/// The same key under a passphrase, in a file of its own.
fn locked(sshd: &Sshd, pem: bool) -> std::path::PathBuf {
    let file = sshd.file("locked");
    fs::copy(sshd.file(if pem { "user-rsa" } else { "user" }), &file).unwrap();
    let format = if pem { vec!["-m", "PKCS8"] } else { vec!["-a", "4"] };
    keygen_with(
        &[&["-p", "-P", "", "-N", "canary-passphrase"], &format[..], &["-f", file.to_str().unwrap()]]
            .concat(),
    );
    file
}

#[tokio::test]
async fn a_passphrase_is_asked_for_once_for_all_nodes_and_only_for_a_key_that_would_do() {
    for pem in [false, true] {
        let (one, two) = (Sshd::start("ed25519"), Sshd::start("ed25519"));
        fs::copy(one.file("authorized_keys"), two.file("authorized_keys")).unwrap();
        let person = Person::who_says(&["mistyped", "canary-passphrase"]);
        let file = locked(&one, pem);
        let (identities, shared) = (vec![Identity::File(file.clone())], person.shared());
        let of =
            |sshd: &Sshd| Target { identities: identities.clone(), shared: shared.clone(), ..sshd.target() };
        let (first, second) =
            tokio::join!(one.connect(of(&one), Mode::Plan, "r1"), two.connect(of(&two), Mode::Plan, "r1"));
        drop((first.unwrap(), second.unwrap()));
        let wanted = |again| Wanted::Passphrase { file: file.clone(), again };
        assert_eq!(person.was_asked(), [wanted(false), wanted(true)]);
    }
    // a key that the server would not take is not asked for: OpenSSH's files show the public half
    let (sshd, stranger) = (Sshd::start("ed25519"), Sshd::start("ed25519"));
    let person = Person::who_says(&["canary-passphrase"]);
    let identities = vec![Identity::File(locked(&stranger, false)), Identity::File(sshd.file("user"))];
    let target = Target { identities, shared: person.shared(), ..sshd.target() };
    drop(sshd.connect(target, Mode::Plan, "r1").await.unwrap());
    assert_eq!(person.was_asked(), []);
}

#[tokio::test]
async fn what_the_agent_holds_needs_no_passphrase_and_comes_first() {
    let sshd = Sshd::start_with("ed25519", &Setup { config: "MaxAuthTries 2", ..Setup::default() });
    let socket = sshd.file("agent");
    let _agent = Agent::start(&socket);
    for other in 0..4 {
        let key = sshd.file(&format!("other-{other}"));
        keygen("ed25519", key.to_str().unwrap());
        Agent::add(&socket, &key);
    }
    Agent::add(&socket, &sshd.file("user"));
    // five keys, the right one last, and a server that hangs up after two
    let agent = Identity::Agent(socket);
    let target = Target { identities: vec![agent.clone()], ..sshd.target() };
    let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err().to_string();
    assert!(error.contains("MaxAuthTries") && error.contains("identityFile"), "{error}");
    // named by the cluster file, it is the first
    let person = Person::who_says(&[]);
    let identities = vec![Identity::File(locked(&sshd, false)), agent];
    let target = Target { identities, shared: person.shared(), ..sshd.target() };
    drop(sshd.connect(target, Mode::Plan, "r1").await.unwrap());
    assert_eq!(person.was_asked(), []);
}

#[tokio::test]
async fn an_agent_that_is_not_there_or_holds_too_much_is_told() {
    let sshd = Sshd::start("ed25519");
    let target = Target { identities: vec![Identity::Agent(sshd.file("no-agent"))], ..sshd.target() };
    let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err().to_string();
    assert!(error.contains("no-agent") && error.contains("It offers: publickey"), "{error}");
    let many = (0..7).map(|at| {
        let key = sshd.file(&format!("many-{at}"));
        keygen("ed25519", key.to_str().unwrap());
        Identity::File(key)
    });
    let target = Target { identities: many.collect(), ..sshd.target() };
    let error = sshd.connect(target, Mode::Plan, "r1").await.unwrap_err().to_string();
    assert!(error.contains("2 more keys were not shown"), "{error}");
    assert_eq!(sshd.log().matches("Failed publickey").count(), 5, "{}", sshd.log());
}

#[tokio::test]
async fn a_certificate_beside_the_key_logs_in() {
    let sshd = Sshd::start("ed25519");
    let path = |name: &str| sshd.file(name).to_str().unwrap().to_owned();
    keygen("ed25519", &path("ca"));
    fs::write(
        sshd.file("authorized_keys"),
        format!("cert-authority {}", fs::read_to_string(path("ca.pub")).unwrap()),
    )
    .unwrap();
    let certify = |validity: &str| {
        keygen_with(&["-s", &path("ca"), "-I", "test", "-n", "root", "-V", validity, &path("stranger.pub")]);
    };
    let target = || Target { identities: vec![Identity::File(sshd.file("stranger"))], ..sshd.target() };
    certify("-1h:+1h");
    drop(sshd.connect(target(), Mode::Plan, "r1").await.unwrap());
    assert!(sshd.log().contains("ED25519-CERT"), "{}", sshd.log());
    // by the agent, too
    let socket = sshd.file("agent");
    let _agent = Agent::start(&socket);
    Agent::add(&socket, &sshd.file("stranger"));
    fs::remove_file(path("stranger-cert.pub")).unwrap();
    let by_agent = Target { identities: vec![Identity::Agent(socket)], ..sshd.target() };
    drop(sshd.connect(by_agent, Mode::Plan, "r1").await.unwrap());
    certify("-2h:-1h");
    let error = sshd.connect(target(), Mode::Plan, "r1").await.unwrap_err();
    assert!(
        matches!(error, HostError::AuthFailed { .. }) && error.to_string().contains("has expired"),
        "{error}"
    );
}
