//! Drives one real node by hand: systemd, jobs, containerd. `try_node ADDRESS USER KEYFILE`; the program
//! that is uploaded is `sealift-helper-alone` from the same build. Prints what it saw; panics at a surprise.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sealift_node::helper::Mode;
use sealift_node::{
    BlobTarget, Command, HelperBinary, Host, HostError, Identity, JobState, Mutate, Owner, RemoteHost,
    Target, scan_host_key,
};
use sealift_stream::Digest;
use serde_json::json;

#[tokio::main]
#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for people who develop this crate")]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, key] = &args[..] else { panic!("want ADDRESS USER KEYFILE") };
    let mut target = Target {
        name: "n9".to_owned(),
        address: address.clone(),
        before: None,
        port: 22,
        user: user.clone(),
        identities: vec![Identity::File(key.into())],
        host_key: None,
        through: None,
        shared: Arc::default(),
    };
    target.host_key = Some(scan_host_key(&target).await.unwrap());
    let exe = std::env::current_exe().unwrap();
    let binary = exe.parent().and_then(Path::parent).unwrap().join("sealift-helper-alone");
    let binary = HelperBinary::of(binary).await.unwrap();

    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let (verb, started) = ("try".to_owned(), String::new());
    let owner = Owner { verb, pid: std::process::id(), host, started };
    let since = Instant::now();
    let plan = RemoteHost::connect(target.clone(), binary.clone(), Mode::Plan, "try", &owner).await.unwrap();
    println!("plan helper: {:?}", since.elapsed());
    let probe = Mutate::new(&plan);
    println!("{:?}", probe.facts().await.unwrap());
    println!("{:?}", probe.unit("ssh.service").await.unwrap());
    println!("{:?}", probe.write_file("/etc/x", b"x".to_vec(), 0o644).await.unwrap_err());
    println!("images in a plan: {:?}", probe.images().await.unwrap().map(|images| images.len()));
    plan.close().await.unwrap();

    let since = Instant::now();
    let host = RemoteHost::connect(target, binary, Mode::Run, "try", &owner).await.unwrap();
    println!("run helper: {:?}", since.elapsed());
    let mutate = Mutate::new(&host);
    println!("helpers: {:?}", mutate.list_dir("/var/lib/sealift/helper").await.unwrap());
    jobs(&mutate).await;
    image(&host, &mutate).await;
    host.close().await.unwrap();
}

#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for people who develop this crate")]
async fn jobs(mutate: &Mutate<'_>) {
    let shell = |text: &str| Command::new(["sh", "-c", text]).stdin(b"in".to_vec());
    println!("job: {:?}", mutate.job("try", shell("cat; sleep 1; echo err >&2; exit 7")).await.unwrap());
    let Some(JobState::Ended(end)) = mutate.job_state("try").await.unwrap() else { panic!("no end") };
    assert_eq!((end.status, end.stdout.as_str(), end.stderr.as_str()), (7, "in", "err\n"));
    let slow = mutate.job("slow", shell("sleep 60").timeout(2)).await.unwrap_err();
    println!("{slow}");
    assert!(matches!(slow, HostError::Timeout { .. }));
    println!("no program: {}", mutate.job("none", Command::new(["/no/such"])).await.unwrap_err());
    let twice =
        futures::join!(mutate.job("twice", shell("sleep 2; cat /proc/sys/kernel/random/uuid")), async {
            tokio::time::sleep(std::time::Duration::from_millis(800)).await;
            mutate.job("twice", shell("echo another")).await
        });
    assert_eq!(twice.0.unwrap(), twice.1.unwrap(), "the second did not attach");
    println!("stdin is gone: {:?}", mutate.list_dir("/var/lib/sealift/jobs/try").await.unwrap());
}

#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for people who develop this crate")]
async fn image(host: &RemoteHost, mutate: &Mutate<'_>) {
    let mut diff_ids = vec![];
    let mut layers = vec![];
    let mut blobs: Vec<Vec<u8>> = vec![];
    for at in 0..2 {
        let mut archive = tar::Builder::new(vec![]);
        let mut header = tar::Header::new_gnu();
        header.set_size(3 << 20);
        header.set_mode(0o755);
        archive.append_data(&mut header, format!("file{at}"), &vec![at; 3 << 20][..]).unwrap();
        let raw = archive.into_inner().unwrap();
        diff_ids.push(Digest::of(&raw).to_string());
        let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        gzip.write_all(&raw).unwrap();
        let layer = gzip.finish().unwrap();
        layers.push(json!({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": Digest::of(&layer).to_string(), "size": layer.len()}));
        blobs.push(layer);
    }
    let config = json!({"architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}})
    .to_string();
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": Digest::of(config.as_bytes()).to_string(), "size": config.len()}, "layers": layers})
    .to_string();
    let index_type = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": index_type, "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": Digest::of(b"absent").to_string(),
            "size": 1, "platform": {"os": "linux", "architecture": "arm64"}},
        {"mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": Digest::of(manifest.as_bytes()).to_string(), "size": manifest.len(),
            "platform": {"os": "linux", "architecture": "amd64"}}]})
    .to_string();
    let (target, size) = (Digest::of(index.as_bytes()), index.len() as u64);
    blobs.extend([config, manifest, index].map(String::into_bytes));
    let send = async |blob: &[u8], from: u64, upto: usize| {
        let target = BlobTarget::Content { digest: Digest::of(blob), size: blob.len() as u64 };
        let at = usize::try_from(from).unwrap();
        host.put_blob(target, from, Box::pin(std::io::Cursor::new(blob[at..upto].to_vec()))).await
    };
    let big: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let big_target = BlobTarget::Content { digest: Digest::of(&big), size: big.len() as u64 };
    println!("cut: {}", send(&big, 0, 9_000_000).await.unwrap_err());
    let offset = mutate.blob_offset(big_target.clone()).await.unwrap();
    println!("held after the cut: {offset}");
    assert!(offset > 0);
    send(&big, offset, big.len()).await.unwrap();
    assert_eq!(mutate.blob_offset(big_target).await.unwrap(), big.len() as u64);
    let wrong = BlobTarget::Content { digest: Digest::of(b"right"), size: 5 };
    println!("{}", host.put_blob(wrong, 0, Box::pin(&b"wrong"[..])).await.unwrap_err());
    for blob in &blobs {
        send(blob, 0, blob.len()).await.unwrap();
        send(blob, 0, blob.len()).await.unwrap();
    }
    for _ in 0..2 {
        mutate.import_image("registry.example/try:1", target, index_type, size, "linux/amd64").await.unwrap();
    }
    println!("{:?}", mutate.images().await.unwrap());
}
