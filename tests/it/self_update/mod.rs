//! `self-update`: an old sealift and a stick with a later one. The later one is the program under test with another
//! number written into it; bundles come from the real `pack`, signatures over odd manifests from the real minisign.

mod desk;
mod killed;

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::process::Command;

use serde_json::{Value, json};

use super::kit::Ran;
use desk::{Desk, NEW, OLD, names};

#[test]
fn the_later_one_takes_the_place_of_the_old_one_and_twice_is_fine() {
    let desk = Desk::with_stick();
    fs::set_permissions(desk.path("bin/sealift"), fs::Permissions::from_mode(0o750)).unwrap();
    std::os::unix::fs::symlink("bin/sealift", desk.path("link")).unwrap();
    let asked = desk.update(&[]).expect(2);
    let path = desk.path("bin/sealift").display().to_string();
    asked.says(&["core 1, signed by key", &format!("{path}  {OLD} -> {NEW}"), "Replace", "--yes"]);
    desk.is_untouched();

    let words = ["self-update", "core-1.sealift", "--trust", "plant.pub", "--yes", "--json"];
    let run = Ran::of(Command::new(desk.path("link")).args(words).current_dir(desk.path(""))).expect(0);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&told["from"], &told["to"], &told["changed"]), (&json!(OLD), &json!(NEW), &json!(true)));
    assert_eq!((told["path"].as_str().unwrap(), desk.version("bin/sealift").as_str()), (path.as_str(), NEW));
    assert_eq!(fs::metadata(desk.path("bin/sealift")).unwrap().permissions().mode() & 0o777, 0o750);
    assert!(desk.path("link").is_symlink() && desk.version("link") == NEW);
    assert_eq!(names(&desk.path("bin")), ["sealift"]);

    let again = desk.update(&["--json"]).expect(0);
    again.says(&["is the sealift 9.2.0 of this bundle already"]);
    assert_eq!(serde_json::from_str::<Value>(&again.stdout).unwrap()["changed"], false);
}

/// The point of it all: what the refusal names is typed as it stands, and then the refused command works.
#[test]
fn a_bundle_that_needs_a_later_sealift_names_the_command_that_helps() {
    let desk = Desk::with_stick();
    desk.sign_again(|manifest| manifest["minimum_sealift"] = json!(NEW));
    desk.run(&["init", "--name", "plant-7", "--output", "c.yaml"]).expect(0);
    let site = ["-c", "c.yaml", "--bundle", "core-1.sealift", "--trust", "plant.pub"];
    let verbs: [Vec<&str>; 5] = [
        vec!["verify", "core-1.sealift", "--trust", "plant.pub"],
        vec!["inspect", "core-1.sealift", "--trust", "plant.pub"],
        ["plan"].iter().chain(&site).copied().collect(),
        ["install", "--yes"].iter().chain(&site).copied().collect(),
        ["status"].iter().chain(&site).copied().collect(),
    ];
    let command = "sealift self-update core-1.sealift --trust plant.pub";
    for words in &verbs {
        let refused = desk.run(words).expect(3);
        let line = refused.stderr.lines().find(|line| line.contains("self-update")).unwrap_or_default();
        assert_eq!(line.trim(), command, "{words:?}: {}", refused.stderr);
        refused.says(&["needs sealift 9.2.0 or later", "it brings sealift 9.2.0", "\nnext: "]);
    }
    let unproved = desk.run(&["inspect", "core-1.sealift"]).expect(3);
    unproved.says(&["sealift self-update core-1.sealift --trust KEY.pub"]);
    let script = format!("PATH={}:$PATH; {command} --yes", desk.path("bin").display());
    Ran::of(Command::new("bash").args(["-c", &script]).current_dir(desk.path(""))).expect(0);
    assert_eq!(desk.version("bin/sealift"), NEW);
    desk.run(&verbs[0]).expect(0);
    desk.run(&verbs[1]).expect(0);
}

#[test]
fn a_bundle_of_which_nothing_else_is_understood_still_gives_its_sealift() {
    let desk = Desk::with_stick();
    desk.sign_again(|manifest| {
        manifest["minimum_sealift"] = json!("99.0.0");
        manifest["surprise"] = json!({"of": "another day"});
        manifest["kubernetes"] = json!(["v1.50.0"]);
        let model = json!({"kind": "model", "name": "llama", "digest": manifest["items"][0]["digest"].clone(),
            "version": "3", "size": 7});
        manifest["items"].as_array_mut().unwrap().push(model);
    });
    desk.run(&["verify", "core-1.sealift", "--trust", "plant.pub"])
        .expect(3)
        .says(&["it brings sealift 9.2.0"]);
    desk.update(&["--yes"]).expect(0);
    assert_eq!(desk.version("bin/sealift"), NEW);

    let desk = Desk::with_stick();
    desk.sign_again(|manifest| {
        manifest["minimum_sealift"] = json!("99.0.0");
        manifest["schema"] = json!(2);
    });
    let refused = desk.run(&["verify", "core-1.sealift", "--trust", "plant.pub"]).expect(3);
    refused.says(&["its schema 2 is unknown", "next: take the later sealift from whoever packed"]);
    let refused = desk.update(&["--yes"]).expect(3);
    refused.says(&["it has schema 2; this sealift knows schema 1", "next: take the later sealift"]);
    desk.is_untouched();
}

#[test]
fn a_bundle_without_one_for_this_machine_says_so() {
    let desk = Desk::new();
    fs::write(desk.path("file"), "content").unwrap();
    desk.pack_files("[{name: tool, version: 1, path: file}]").expect(0);
    let refused = desk.update(&["--yes"]).expect(2);
    refused.says(&["core 1 brings no sealift for linux/amd64;", "nothing was changed", "next: take sealift"]);
    desk.sign_again(|manifest| manifest["minimum_sealift"] = json!("99.0.0"));
    let refused = desk.run(&["verify", "core-1.sealift", "--trust", "plant.pub"]).expect(3);
    refused.says(&["needs sealift 99.0.0", "it brings no sealift for linux/amd64", "next: take the later"]);
    assert!(!refused.stderr.contains("self-update"), "{}", refused.stderr);

    let packed = desk.pack("file", NEW, "linux/arm64").expect(0);
    packed.says(&["file sealift is for linux/arm64 and cannot be started here"]);
    desk.update(&["--yes"]).expect(2).says(&["no sealift for linux/amd64, only for linux/arm64"]);
    desk.is_untouched();
}

#[test]
fn pack_refuses_a_sealift_that_is_not_what_the_recipe_says() {
    let desk = Desk::new();
    let refused = desk.pack("bin/sealift", NEW, "linux/amd64").expect(2);
    refused
        .says(&[&format!("it says 'sealift {OLD}', and the recipe says {NEW}"), "next: write the version"]);
    fs::write(desk.path("rubbish"), "no program").unwrap();
    desk.pack("rubbish", NEW, "linux/amd64").expect(2).says(&["asking file sealift for its version"]);
    desk.pack("none", NEW, "linux/amd64").expect(1).says(&["none", "No such file"]);
    desk.pack("bin", NEW, "linux/amd64").expect(1).says(&["no regular file"]);
    assert!(!desk.path("core-1.sealift").exists());
}

#[test]
fn the_lock_holds_a_file_of_the_packing_machine_by_its_content() {
    let desk = Desk::with_stick();
    let lock = || fs::read_to_string(desk.path("recipe.lock")).unwrap();
    let first = lock();
    assert!(
        first.contains("schema: 3") && first.contains("from: local") && !first.contains("later"),
        "{first}"
    );
    let locked = || {
        let words = ["pack", "recipe.yaml", "--key", "plant.sec", "--locked"];
        Ran::of(Command::new(*super::kit::SEALIFT).args(words).current_dir(desk.path("")))
    };
    locked().expect(0).says(&["this very bundle was there already"]);
    let mut other = desk::release(NEW);
    other.extend(b"another build");
    desk.program("later", &other);
    locked().expect(2).says(&["the lock recipe.lock would change", "~ file sealift"]);
    assert_eq!(lock(), first);
}

#[test]
fn an_older_one_is_meant_by_its_number_or_refused() {
    let desk = Desk::with_stick();
    desk.update(&["--yes"]).expect(0);
    desk.program("older", &desk::release("9.1.0"));
    desk.pack("older", "9.1.0", "linux/amd64").expect(0);
    for more in [&["--yes"][..], &["--yes", "--rollback-to", "9.0.0"]] {
        let refused = desk.update(more).expect(3);
        refused.says(&[
            "sealift 9.1.0, older than this one (9.2.0)",
            "nothing was changed",
            "--rollback-to 9.1.0",
        ]);
    }
    assert_eq!(desk.version("bin/sealift"), NEW);
    desk.update(&["--yes", "--rollback-to", "9.1.0"]).expect(0);
    assert_eq!(desk.version("bin/sealift"), "9.1.0");

    let mut other = desk::release("9.1.0");
    other.extend(b"another build");
    desk.program("other", &other);
    desk.pack("other", "9.1.0", "linux/amd64").expect(0);
    desk.update(&["--yes"]).expect(2).says(&["another build of the same version (9.1.0)"]);
    desk.update(&["--yes", "--rollback-to", "9.1.0"]).expect(0);
    assert!(fs::read(desk.path("bin/sealift")).unwrap() == other, "the named build was not taken");
}

/// An old stick's program is started, and told to write over the one in /usr/local/bin.
#[test]
fn what_is_there_counts_too_and_not_only_what_runs() {
    let desk = Desk::with_stick();
    let there = ["--yes", "--output", "there"];
    desk.program("there", &desk::release("9.9.0"));
    let refused = desk.update(&there).expect(3);
    refused.says(&[
        "sealift 9.2.0, older than what is there (9.9.0)",
        "nothing was changed",
        "--rollback-to 9.2.0",
    ]);
    assert_eq!(desk.version("there"), "9.9.0");
    desk.update(&["--yes", "--output", "there", "--rollback-to", NEW]).expect(0);
    assert_eq!(desk.version("there"), NEW);
    let mut other = desk::release(NEW);
    other.extend(b"another build");
    desk.program("there", &other);
    desk.update(&there).expect(2).says(&["another build of the same version"]);
    desk.program("there", b"#!/bin/sh\necho something else 9.9.9\n");
    desk.update(&there).expect(0);
    assert_eq!(desk.version("there"), NEW);
}

#[test]
fn one_bit_that_is_not_as_it_was_signed_changes_nothing() {
    let desk = Desk::with_stick();
    let flip = |name: &str, at: u64| {
        let file =
            fs::File::options().read(true).write(true).open(desk.path("core-1.sealift").join(name)).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    };
    let length = |name: &str| fs::metadata(desk.path("core-1.sealift").join(name)).unwrap().len();
    for (name, at) in [
        ("volume-0000", length("volume-0000") / 2),
        ("volume-0000", length("volume-0000") - (64 << 10)),
        ("manifest.json", length("manifest.json") / 2),
        ("manifest.json.minisig", 100),
        ("chunks.bin", 7),
    ] {
        flip(name, at);
        let refused = desk.update(&["--yes"]).expect(3);
        assert!(refused.stderr.contains("\nnext: "), "{name}: {}", refused.stderr);
        desk.is_untouched();
        flip(name, at);
    }
    desk.key("stranger");
    let words = ["self-update", "core-1.sealift", "--trust", "stranger.pub", "--yes"];
    desk.run(&words).expect(3).says(&["none of the trusted keys"]);
    desk.is_untouched();
    desk.update(&["--yes"]).expect(0);
}

#[test]
fn where_nothing_can_be_written_or_started_another_place_is_the_way_out() {
    let desk = Desk::with_stick();
    fs::create_dir(desk.path("noexec")).unwrap();
    // mounts of its own, gone with the shell
    let there = |words: &str| {
        let script = format!(
            "mount --bind bin bin && mount -o remount,bind,ro bin && mount -t tmpfs -o noexec tmpfs noexec && \
             bin/sealift self-update core-1.sealift --trust plant.pub --yes {words}; s=$?; ls -A noexec; exit $s"
        );
        let mut shell = Command::new("unshare");
        Ran::of(shell.args(["-m", "bash", "-c", &script]).current_dir(desk.path("")))
    };
    let refused = there("").expect(1);
    refused.says(&["Read-only file system", "nothing was changed", "next: add --output FILE"]);
    let refused = there("--output noexec/sealift").expect(1);
    refused.says(&["programs do not run in noexec", "noexec?", "nothing was changed", "--output"]);
    assert_eq!(refused.stdout.trim(), "", "something was left there");
    there("--output none/sealift").expect(1).says(&["none/sealift", "next: "]);
    there("--output core-1.sealift").expect(1).says(&["it is no regular file", "next: "]);
    desk.is_untouched();
    there("--output sealift").expect(0);
    assert_eq!(desk.version("sealift"), NEW);
    there("--output sealift").expect(0).says(&["already"]);
    desk.is_untouched();
}

#[test]
fn a_program_that_does_not_run_here_does_not_take_the_place_of_one_that_does() {
    let desk = Desk::new();
    let script = |line: &str| {
        // pack's own question is answered well: the file `moody` is not there yet
        let moody = desk.path("moody").display().to_string();
        let text = format!("#!/bin/sh\nif [ -e {moody} ]; then {line}; fi\necho sealift {NEW}\n");
        let _ = fs::remove_file(desk.path("moody"));
        desk.program("later", text.as_bytes());
        desk.pack("later", NEW, "linux/amd64").expect(0);
        fs::write(desk.path("moody"), "").unwrap();
        desk.update(&["--yes"])
    };
    let wanted = "trying the new sealift, which must say 'sealift 9.2.0'";
    script("exit 7").expect(1).says(&[wanted, "exit status: 7", "nothing was changed", "next: "]);
    script("echo sealift 9.9.9; exit 0").expect(1).says(&[wanted, "it says 'sealift 9.9.9'"]);
    script("kill -SEGV $$").expect(1).says(&[wanted, "signal: 11"]);
    desk.is_untouched();
    fs::remove_file(desk.path("moody")).unwrap();
    desk.update(&["--yes"]).expect(0);
    assert_eq!(desk.version("bin/sealift"), NEW);
}
