//! A real sshd on loopback, something that is none, and a cluster file for each way of missing them.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::desk::{Desk, NOBODY};

/// Ends with the value.
pub(super) struct Servers(Child);

impl Servers {
    pub(super) fn start(desk: &Desk) -> Self {
        for (name, passphrase) in [("host", ""), ("user", ""), ("stranger", ""), ("passphrase", "hush")] {
            keygen(desk, name, passphrase);
        }
        let host_key = fs::read_to_string(desk.dir().join("host.pub")).unwrap();
        let host_key = host_key.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let (sshd, web) = (free_port(), web());
        let files = [
            ("closed", 1, NOBODY, "user"),
            ("web", web, NOBODY, "user"),
            ("unpinned", sshd, "", "user"),
            ("changed", sshd, NOBODY, "user"),
            ("stranger", sshd, &host_key, "stranger"),
            ("user", sshd, &host_key, "user"),
            ("passphrase", sshd, &host_key, "passphrase"),
            ("public", sshd, &host_key, "user.pub"),
            ("missing", sshd, &host_key, "none"),
            ("garbled", sshd, &host_key, "rubbish"),
        ];
        for (name, port, key, identity) in files {
            let text = desk.cluster(port, key, identity);
            let text = if name == "user" { text.replace("user: root", "user: nobody-at-all") } else { text };
            desk.put(&format!("{name}.yaml"), text);
        }
        start_sshd(desk, sshd)
    }
}

fn start_sshd(desk: &Desk, port: u16) -> Servers {
    let path = |name: &str| desk.dir().join(name).display().to_string();
    desk.put(
        "sshd_config",
        format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\n",
            path("host"),
            path("user.pub")
        ),
    );
    // Debian's sshd wants this directory, which its unit makes.
    fs::create_dir_all("/run/sshd").unwrap();
    let mut command = Command::new("/usr/sbin/sshd");
    command.args(["-D", "-f", &path("sshd_config"), "-E", &path("sshd.log")]).stdin(Stdio::null());
    let servers = Servers(command.spawn().unwrap());
    let since = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(since.elapsed() < Duration::from_secs(20), "sshd does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    servers
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn keygen(desk: &Desk, name: &str, passphrase: &str) {
    let path = desk.dir().join(name);
    let mut command = Command::new("ssh-keygen");
    let status =
        command.args(["-q", "-t", "ed25519", "-C", "test", "-N", passphrase, "-f"]).arg(path).status();
    assert!(status.unwrap().success());
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Answers everybody as a web server would; its thread ends with the process.
fn web() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    port
}
