//! Killed at every moment and run again: there is always a program that runs, and in the end it is the later one.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::desk::{Desk, NEW, OLD, names};
use crate::it::running::Running;

/// How the desk looked when the program was killed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Before,
    HalfWritten,
    After,
}

#[test]
fn killed_at_any_moment_it_leaves_a_program_that_runs() {
    let desk = Desk::with_stick();
    let mut seen: Vec<(Moment, u32)> = vec![];
    // later and later, until it has been killed behind its last act
    for wait in 0.. {
        assert!(wait < 4000, "it never comes to its end: {seen:?}");
        let mut child =
            desk.update_command(&["--yes"]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_micros(1500 * wait);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(100));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let version = desk.version("bin/sealift");
        let moment = match names(&desk.path("bin")).len() {
            1 if version == NEW => Moment::After,
            1 => Moment::Before,
            _ => Moment::HalfWritten,
        };
        match seen.iter_mut().find(|(known, _)| *known == moment) {
            Some((_, times)) => *times += 1,
            None => seen.push((moment, 1)),
        }
        if version == NEW {
            break;
        }
        assert_eq!(version, OLD);
    }
    eprintln!("killed: {seen:?}");
    // half written is a matter of a millisecond, and not always met by the clock: the next test waits for it
    let moments: Vec<&Moment> = seen.iter().map(|(moment, _)| moment).collect();
    assert!(moments.contains(&&Moment::Before) && moments.contains(&&Moment::After), "{seen:?}");
    desk.update(&["--yes"]).expect(0).says(&["already"]);
    assert_eq!(names(&desk.path("bin")), ["sealift"]);
}

/// The trial of the new program is a moment of its own, and long enough here for a second operator to come.
#[test]
fn killed_while_the_new_one_is_tried_and_two_at_once() {
    let desk = Desk::new();
    let (slow, pid) = (desk.path("slow").display().to_string(), desk.path("pid").display().to_string());
    let text = format!(
        "#!/bin/sh\nif [ -e {slow} ]; then echo $$ > {pid}; exec /bin/sleep 20; fi\necho sealift {NEW}\n"
    );
    desk.program("later", text.as_bytes());
    desk.pack("later", NEW, "linux/amd64").expect(0);
    fs::write(&slow, "").unwrap();
    let mut first = Running::start(&mut desk.update_command(&["--yes"]));
    let until = Instant::now() + Duration::from_secs(20);
    let tried = loop {
        assert!(Instant::now() < until, "the new program was never tried");
        match fs::read_to_string(&pid) {
            Ok(text) if text.ends_with('\n') => break text.trim().parse().unwrap(),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let second = desk.update(&["--yes"]).expect(1);
    second.says(&["another self-update writes into", "nothing was changed", "next: wait for it"]);
    first.kill();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(tried), nix::sys::signal::Signal::SIGKILL).unwrap();
    assert_eq!(desk.version("bin/sealift"), OLD);
    assert_eq!(names(&desk.path("bin")), [".sealift.partial", "sealift"], "where it was killed");
    fs::remove_file(slow).unwrap();
    desk.update(&["--yes"]).expect(0);
    assert_eq!((desk.version("bin/sealift").as_str(), names(&desk.path("bin")).len()), (NEW, 1));
}
