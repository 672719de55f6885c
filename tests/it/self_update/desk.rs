//! A stick and an old sealift: the program under test, a later one, and bundles that the real `pack` makes of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::it::kit::{Ran, SEALIFT, room, sealift};

/// What the program under test says of itself.
pub(super) const OLD: &str = env!("CARGO_PKG_VERSION");
/// What the later one says.
pub(super) const NEW: &str = "9.2.0";

/// The same program of another release: all that differs is the number that it was built with.
pub(super) fn release(version: &str) -> Vec<u8> {
    assert_eq!(version.len(), OLD.len(), "the number is written over");
    let (mut bytes, mut at, mut changed) = (fs::read(*SEALIFT).unwrap(), 0, 0);
    while let Some(found) = bytes[at..].windows(OLD.len()).position(|window| window == OLD.as_bytes()) {
        at += found;
        bytes[at..at + OLD.len()].copy_from_slice(version.as_bytes());
        changed += 1;
    }
    assert!(changed > 0, "the program does not know its version");
    bytes
}

pub(super) struct Desk(tempfile::TempDir);

impl Desk {
    /// With `bin/sealift`, the old one, and a key that signs.
    pub(super) fn new() -> Self {
        let desk = Self(tempfile::tempdir_in(room()).unwrap());
        fs::create_dir(desk.path("bin")).unwrap();
        desk.program("bin/sealift", &fs::read(*SEALIFT).unwrap());
        desk.key("plant");
        desk
    }

    /// With `core-1.sealift` too, which brings the later one.
    pub(super) fn with_stick() -> Self {
        let desk = Self::new();
        desk.program("later", &release(NEW));
        desk.pack("later", NEW, "linux/amd64").expect(0);
        desk
    }

    pub(super) fn key(&self, name: &str) {
        sealift(&["key", "generate", "--no-password", "--output", self.path(name).to_str().unwrap()])
            .expect(0);
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn program(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes `core-1.sealift` anew, of a file on this desk.
    pub(super) fn pack(&self, program: &str, version: &str, platform: &str) -> Ran {
        let file = format!("{{name: sealift, version: {version}, path: {program}, platform: {platform}}}");
        self.pack_files(&format!("[{file}]"))
    }

    pub(super) fn pack_files(&self, files: &str) -> Ran {
        let _ = fs::remove_dir_all(self.path("core-1.sealift"));
        let recipe = format!(
            "apiVersion: sealift.dev/v1\nkind: Recipe\nmetadata: {{name: core, version: 1, sequence: 1}}\nspec:\n  \
             platforms: [linux/amd64]\n  kubernetes: v1.36.4\n  files: {files}\n"
        );
        fs::write(self.path("recipe.yaml"), recipe).unwrap();
        let path = |name: &str| self.path(name).display().to_string();
        let (recipe, key, output) = (path("recipe.yaml"), path("plant.sec"), path(""));
        sealift(&["pack", &recipe, "--key", &key, "--output", &output])
    }

    /// Changes the bundle's manifest and signs it with the minisign program, which does not look at what it signs.
    pub(super) fn sign_again(&self, change: impl Fn(&mut Value)) {
        let path = self.path("core-1.sealift/manifest.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut manifest);
        fs::write(&path, manifest.to_string()).unwrap();
        let mut minisign = Command::new("minisign");
        Ran::of(minisign.arg("-S").arg("-s").arg(self.path("plant.sec")).arg("-m").arg(path)).expect(0);
    }

    /// A command of the old program, on this desk.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.path("bin/sealift"));
        command.args(words).current_dir(self.0.path());
        command
    }

    pub(super) fn run(&self, words: &[&str]) -> Ran {
        Ran::of(&mut self.command(words))
    }

    /// `bin/sealift self-update core-1.sealift --trust plant.pub` with more words.
    pub(super) fn update_command(&self, more: &[&str]) -> Command {
        let words = ["self-update", "core-1.sealift", "--trust", "plant.pub"];
        self.command(&words.iter().chain(more).copied().collect::<Vec<_>>())
    }

    pub(super) fn update(&self, more: &[&str]) -> Ran {
        Ran::of(&mut self.update_command(more))
    }

    /// The version that a program says.
    pub(super) fn version(&self, name: &str) -> String {
        let said = Ran::of(Command::new(self.path(name)).arg("--version")).expect(0).stdout;
        said.trim().trim_start_matches("sealift ").to_owned()
    }

    /// The old program is there as it was, and nothing beside it.
    #[track_caller]
    pub(super) fn is_untouched(&self) {
        assert!(
            fs::read(self.path("bin/sealift")).unwrap() == fs::read(*SEALIFT).unwrap(),
            "the program was changed"
        );
        assert_eq!(names(&self.path("bin")), ["sealift"]);
    }
}

/// Names in a folder.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
