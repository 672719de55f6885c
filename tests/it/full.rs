//! A full disk (F10): refused before anything is done, told when it fills up in the middle, and what is there stays whole.

use lab::root::RootKind;

use super::kit::Ran;
use super::place::Place;

#[test]
fn a_full_disk_is_told_and_what_is_there_stays_whole() {
    let place = Place::single("it-full", "10.90.0", "cp1", RootKind::default());
    let before = place.listings();
    too_few_files_are_refused(&place);
    what_does_not_fit_is_told_and_goes_on_later(&place);
    a_file_that_does_not_fit_leaves_the_old_one(&place);
    place.verb("reset").expect(0);
    place.is_as_before(&before, "reset");
}

/// Room and too few inodes, which images need by the ten thousand.
fn too_few_files_are_refused(place: &Place) {
    let run = small(place, "/var/lib/containerd", "size=4g,nr_inodes=1000", || place.verb("install"));
    run.expect(5).says(&["cp1: disk-inodes", "nothing was changed"]);
}

fn what_does_not_fit_is_told_and_goes_on_later(place: &Place) {
    let run = small(place, "/var/lib/sealift/blobs", "size=24m", || place.verb("install"));
    run.expect(1).says(&["cp1: step 'containerd programs'", "No space left on device", "goes on from here"]);
    let there = place.node("cp1").exec(&["sh", "-c", "ls /usr/local/bin/containerd 2>/dev/null || true"]);
    assert_eq!(there.unwrap(), "", "a part of a program is in use");
    place.verb("install").expect(0);
}

/// One page of memory is all there is, and the file that is there has it.
fn a_file_that_does_not_fit_leaves_the_old_one(place: &Place) {
    let (shell, folder) = (|line: &str| place.node("cp1").exec(&["sh", "-c", line]).unwrap(), "/etc/sealift");
    let run = small(place, folder, "size=4k", || {
        shell(&format!("echo '# somebody was here' > {folder}/resolv.conf"));
        let run = place.verb("install");
        assert_eq!(shell(&format!("cd {folder} && head *")), "# somebody was here\n", "{}", run.stderr);
        run
    });
    run.expect(1).says(&["cp1: step 'name servers of pods'", "No space left on device", "goes on from here"]);
    let again = place.verb("install").expect(0);
    assert!(again.stderr.contains("0 changes"), "{}", again.stderr);
}

/// Does something while a small file system is mounted there.
fn small(place: &Place, path: &str, size: &str, act: impl FnOnce() -> Ran) -> Ran {
    let shell = |line: &str| place.node("cp1").exec(&["sh", "-c", line]).unwrap();
    let made = shell(&format!("[ -d {path} ] || {{ mkdir -p {path} && echo made; }}"));
    shell(&format!("mount -t tmpfs -o {size} tmpfs {path}"));
    let run = act();
    shell(&format!("umount {path}"));
    if !made.is_empty() {
        shell(&format!("rmdir -p --ignore-fail-on-non-empty {path}"));
    }
    run
}
