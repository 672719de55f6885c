//! The helper: what it does, what it refuses, how it ends.

use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use sealift_node::helper::{Mode, Starter};
use sealift_node::{
    BlobTarget, Command, Gauge, HelperBinary, Host as _, HostError, Mutate, RemoteHost, RemoteOptions, Target,
};
use sealift_stream::Digest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::proxy;
use crate::sshd::{Sshd, owner as owner_of};

fn names(sshd: &Sshd, dir: &str) -> Vec<String> {
    let entries = std::fs::read_dir(sshd.root().join(dir)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

async fn gone(sshd: &Sshd) {
    let since = Instant::now();
    while !names(sshd, "run/sealift").iter().all(|name| name == "lock") {
        assert!(since.elapsed() < Duration::from_secs(15), "left: {:?}", names(sshd, "run/sealift"));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn does_over_ssh_what_is_done_here() {
    let sshd = Sshd::start("ed25519");
    let host = sshd.connect(sshd.target(), Mode::Run, "r1").await.unwrap();
    let mutate = Mutate::new(&host);
    mutate.write_file("/etc/hosts", vec![b'x'; 3 << 20], 0o644).await.unwrap();
    assert_eq!(mutate.hash_file("/etc/hosts").await.unwrap(), Some(Digest::of(&vec![b'x'; 3 << 20])));
    assert_eq!(std::fs::metadata(sshd.root().join("etc/hosts")).unwrap().size(), 3 << 20);
    assert_eq!(mutate.stat("/etc/none").await.unwrap(), None);
    assert!(matches!(mutate.read_file("/etc/hosts", 9).await, Err(HostError::Refused { .. })));
    assert!(mutate.facts().await.unwrap().cpus > 0);
    // many at once: more channels than one connection has
    let all =
        (0..40).map(|at| async move { mutate.write_file(&format!("/etc/{at}"), b"y".to_vec(), 0o600).await });
    for done in futures::future::join_all(all).await {
        done.unwrap();
    }
    // what is there needs no second transfer
    let content = vec![1; 100_000];
    let target = BlobTarget::File { digest: Digest::of(&content), size: 100_000 };
    mutate.put_blob(target.clone(), 0, Box::pin(std::io::Cursor::new(content.clone()))).await.unwrap();
    assert_eq!(mutate.blob_offset(target.clone()).await.unwrap(), 100_000);
    mutate.put_blob(target, 0, Box::pin(std::io::Cursor::new(content))).await.unwrap();
    let wrong = BlobTarget::File { digest: Digest::of(b"other"), size: 5 };
    let error = mutate.put_blob(wrong, 0, Box::pin(&b"wrong"[..])).await.unwrap_err();
    assert!(matches!(error, HostError::Damaged { .. }), "{error}");

    let socket = names(&sshd, "run/sealift").into_iter().find(|name| name.contains(".sock")).unwrap();
    let meta = std::fs::metadata(sshd.root().join("run/sealift").join(&socket)).unwrap();
    assert_eq!(meta.mode() & 0o777, 0o600);
    let journal = sshd.root().join("var/lib/sealift/journal/r1.jsonl");
    let told = std::fs::read_to_string(&journal).unwrap();
    for what in ["writing /etc/hosts", "writing /etc/39", "sending blob"] {
        assert!(told.contains(what), "no '{what}' in: {told}");
    }
    assert_eq!(std::fs::metadata(journal).unwrap().mode() & 0o777, 0o600);
    host.close().await.unwrap();
    gone(&sshd).await;
}

#[tokio::test]
async fn reaches_what_only_the_node_sees() {
    let sshd = Sshd::start("ed25519");
    let host = sshd.connect(sshd.target(), Mode::Plan, "r1").await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let echo = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut from, mut to) = stream.split();
        tokio::io::copy(&mut from, &mut to).await.unwrap();
    });
    let mut stream = host.dial(address.clone()).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut back = [0; 5];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"hello");
    stream.shutdown().await.unwrap();
    echo.await.unwrap();
    assert!(matches!(host.dial("127.0.0.1:1".to_owned()).await.err(), Some(HostError::Refused { .. })));
    host.close().await.unwrap();
}

#[tokio::test]
async fn a_planning_helper_refuses_every_change() {
    let sshd = Sshd::start("ed25519");
    let host = sshd.connect(sshd.target(), Mode::Plan, "r1").await.unwrap();
    let mutate = Mutate::new(&host);
    let target = BlobTarget::File { digest: Digest::of(b"x"), size: 1 };
    let refused = [
        mutate.write_file("/etc/x", b"".to_vec(), 0o644).await.unwrap_err(),
        mutate.run(Command::new(["true"])).await.unwrap_err(),
        mutate.job("x", Command::new(["true"])).await.unwrap_err(),
        mutate.blob_offset(target.clone()).await.unwrap_err(),
        mutate.put_blob(target, 0, Box::pin(&b"x"[..])).await.unwrap_err(),
    ];
    for error in refused {
        assert!(error.to_string().contains("started for a plan"), "{error}");
    }
    let error = Gauge::new(&host).sync("/var/lib/etcd").await.unwrap_err();
    assert!(error.to_string().contains("measures nothing"), "{error}");
    assert_eq!(mutate.list_dir("/etc").await.unwrap(), None);
    assert_eq!(mutate.list_dir("/var/lib/sealift/journal").await.unwrap(), None);
    host.close().await.unwrap();
}

/// It goes when the plan ends (systemd does that), and a run that began meanwhile needs the program all the same.
#[tokio::test]
async fn a_plans_program_is_nobody_elses() {
    let sshd = Sshd::start("ed25519");
    let plan = sshd.connect(sshd.target(), Mode::Plan, "r1").await.unwrap();
    let of_plan = names(&sshd, "var/lib/sealift/helper");
    assert!(of_plan.len() == 1 && of_plan[0].contains("-r1-"), "{of_plan:?}");
    let run = sshd.connect(sshd.target(), Mode::Run, "r2").await.unwrap();
    plan.close().await.unwrap();
    std::fs::remove_dir_all(sshd.root().join("var/lib/sealift/helper").join(&of_plan[0])).unwrap();
    // more channels than one connection has: each of them is the program once more
    let mutate = Mutate::new(&run);
    let all =
        (0..40).map(|at| async move { mutate.write_file(&format!("/etc/{at}"), b"y".to_vec(), 0o600).await });
    for done in futures::future::join_all(all).await {
        done.unwrap();
    }
    let of_run = names(&sshd, "var/lib/sealift/helper");
    assert!(of_run.len() == 1 && !of_run[0].contains('-'), "{of_run:?}");
    let later = sshd.connect(sshd.target(), Mode::Plan, "r3").await.unwrap();
    assert_eq!(names(&sshd, "var/lib/sealift/helper"), of_run, "what is there is not sent again");
    later.close().await.unwrap();
    run.close().await.unwrap();
}

/// All channels of a connection end with it, also those that wait for their next question.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_goes_over_a_new_link_when_the_old_one_was_cut() {
    let sshd = Sshd::start("ed25519");
    let (port, cuts) = proxy::start(sshd.port, &[]).await;
    let host = sshd.connect(Target { port, ..sshd.target() }, Mode::Plan, "r1").await.unwrap();
    let mutate = Mutate::new(&host);
    for _ in 0..3 {
        // several at once leave several channels behind
        for done in futures::future::join_all((0..4).map(|_| mutate.stat("/var"))).await {
            done.unwrap();
        }
        cuts.lock().unwrap().push_back(0);
        assert!(mutate.stat("/var").await.unwrap().is_some());
        assert!(cuts.lock().unwrap().is_empty(), "the link was not cut");
    }
    host.close().await.unwrap();
}

#[tokio::test]
async fn a_preflight_helper_measures_and_refuses_every_change() {
    let sshd = Sshd::start("ed25519");
    let host = sshd.connect(sshd.target(), Mode::Preflight, "r1").await.unwrap();
    let gauge = Gauge::new(&host);
    std::fs::create_dir_all(sshd.root().join("var/lib/etcd")).unwrap();
    assert!(gauge.sync("/var/lib/etcd").await.unwrap().count > 0);
    assert_eq!(names(&sshd, "var/lib/etcd"), Vec::<String>::new());
    assert!(gauge.clock().await.unwrap() > 1_700_000_000_000);
    let error = Mutate::new(&host).write_file("/etc/x", b"".to_vec(), 0o644).await.unwrap_err();
    assert!(error.to_string().contains("started for a preflight"), "{error}");
    host.close().await.unwrap();
    gone(&sshd).await;
}

#[tokio::test]
async fn a_living_run_refuses_by_name_and_a_cut_off_one_is_taken_over() {
    let sshd = Sshd::start("ed25519");
    let first = sshd.connect(sshd.target(), Mode::Run, "r1").await.unwrap();
    let since = Instant::now();
    let error = sshd.connect(sshd.target(), Mode::Run, "r2").await.unwrap_err();
    assert!(
        matches!(&error, HostError::Busy { owner, heard_s: ..5, .. } if **owner == owner_of("r1")),
        "{error}"
    );
    assert!(error.to_string().contains("laptop-r1's install (process 7, since "), "{error}");
    // one more beat proves life; patience is for who never beats again
    assert!(since.elapsed() < Duration::from_secs(9), "refused only after {:?}", since.elapsed());
    // its operator dies: every connection ends, nothing is said
    drop(first);
    let since = Instant::now();
    let second = sshd.connect(sshd.target(), Mode::Run, "r2").await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(10));
    assert_eq!(second.previous().await, Some(owner_of("r1")));
    Mutate::new(&second).write_file("/etc/x", b"x".to_vec(), 0o644).await.unwrap();
    second.close().await.unwrap();
    gone(&sshd).await;
    // one that said goodbye was not cut off
    let third = sshd.connect(sshd.target(), Mode::Run, "r3").await.unwrap();
    assert_eq!(third.previous().await, None);
    third.close().await.unwrap();
    gone(&sshd).await;
}

#[tokio::test]
async fn ends_itself_when_nobody_comes_back() {
    let sshd = Sshd::start("ed25519");
    drop(sshd.connect(sshd.target(), Mode::Run, "r1").await.unwrap());
    gone(&sshd).await;
    // and a host that finds it gone starts another
    let host = sshd.connect(sshd.target(), Mode::Run, "r2").await.unwrap();
    let socket = names(&sshd, "run/sealift").into_iter().find(|name| name.contains(".sock")).unwrap();
    let config = sshd.root().join("run/sealift").join(socket.replace(".sock", ".json"));
    assert_eq!(std::fs::metadata(config).unwrap().mode() & 0o777, 0o600);
    host.close().await.unwrap();
    gone(&sshd).await;
    // closed hosts start anew, too
    assert!(Mutate::new(&host).facts().await.is_ok());
    host.close().await.unwrap();
}

#[tokio::test]
async fn this_machine_has_a_helper_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let connect = async |mode, run: &str| {
        let binary = HelperBinary::of(env!("CARGO_BIN_EXE_sealift-helper-alone")).await.unwrap();
        let root = Some(dir.path().to_string_lossy().into_owned());
        let options = RemoteOptions { starter: Starter::Direct, root, idle_s: Some(3) };
        RemoteHost::here("cp1", binary, mode, run, &owner_of(run), options).await
    };
    let first = connect(Mode::Run, "r1").await.unwrap();
    let content = vec![7; 3 << 20];
    let target = BlobTarget::File { digest: Digest::of(&content), size: 3 << 20 };
    let mutate = Mutate::new(&first);
    mutate.put_blob(target.clone(), 0, Box::pin(std::io::Cursor::new(content))).await.unwrap();
    assert_eq!(mutate.blob_offset(target).await.unwrap(), 3 << 20);
    // law 5: its lock is a node's lock
    let error = connect(Mode::Run, "r2").await.unwrap_err();
    assert!(matches!(&error, HostError::Busy { owner, .. } if **owner == owner_of("r1")), "{error}");
    // law 4: a plan's helper beside it answers, and changes nothing
    let plan = connect(Mode::Plan, "r3").await.unwrap();
    assert_eq!(Mutate::new(&plan).stat("/etc/x").await.unwrap(), None);
    let error = Mutate::new(&plan).write_file("/etc/x", b"".to_vec(), 0o644).await.unwrap_err();
    assert!(error.to_string().contains("started for a plan"), "{error}");
    plan.close().await.unwrap();
    // a helper that has gone is started again
    first.close().await.unwrap();
    mutate.write_file("/etc/x", b"x".to_vec(), 0o644).await.unwrap();
    assert_eq!(std::fs::read(dir.path().join("etc/x")).unwrap(), b"x");
    first.close().await.unwrap();
}
