//! Gigabytes over a link that breaks, beside `ssh cat` (docs/decisions/0002-ssh-transport.md).

use std::process::Stdio;
use std::time::{Duration, Instant};

use sealift_node::helper::Mode;
use sealift_node::{BlobTarget, Host as _, Target};

use crate::pattern::Pattern;
use crate::{proxy, sshd::Sshd};

/// 192 rekeys at `RekeyLimit 16M`, three times russh's own limit of 1 GiB.
const SIZE: u64 = 3 << 30;

/// Enough for a rate.
const FLOOR: u64 = 1 << 30;

#[tokio::test(flavor = "multi_thread")]
async fn three_gibibytes_survive_rekeys_and_two_cuts() {
    let digest = Pattern::digest(SIZE);
    let sshd = Sshd::start("ed25519");
    let (port, cuts) = proxy::start(sshd.port, &[SIZE / 3, SIZE / 4]).await;
    let host = sshd.connect(Target { port, ..sshd.target() }, Mode::Run, "r1").await.unwrap();
    let target = BlobTarget::File { digest, size: SIZE };
    let since = Instant::now();
    let (mut resumes, mut offsets) = (0, vec![]);
    loop {
        let offset = match host.blob_offset(target.clone()).await {
            Ok(offset) => offset,
            // the cut may hit the question, too
            Err(error) if error.is_transient() => continue,
            Err(error) => panic!("{error}"),
        };
        offsets.push(offset);
        match host.put_blob(target.clone(), offset, Box::pin(Pattern::from(offset, SIZE))).await {
            Ok(()) => break,
            Err(error) if error.is_transient() => resumes += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(resumes <= 4, "it does not get on: {offsets:?}");
    }
    let ours = since.elapsed();
    assert!(cuts.lock().unwrap().is_empty(), "the link was not cut twice: {offsets:?}");
    assert_eq!(resumes, 2);
    assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]), "a resume began anew: {offsets:?}");
    let kept = sshd.root().join("var/lib/sealift/blobs/sha256").join(digest.hex());
    assert_eq!(std::fs::metadata(&kept).unwrap().len(), SIZE);
    std::fs::remove_file(&kept).unwrap();
    host.close().await.unwrap();

    let theirs = ssh_cat(&sshd).await;
    let rate =
        |bytes: u64, took: Duration| f64::from(u32::try_from(bytes >> 20).unwrap()) / took.as_secs_f64();
    let (ours, theirs) = (rate(SIZE, ours), rate(FLOOR, theirs));
    println!(
        "put_blob, hashed and synced, 2 cuts: {ours:.0} MiB/s; ssh cat, uncut: {theirs:.0} MiB/s; time x {:.2}",
        theirs / ours
    );
}

/// Bytes of the same kind by the reference client, straight to the server, into a file.
async fn ssh_cat(sshd: &Sshd) -> Duration {
    let (key, port, file) = (sshd.file("user"), sshd.port.to_string(), sshd.file("by-cat"));
    let line = format!("cat >{}", file.display());
    let since = Instant::now();
    let mut ssh = tokio::process::Command::new("ssh")
        .args([
            "-F",
            "none",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-q",
            "-i",
        ])
        .arg(key)
        .args(["-c", "aes256-gcm@openssh.com", "-p", &port, "root@127.0.0.1", &line])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = ssh.stdin.take().unwrap();
    tokio::io::copy_buf(
        &mut tokio::io::BufReader::with_capacity(1 << 20, Pattern::from(0, FLOOR)),
        &mut stdin,
    )
    .await
    .unwrap();
    drop(stdin);
    assert!(ssh.wait().await.unwrap().success());
    let took = since.elapsed();
    assert_eq!(std::fs::metadata(&file).unwrap().len(), FLOOR);
    std::fs::remove_file(file).unwrap();
    took
}
