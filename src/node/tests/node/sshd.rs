//! A real sshd on loopback with a directory, keys and a log of its own.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sealift_node::helper::{Mode, Starter};
use sealift_node::{HelperBinary, HostError, HostKey, Identity, Owner, RemoteHost, RemoteOptions, Target};
use tempfile::TempDir;

pub(crate) struct Sshd {
    pub(crate) dir: TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl Sshd {
    /// Starts a server with a host key of this type (ssh-keygen's `-t`).
    pub(crate) fn start(host_key: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        keygen(host_key, &path("host"));
        keygen("ed25519", &path("user"));
        keygen("rsa", &path("user-rsa"));
        keygen("ed25519", &path("stranger"));
        let keys = fs::read_to_string(path("user.pub")).unwrap()
            + &fs::read_to_string(path("user-rsa.pub")).unwrap();
        fs::write(path("authorized_keys"), keys).unwrap();
        // Debian's sshd wants this directory, which its unit makes.
        fs::create_dir_all("/run/sshd").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nLogLevel VERBOSE\n\
             RekeyLimit 16M\nMaxStartups 100\nPerSourcePenalties no\n",
            path("host"),
            path("authorized_keys")
        );
        // Older than 9.8: no such setting.
        let config = config.replace("PerSourcePenalties no\n", "");
        fs::write(path("sshd_config"), config).unwrap();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-f", &path("sshd_config"), "-E", &path("log")])
            .stdin(Stdio::null())
            .spawn()
            .expect("openssh-server is needed");
        let sshd = Self { dir, port, child };
        let since = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < Duration::from_secs(10), "sshd does not start: {}", sshd.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        sshd
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn host_key(&self) -> HostKey {
        fs::read_to_string(self.file("host.pub")).unwrap().parse().unwrap()
    }

    /// Root, with the key that is taken, at the pinned server.
    pub(crate) fn target(&self) -> Target {
        Target {
            name: "cp1".to_owned(),
            address: "127.0.0.1".to_owned(),
            before: None,
            port: self.port,
            user: "root".to_owned(),
            identities: vec![Identity::File(self.file("user"))],
            host_key: Some(self.host_key()),
        }
    }

    /// The directory that stands for the node.
    pub(crate) fn root(&self) -> PathBuf {
        self.file("node")
    }

    pub(crate) async fn connect(
        &self,
        target: Target,
        mode: Mode,
        run: &str,
    ) -> Result<RemoteHost, HostError> {
        fs::create_dir_all(self.root()).unwrap();
        let binary = HelperBinary::of(env!("CARGO_BIN_EXE_sealift-helper-alone")).await.unwrap();
        let root = Some(self.root().to_string_lossy().into_owned());
        let options = RemoteOptions { starter: Starter::Direct, root, idle_s: Some(3) };
        RemoteHost::connect_with(target, binary, mode, run, &owner(run), options).await
    }
}

/// An operator who is called like the run.
pub(crate) fn owner(run: &str) -> Owner {
    let (verb, started) = ("install".to_owned(), "2026-11-22T22:00:00Z".to_owned());
    Owner { verb, pid: 7, host: format!("laptop-{run}"), started }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keygen(kind: &str, path: &str) {
    let status =
        Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-C", "test", "-f", path]).status();
    assert!(status.expect("openssh-client is needed").success());
}
