//! Trying, undoing and keeping, on a directory that stands for a machine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::trial::{FileBefore, Trial, TrialFile, TrialState};
use crate::{LocalHost, Mutate, Secretless, paths};

const VOLATILE: &str = "/run/net/a";
const LASTING: &str = "/etc/net/a";

/// A directory that stands for a machine whose `take` writes down what it finds.
fn machine() -> (TempDir, LocalHost) {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("usr/bin/take");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::write(
        &program,
        "#!/bin/sh\ncat $SEALIFT_ROOT/run/net/a >> $SEALIFT_ROOT/log 2>&1\nexit ${1:-0}\n",
    )
    .unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    put(dir.path(), LASTING, "old");
    let host = LocalHost::rooted("cp1", dir.path());
    (dir, host)
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path.trim_start_matches('/'));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read(dir: &TempDir, path: &str) -> Option<String> {
    std::fs::read_to_string(dir.path().join(path.trim_start_matches('/'))).ok()
}

fn trial(text: &str, take: &[&str]) -> Trial {
    let file = |path: &str| TrialFile {
        path: path.to_owned(),
        content: Secretless(text.as_bytes().to_vec()),
        mode: 0o600,
    };
    Trial {
        volatile: vec![file(VOLATILE)],
        devices: vec![],
        take: vec![take.iter().map(|&word| word.to_owned()).collect()],
        back: vec![],
        lasting: vec![file(LASTING)],
        seconds: 90,
    }
}

/// Waits until a trial is no longer only armed.
async fn settled(mutate: &Mutate<'_>) -> TrialState {
    loop {
        let state = mutate.trial().await.unwrap().unwrap().state;
        if state != TrialState::Armed {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_tried_and_undone_leaves_nothing() {
    let (dir, host) = machine();
    let mutate = Mutate::new(&host);
    mutate.try_network(trial("new", &["take"])).await.unwrap();
    assert_eq!(read(&dir, VOLATILE), None, "the answer goes out before anything is tried");
    assert_eq!(settled(&mutate).await, TrialState::Tried);
    assert_eq!(read(&dir, VOLATILE).as_deref(), Some("new"));
    mutate.undo_network().await.unwrap();
    assert_eq!((read(&dir, VOLATILE), read(&dir, LASTING)), (None, Some("old".to_owned())));
    assert_eq!(mutate.trial().await.unwrap(), None);
    assert!(read(&dir, "/log").unwrap().starts_with("newcat: "), "taken once with it, once without");
    assert_eq!(read(&dir, paths::BEFORE), None);
    mutate.undo_network().await.unwrap();
}

#[tokio::test]
async fn what_is_kept_lasts_and_what_was_there_is_kept_aside_once() {
    let (dir, host) = machine();
    let mutate = Mutate::new(&host);
    for text in ["new", "newer"] {
        let id = mutate.try_network(trial(text, &["take"])).await.unwrap();
        assert!(mutate.keep_network(&id).await.unwrap_err().to_string().contains("not tried yet"));
        assert_eq!(settled(&mutate).await, TrialState::Tried);
        assert!(mutate.keep_network("another").await.unwrap_err().to_string().contains("its time was up"));
        mutate.keep_network(&id).await.unwrap();
        assert_eq!(read(&dir, LASTING).as_deref(), Some(text));
        assert_eq!((read(&dir, VOLATILE), mutate.trial().await.unwrap()), (None, None));
        assert!(mutate.keep_network(&id).await.is_err(), "it is no longer tried");
    }
    let before: Vec<FileBefore> = serde_json::from_str(&read(&dir, paths::BEFORE).unwrap()).unwrap();
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].was.as_ref().unwrap().0.0, b"old");
}

#[tokio::test]
async fn what_cannot_be_kept_is_found_out_while_there_is_a_way_back() {
    let (dir, host) = machine();
    let mutate = Mutate::new(&host);
    put(dir.path(), "/etc/file", "in the way of a folder");
    let mut new = trial("new", &["take"]);
    new.lasting.push(TrialFile { path: "/etc/file/b".to_owned(), ..new.lasting[0].clone() });
    let id = mutate.try_network(new).await.unwrap();
    settled(&mutate).await;
    let error = mutate.keep_network(&id).await.unwrap_err().to_string();
    assert!(error.contains("keeping the new network"), "{error}");
    assert_eq!(read(&dir, LASTING).as_deref(), Some("old"), "all of it or nothing");
    assert_eq!(std::fs::read_dir(dir.path().join("etc/net")).unwrap().count(), 1, "nothing beside it");
    assert_eq!(read(&dir, paths::BEFORE), None);
    mutate.undo_network().await.unwrap();
    assert_eq!((read(&dir, VOLATILE), read(&dir, LASTING)), (None, Some("old".to_owned())));
    assert_eq!(mutate.trial().await.unwrap(), None);
}

#[tokio::test]
async fn a_keeping_that_was_cut_is_finished_and_not_undone() {
    let (dir, host) = machine();
    let mutate = Mutate::new(&host);
    mutate.try_network(trial("new", &["take"])).await.unwrap();
    settled(&mutate).await;
    let mut record = mutate.trial().await.unwrap().unwrap();
    record.state = TrialState::Keeping;
    host.write_trial(&record).unwrap();
    mutate.undo_network().await.unwrap();
    assert_eq!(read(&dir, LASTING).as_deref(), Some("new"));
    assert_eq!((read(&dir, VOLATILE), mutate.trial().await.unwrap()), (None, None));
}

#[tokio::test]
async fn a_second_trial_takes_the_first_one_over() {
    let (dir, host) = machine();
    let mutate = Mutate::new(&host);
    let mut first = trial("one", &["take"]);
    first.volatile[0].path = "/run/net/b".to_owned();
    first.devices.push("bond9".to_owned());
    let old = mutate.try_network(first).await.unwrap();
    settled(&mutate).await;
    mutate.try_network(trial("two", &["take"])).await.unwrap();
    settled(&mutate).await;
    assert_eq!(read(&dir, "/run/net/b"), None, "what the first one wrote is gone");
    assert_eq!(mutate.trial().await.unwrap().unwrap().trial.devices, ["bond9"], "and its devices still go");
    assert!(mutate.keep_network(&old).await.is_err());
    mutate.undo_network().await.unwrap();
    assert_eq!(read(&dir, VOLATILE), None);
}

#[tokio::test]
async fn what_cannot_be_taken_says_why() {
    let (_dir, host) = machine();
    let mutate = Mutate::new(&host);
    let id = mutate.try_network(trial("new", &["take", "7"])).await.unwrap();
    let TrialState::Failed(why) = settled(&mutate).await else { panic!("it was taken") };
    assert!(why.contains("running take 7") && why.contains("status 7"), "{why}");
    assert!(mutate.keep_network(&id).await.is_err());
}
