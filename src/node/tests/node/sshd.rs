//! A real sshd on loopback with a directory, keys and a log of its own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealift_node::helper::{Mode, Starter};
use sealift_node::{HelperBinary, HostError, HostKey, Identity, Owner, RemoteHost, RemoteOptions, Target};
use tempfile::TempDir;

pub(crate) struct Sshd {
    pub(crate) dir: TempDir,
    pub(crate) port: u16,
    child: Child,
}

/// What is unusual about a server.
#[derive(Default)]
pub(crate) struct Setup<'a> {
    /// More lines for `sshd_config`. What stands first counts.
    pub(crate) config: &'a str,
    /// A system of its own around the server, with the user `opst`.
    pub(crate) account: Option<Account<'a>>,
}

/// The user `opst` with the password [`PASSWORD`], who exists in the server's own mount namespace only.
pub(crate) struct Account<'a> {
    pub(crate) shell: &'a str,
    /// The whole of `/etc/sudoers`.
    pub(crate) sudoers: &'a str,
    /// What shells read when they start.
    pub(crate) start_file: &'a str,
}

/// A canary, too: it must not be found anywhere but in the memory of the two who have to know it.
pub(crate) const PASSWORD: &str = "canary-Ug6phoh9-password";

impl Sshd {
    /// Starts a server with a host key of this type (ssh-keygen's `-t`).
    pub(crate) fn start(host_key: &str) -> Self {
        Self::start_with(host_key, &Setup::default())
    }

    pub(crate) fn start_with(host_key: &str, setup: &Setup<'_>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
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
            "{}\nListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nLogLevel VERBOSE\n\
             KbdInteractiveAuthentication no\nRekeyLimit 16M\nMaxStartups 100\n",
            setup.config,
            path("host"),
            path("authorized_keys")
        );
        fs::write(path("sshd_config"), config).unwrap();
        let mut line = format!("exec /usr/sbin/sshd -D -f {} -E {}", path("sshd_config"), path("log"));
        if let Some(account) = &setup.account {
            line = format!("{}{line}", account.system(dir.path()));
        }
        let child = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "/bin/sh", "-ec", &line])
            .stdin(Stdio::null())
            .spawn()
            .expect("util-linux and openssh-server are needed");
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
            through: None,
            shared: Arc::default(),
        }
    }

    /// The same as the user who needs sudo.
    pub(crate) fn target_of_opst(&self) -> Target {
        Target { user: "opst".to_owned(), ..self.target() }
    }

    /// From now on the user must set a new password (chage -d 0).
    pub(crate) fn expire(&self) {
        let shadow = self.file("etc/shadow");
        let text = fs::read_to_string(&shadow).unwrap();
        assert!(text.contains(":19000:"), "{text}");
        // written in place: the file is mounted over another
        fs::write(shadow, text.replace(":19000:", ":0:")).unwrap();
    }

    /// What sudo has logged.
    pub(crate) fn sudo_log(&self) -> String {
        fs::read_to_string(self.file("sudo.log")).unwrap_or_default()
    }

    /// How many wrong passwords PAM has counted at sudo: what locks accounts.
    pub(crate) fn faults(&self) -> usize {
        let output =
            Command::new("faillock").args(["--user", "opst", "--dir"]).arg(self.file("faillock")).output();
        let text = String::from_utf8(output.expect("libpam-modules is needed").stdout).unwrap();
        // below the user's name and a head line, each begins with its date; with a terminal it names that, not sudo
        text.lines().filter(|line| line.starts_with("20")).count()
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

impl Account<'_> {
    /// Lays files of our own over those of `/etc`, and says how: a line for the shell.
    fn system(&self, dir: &Path) -> String {
        let etc = dir.join("etc");
        let home = dir.join("home");
        for made in [&etc, &home, &home.join(".config/fish"), &dir.join("faillock")] {
            fs::create_dir_all(made).unwrap();
        }
        fs::write(dir.join("typed"), PASSWORD).unwrap();
        let typed = fs::File::open(dir.join("typed")).unwrap();
        let hash = Command::new("openssl").args(["passwd", "-6", "-stdin"]).stdin(typed).output();
        let hash = String::from_utf8(hash.expect("openssl is needed").stdout).unwrap();
        fs::remove_file(dir.join("typed")).unwrap();
        let faillock = format!("pam_faillock.so dir={} deny=100", dir.join("faillock").display());
        let write = |name: &str, text: String| fs::write(etc.join(name), text).unwrap();
        let read = |name: &str| fs::read_to_string(name).unwrap();
        let shell = self.shell;
        write("passwd", format!("{}opst:x:4242:4242::{}:{shell}\n", read("/etc/passwd"), home.display()));
        write("group", format!("{}opst:x:4242:\n", read("/etc/group")));
        write("shadow", format!("{}opst:{}:19000::::::\n", read("/etc/shadow"), hash.trim()));
        write("sudoers", format!("Defaults logfile={}\n{}\n", dir.join("sudo.log").display(), self.sudoers));
        fs::set_permissions(etc.join("sudoers"), fs::Permissions::from_mode(0o440)).unwrap();
        write(
            "sshd",
            "auth required pam_unix.so\naccount required pam_unix.so\npassword required pam_unix.so\n"
                .to_owned(),
        );
        write(
            "sudo",
            format!(
                "auth required {faillock} preauth\nauth [success=1 default=ignore] pam_unix.so\n\
             auth [default=die] {faillock} authfail\nauth sufficient {faillock} authsucc\naccount required pam_unix.so\n"
            ),
        );
        for name in [".bashrc", ".profile", ".config/fish/config.fish"] {
            fs::write(home.join(name), self.start_file).unwrap();
        }
        let over = [
            ("passwd", "/etc/passwd"),
            ("group", "/etc/group"),
            ("shadow", "/etc/shadow"),
            ("sudoers", "/etc/sudoers"),
            ("sshd", "/etc/pam.d/sshd"),
            ("sudo", "/etc/pam.d/sudo"),
        ];
        let mut line = format!("chown -R 4242:4242 {}; ", home.display());
        line.extend(
            over.map(|(ours, theirs)| format!("mount --bind {} {theirs}; ", etc.join(ours).display())),
        );
        line + "mkdir -p /run/sudo; mount -t tmpfs none /run/sudo; "
    }
}

pub(crate) fn keygen(kind: &str, path: &str) {
    let status =
        Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-C", "test", "-f", path]).status();
    assert!(status.expect("openssh-client is needed").success());
}
