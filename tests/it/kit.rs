//! What the tests share: the program, the lab, and one bundle packed from the lab's internet.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, OnceLock};

use lab::cache::Cache;
use lab::factory::{self, Built};
use lab::internet::Internet;

/// How a program ended.
pub(super) struct Ran {
    pub(super) status: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ran {
    pub(super) fn of(command: &mut Command) -> Self {
        let output =
            command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test unless all parts are among what it told; where a line ends is no matter.
    #[track_caller]
    pub(super) fn says(&self, parts: &[&str]) {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = plain(&self.stderr);
        for part in parts {
            assert!(said.contains(&plain(part)), "no '{part}' in:\n{}", self.stderr);
        }
    }

    /// Fails the test unless the program ended as expected.
    #[track_caller]
    pub(super) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// The program under test, without what only a debugger reads: it travels to every node, and each time somebody
/// connects the node computes its digest.
pub(super) static SEALIFT: LazyLock<&str> = LazyLock::new(|| {
    let (whole, part) =
        (env!("CARGO_BIN_EXE_sealift"), room().join(format!("sealift-{}", std::process::id())));
    Ran::of(Command::new("strip").arg("-o").arg(&part).arg(whole)).expect(0);
    let path = room().join("sealift");
    std::fs::rename(part, &path).unwrap();
    path.display().to_string().leak()
});

/// Runs sealift where the test runs.
pub(super) fn sealift(words: &[&str]) -> Ran {
    Ran::of(Command::new(*SEALIFT).args(words))
}

/// A file of the repository.
pub(super) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where tests that need room write: `target/it`.
pub(super) fn room() -> PathBuf {
    let room = source("target/it");
    std::fs::create_dir_all(&room).unwrap();
    room
}

/// The lab's programs, images and downloads.
pub(super) fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| factory::build_all(&Cache::open().unwrap()).unwrap())
}

/// The version of agnhost that the lab has, as in its image's tag.
pub(super) fn agnhost() -> String {
    let image = built().images.iter().find(|image| image.image.reference.contains("/agnhost:"));
    image.unwrap().image.reference.rsplit(':').next().unwrap().to_owned()
}

/// A file of the demo with the lab's agnhost in it, for the lab's second network.
pub(super) fn demo_file(name: &str) -> String {
    demo_file_in(name, "10.78.0")
}

/// The same for another network, by the first three parts of its addresses.
pub(super) fn demo_file_in(name: &str, network: &str) -> String {
    let text = std::fs::read_to_string(source("tests/lab/demo").join(name)).unwrap();
    let bundle = source("bundle");
    text.replace("AGNHOST", &agnhost())
        .replace("../../../bundle", bundle.to_str().unwrap())
        .replace("10.77.0.", &format!("{network}."))
}

/// A signed bundle, packed once for all tests, and its key.
pub(super) struct Stick {
    pub(super) bundle: PathBuf,
    pub(super) key: PathBuf,
}

/// The demo's bundle, packed by the program under test from the lab's internet.
pub(super) fn stick() -> &'static Stick {
    static STICK: OnceLock<Stick> = OnceLock::new();
    STICK.get_or_init(|| {
        let dir = room().join("stick");
        let _ = std::fs::remove_dir_all(&dir);
        pack(&demo_file("recipe.yaml"), &dir).expect(0);
        let bundle = std::fs::read_dir(dir.join("out"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "sealift"));
        Stick { bundle: bundle.unwrap(), key: dir.join("it.pub") }
    })
}

/// Packs a recipe from the lab's internet into `dir/out`, signed by the new key `dir/it.sec`.
pub(super) fn pack(recipe: &str, dir: &Path) -> Ran {
    std::fs::create_dir_all(dir).unwrap();
    let key = dir.join("it.sec");
    let stem = key.with_extension("");
    sealift(&["key", "generate", "--no-password", "--output", stem.to_str().unwrap()]).expect(0);
    pack_with(recipe, dir, &key, &[])
}

/// The same signed by a key that is there, and with more mirrors.
pub(super) fn pack_with(recipe: &str, dir: &Path, key: &Path, mirrors: &[String]) -> Ran {
    std::fs::create_dir_all(dir).unwrap();
    let internet = Internet::start(&Cache::open().unwrap(), dir).unwrap();
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    std::fs::write(path("recipe.yaml"), recipe).unwrap();
    let key = key.to_str().unwrap().to_owned();
    let mut words = vec!["pack".to_owned(), path("recipe.yaml"), "--key".into(), key];
    words.extend(["--output".into(), path("out"), "--lock".into(), path("it.lock")]);
    words.extend(internet.mirrors().iter().chain(mirrors).map(|mirror| format!("--mirror={mirror}")));
    sealift(&words.iter().map(String::as_str).collect::<Vec<_>>())
}
