use sealift_stream::Digest;

use crate::{Action, BlobTarget, Command, Host as _, HostError, JobState, LocalHost, Mutate, PathKind};

fn node() -> (tempfile::TempDir, LocalHost) {
    let dir = tempfile::tempdir().unwrap();
    let host = LocalHost::rooted("cp1", dir.path());
    (dir, host)
}

fn reader(bytes: &[u8]) -> crate::BlobReader {
    Box::pin(std::io::Cursor::new(bytes.to_vec()))
}

#[tokio::test]
async fn writes_reads_and_removes() {
    let (_dir, host) = node();
    let mutate = Mutate::new(&host);
    assert_eq!(mutate.read_file("/etc/a/hosts", 10).await.unwrap(), None);
    mutate.write_file("/etc/a/hosts", b"0123456789".to_vec(), 0o666).await.unwrap();
    let stat = mutate.stat("/etc/a/hosts").await.unwrap().unwrap();
    assert_eq!((stat.kind, stat.mode, stat.size), (PathKind::File, 0o666, 10));
    assert_eq!(mutate.read_file("/etc/a/hosts", 10).await.unwrap().unwrap(), b"0123456789");
    assert!(matches!(mutate.read_file("/etc/a/hosts", 9).await, Err(HostError::Refused { .. })));
    assert_eq!(mutate.hash_file("/etc/a/hosts").await.unwrap(), Some(Digest::of(b"0123456789")));
    mutate.symlink("/etc/a/link", "hosts").await.unwrap();
    mutate.symlink("/etc/a/link", "elsewhere").await.unwrap();
    assert_eq!(mutate.read_link("/etc/a/link").await.unwrap().as_deref(), Some("elsewhere"));
    assert_eq!(mutate.list_dir("/etc/a").await.unwrap().unwrap(), ["hosts", "link"]);
    mutate.remove("/etc/a").await.unwrap();
    mutate.remove("/etc/a").await.unwrap();
    assert_eq!(mutate.list_dir("/etc/a").await.unwrap(), None);
}

#[tokio::test]
async fn runs_programs_with_a_clean_environment_and_an_end() {
    let host = LocalHost::new("here");
    let mutate = Mutate::new(&host);
    let output = mutate
        .run(Command::new(["sh", "-c", "cat; env | sort; exit 3"]).stdin(b"in\n".to_vec()))
        .await
        .unwrap();
    assert_eq!(output.status, 3);
    assert!(output.stdout.starts_with("in\nHOME=/root\nLC_ALL=C.UTF-8\nPATH="), "{}", output.stdout);
    let slow = Command::new(["sh", "-c", "sleep 60 & wait"]).timeout(1);
    assert!(matches!(mutate.run(slow).await, Err(HostError::Timeout { seconds: 1, .. })));
    assert!(matches!(mutate.run(Command::new(["no-such-program"])).await, Err(HostError::Refused { .. })));
}

#[tokio::test]
async fn a_cut_blob_goes_on_and_a_wrong_one_is_thrown_away() {
    let (_dir, host) = node();
    let content = vec![7; 3 << 20];
    let (digest, size) = (Digest::of(&content), content.len() as u64);
    let target = BlobTarget::File { digest, size };
    assert_eq!(host.blob_offset(target.clone()).await.unwrap(), 0);
    let cut = host.put_blob(target.clone(), 0, reader(&content[..1 << 20])).await;
    assert!(matches!(cut, Err(HostError::LinkLost { .. })), "{cut:?}");
    let offset = host.blob_offset(target.clone()).await.unwrap();
    assert_eq!(offset, 1 << 20);
    let wrong = host.put_blob(target.clone(), offset, reader(&vec![8; 2 << 20])).await;
    assert!(matches!(wrong, Err(HostError::Damaged { .. })), "{wrong:?}");
    assert_eq!(host.blob_offset(target.clone()).await.unwrap(), 0);
    host.put_blob(target.clone(), 0, reader(&content)).await.unwrap();
    assert_eq!(host.blob_offset(target.clone()).await.unwrap(), size);

    let mutate = Mutate::new(&host);
    mutate.install_blob(digest, "/usr/bin/tool", 0o755).await.unwrap();
    mutate.drop_blobs(vec![digest]).await.unwrap();
    // killed between drop and receipt: the same again is fine, another path is not
    mutate.install_blob(digest, "/usr/bin/tool", 0o755).await.unwrap();
    assert!(mutate.install_blob(digest, "/usr/bin/other", 0o755).await.is_err());
}

#[tokio::test]
async fn takes_only_named_files_out_of_an_archive() {
    let (_dir, host) = node();
    let mut archive = tar::Builder::new(vec![]);
    for (name, content) in [("./bin/ptp", "ptp"), ("bin/other", "other")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    archive.append_link(&mut link, "bin/link", "/etc/shadow").unwrap();
    let bytes = archive.into_inner().unwrap();
    let digest = Digest::of(&bytes);
    let target = BlobTarget::File { digest, size: bytes.len() as u64 };
    host.put_blob(target, 0, reader(&bytes)).await.unwrap();
    let mutate = Mutate::new(&host);
    let extract =
        |from: &str, to: &str| mutate.extract_blob(digest, "/opt/cni/bin", vec![(from.into(), to.into())]);
    extract("bin/ptp", "ptp").await.unwrap();
    assert_eq!(mutate.list_dir("/opt/cni/bin").await.unwrap().unwrap(), ["ptp"]);
    assert_eq!(mutate.stat("/opt/cni/bin/ptp").await.unwrap().unwrap().mode, 0o755);
    for (from, to) in [("bin/missing", "x"), ("bin/link", "x"), ("bin/ptp", "../x"), ("bin/ptp", "")] {
        assert!(extract(from, to).await.is_err(), "{from} as {to:?} was taken");
    }
}

#[tokio::test]
async fn a_jobs_end_stays_until_the_next_start() {
    let (_dir, host) = node();
    let mutate = Mutate::new(&host);
    assert_eq!(mutate.job("init", Command::new(["sh"])).await.err().map(|e| e.is_transient()), Some(false));
    let script = b"#!/bin/sh\necho \"$1\"; exit 4\n".to_vec();
    mutate.write_file("/usr/local/bin/kubeadm", script, 0o755).await.unwrap();
    assert_eq!(mutate.job("init", Command::new(["kubeadm", "one"])).await.unwrap().status, 4);
    let Some(JobState::Ended(output)) = mutate.job_state("init").await.unwrap() else { panic!("no end") };
    assert_eq!((output.status, output.stdout.as_str()), (4, "one\n"));
    assert!(mutate.job("../x", Command::new(["kubeadm"])).await.is_err());
    let names = host.act(Action::RemoveImages { names: vec![] }).await;
    assert!(names.is_err(), "there is no containerd here");
}
