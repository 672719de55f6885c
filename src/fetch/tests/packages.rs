//! Debian's packages from a repository that gpg really signed; and what a repository may do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use sealift_bundle::{ItemKind, Lock, Recipe};
use sealift_fetch::{FetchError, FetchOptions, Fetcher, Mirrors, resolve};
use sealift_stream::Digest;
use tempfile::TempDir;

use crate::kit::server::{Reply, Server};
use crate::kit::{NOW, read};

/// A repository in memory, signed by a key of its own.
struct Repository {
    dir: TempDir,
    files: BTreeMap<String, Vec<u8>>,
    release: String,
}

impl Repository {
    fn new(packages: &[(&str, &str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let mut files = BTreeMap::new();
        let mut index = String::new();
        for (name, version, more) in packages {
            let content = format!("content of {name} {version}").into_bytes();
            let path = format!("pool/main/{name}_{version}_amd64.deb");
            let hex = Digest::of(&content).hex();
            let more = if more.is_empty() { String::new() } else { format!("{more}\n") };
            write!(
                index,
                "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody\n{more}Filename: {path}\nSize: {}\nSHA256: {hex}\n\n",
                content.len()
            )
            .expect("grows");
            files.insert(format!("/debian/{path}"), content);
        }
        let packed = gzip(index.as_bytes());
        let release = format!(
            "Origin: Test\nSuite: stable\nCodename: bookworm\nDate: Sat, 21 Nov 2026 09:30:00 UTC\n\
             Valid-Until: Sat, 28 Nov 2026 09:30:00 UTC\nComponents: main\nSHA256:\n {} {} main/binary-amd64/Packages.gz\n",
            Digest::of(&packed).hex(),
            packed.len()
        );
        files.insert("/debian/dists/bookworm/main/binary-amd64/Packages.gz".to_owned(), packed);
        let mut repository = Self { dir, files, release };
        repository.key("archive");
        repository.sign("archive");
        repository
    }

    fn gpg(&self, who: &str, words: &[&str], input: &[u8]) -> Vec<u8> {
        let home = self.dir.path().join(who);
        std::fs::create_dir_all(&home).expect("folder");
        let mut command = Command::new("gpg");
        command.args([
            "--batch",
            "--quiet",
            "--no-permission-warning",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ]);
        command.arg("--homedir").arg(&home).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("gpg starts");
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), input).expect("takes it");
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// A key of somebody's.
    fn key(&self, who: &str) {
        self.gpg(who, &["--quick-gen-key", who, "ed25519", "sign", "never"], b"");
        std::fs::write(self.ring(who), self.gpg(who, &["--export"], b"")).expect("writes");
    }

    fn ring(&self, who: &str) -> std::path::PathBuf {
        self.dir.path().join(format!("{who}.gpg"))
    }

    fn sign(&mut self, who: &str) {
        let signed = self.gpg(who, &["--clearsign"], self.release.as_bytes());
        self.files.insert("/debian/dists/bookworm/InRelease".to_owned(), signed);
    }

    fn serve(&self) -> Server {
        let files = Arc::new(self.files.clone());
        Server::start(move |request, _| match files.get(&request.path) {
            Some(bytes) => Reply::ok(bytes.clone()),
            None => Reply::status(404),
        })
    }

    fn recipe(&self, packages: &str) -> Recipe {
        recipe(&self.ring("archive"), packages)
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        for home in ["archive", "stranger", "brief"] {
            // gpg leaves an agent behind for each
            let home = self.dir.path().join(home);
            let _ = Command::new("gpgconf").arg("--homedir").arg(home).args(["--kill", "all"]).status();
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, bytes).expect("packs");
    packed.finish().expect("packs")
}

fn recipe(keyring: &Path, packages: &str) -> Recipe {
    crate::kit::recipe(&format!(
        "osPackages:\n  - system: debian-12\n    packages: [{packages}]\n    repositories:\n      - {{url: 'https://deb.test/debian', suite: bookworm, components: [main], keyring: {}}}",
        keyring.display()
    ))
}

fn fetcher(server: &Server) -> Fetcher {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mirrors = Mirrors::parse(&[format!("https://deb.test={}", server.base)]).expect("mirror");
    Fetcher::new(FetchOptions { mirrors, ..FetchOptions::default() }).expect("fetcher")
}

async fn refused(repository: &Repository, packages: &str) -> String {
    let server = repository.serve();
    resolve(&repository.recipe(packages), &fetcher(&server), None, NOW)
        .await
        .expect_err("was taken")
        .to_string()
}

const PACKAGES: &[(&str, &str, &str)] = &[
    ("chrony", "4.3-2+deb12u1", "Depends: libc6 (>= 2.36), adduser | sysusers\nEssential: no"),
    ("libc6", "2.36-9", ""),
    ("adduser", "3.134", "Depends: passwd"),
    ("passwd", "4.13", "Essential: yes"),
];

fn names(lock: &Lock) -> Vec<(String, bool)> {
    let packages = lock.items.iter().filter(|item| item.kind == ItemKind::Package);
    packages.map(|item| (item.name.clone(), item.package.as_ref().expect("has one").wanted)).collect()
}

#[tokio::test]
async fn what_is_named_comes_with_what_it_needs_and_is_locked() {
    let repository = Repository::new(PACKAGES);
    let server = repository.serve();
    let fetcher = fetcher(&server);
    let recipe = repository.recipe("chrony");
    let lock = resolve(&recipe, &fetcher, None, NOW).await.expect("resolves");
    let wanted = |name: &str, wanted| (format!("debian-12_amd64_{name}"), wanted);
    assert_eq!(names(&lock), [wanted("adduser", false), wanted("chrony", true), wanted("libc6", false)]);
    let chrony = lock.item(ItemKind::Package, "debian-12_amd64_chrony").expect("is there");
    let control = &chrony.package.as_ref().expect("has one").control;
    assert!(
        control.starts_with("Package: chrony\nVersion: 4.3-2+deb12u1\n") && control.contains("SHA256: "),
        "{control}"
    );
    assert!(!control.contains("Maintainer") && !control.contains("Filename"), "{control}");
    for blob in &lock.blobs {
        assert_eq!(Digest::of(&read(&fetcher, blob, 0).await.expect("comes")), blob.digest);
    }

    let asked = server.requests().len();
    let again = resolve(&recipe, &fetcher, Some(&lock), "2026-12-24T00:00:00Z").await.expect("resolves");
    assert_eq!(
        (again, server.requests().len()),
        (lock.clone(), asked),
        "what is locked is not asked for again"
    );
    let other = resolve(&repository.recipe("adduser"), &fetcher, Some(&lock), NOW).await.expect("resolves");
    assert_eq!(names(&other), [wanted("adduser", true)]);
}

#[tokio::test]
async fn who_signed_it_is_one_of_the_keys() {
    let mut repository = Repository::new(PACKAGES);
    repository.key("stranger");
    repository.sign("stranger");
    let said = refused(&repository, "chrony").await;
    assert!(said.contains("by none of the keys") && said.contains("archive.gpg"), "{said}");

    repository
        .files
        .insert("/debian/dists/bookworm/InRelease".to_owned(), repository.release.clone().into_bytes());
    let said = refused(&repository, "chrony").await;
    assert!(said.contains("by none of the keys"), "{said}");

    std::fs::write(repository.ring("archive"), "").expect("writes");
    repository.sign("archive");
    assert!(refused(&repository, "chrony").await.contains("by none of the keys"));
}

#[tokio::test]
async fn a_key_that_has_run_out_signs_nothing_and_a_second_signer_does_no_harm() {
    let mut repository = Repository::new(PACKAGES);
    repository.gpg("archive", &["--quick-gen-key", "second", "ed25519", "sign", "never"], b"");
    let signed = repository.gpg(
        "archive",
        &["--local-user", "archive", "--local-user", "second", "--clearsign"],
        repository.release.as_bytes(),
    );
    repository.files.insert("/debian/dists/bookworm/InRelease".to_owned(), signed);
    let server = repository.serve();
    let lock = resolve(&repository.recipe("chrony"), &fetcher(&server), None, NOW).await.expect("resolves");
    assert_eq!(lock.items.len(), 3);

    let signed =
        repository.gpg("archive", &["--digest-algo", "SHA1", "--clearsign"], repository.release.as_bytes());
    repository.files.insert("/debian/dists/bookworm/InRelease".to_owned(), signed);
    let said = refused(&repository, "chrony").await;
    assert!(said.contains("weak digest") || said.contains("by none of the keys"), "{said}");

    let then = "--faked-system-time=20200101T000000!";
    repository.gpg("brief", &[then, "--quick-gen-key", "brief", "ed25519", "sign", "1d"], b"");
    let signed = repository.gpg("brief", &[then, "--clearsign"], repository.release.as_bytes());
    repository.files.insert("/debian/dists/bookworm/InRelease".to_owned(), signed);
    std::fs::write(repository.ring("archive"), repository.gpg("brief", &["--export"], b"")).expect("writes");
    let said = refused(&repository, "chrony").await;
    assert!(said.contains("a key that has run out"), "{said}");
}

/// What stands before the signed text is nobody's word.
#[tokio::test]
async fn only_what_is_signed_is_read() {
    let mut repository = Repository::new(PACKAGES);
    let forged =
        gzip(b"Package: chrony\nVersion: 9\nArchitecture: amd64\nFilename: x.deb\nSize: 1\nSHA256: 00\n");
    let signed = repository.files["/debian/dists/bookworm/InRelease"].clone();
    let lie = format!(
        "Suite: stable\nCodename: bookworm\nSHA256:\n {} {} main/binary-amd64/Packages.gz\n\n",
        Digest::of(&forged).hex(),
        forged.len()
    );
    repository.files.insert("/debian/dists/bookworm/main/binary-amd64/Packages.gz".to_owned(), forged);
    repository
        .files
        .insert("/debian/dists/bookworm/InRelease".to_owned(), [lie.into_bytes(), signed].concat());
    let said = refused(&repository, "chrony").await;
    assert!(
        said.contains("it has sha256:") || said.contains("by none of the keys") || said.contains("more than"),
        "{said}"
    );
}

#[tokio::test]
async fn an_old_one_another_one_and_a_damaged_one_are_refused() {
    let mut repository = Repository::new(PACKAGES);
    let good = repository.release.clone();
    for (from, to, said) in [
        ("Valid-Until: Sat, 28 Nov", "Valid-Until: Sat, 21 Nov", "valid until 2026-11-21T09:30:00Z"),
        ("Valid-Until: Sat, 28 Nov", "Valid-Until: soon, 28 Nix", "is no date"),
        ("bookworm", "trixie", "it says that it is stable or trixie"),
        ("Packages.gz", "Packages.xz", "it lists no main/binary-amd64/Packages.gz"),
    ] {
        repository.release = good.replace(from, to);
        repository.sign("archive");
        let found = refused(&repository, "chrony").await;
        assert!(found.contains(said), "no '{said}' in: {found}");
    }
    repository.release = good;
    repository.sign("archive");
    let index =
        repository.files.get_mut("/debian/dists/bookworm/main/binary-amd64/Packages.gz").expect("is there");
    let last = index.len() - 1;
    index[last] ^= 1;
    let server = repository.serve();
    let error =
        resolve(&repository.recipe("chrony"), &fetcher(&server), None, NOW).await.expect_err("was taken");
    assert!(error.is_integrity() && matches!(error, FetchError::Item { .. }), "{error}");
}

#[tokio::test]
async fn what_fits_nowhere_is_told_in_words() {
    let others = [
        ("broken", "1", "Depends: libc6 (>= 3)"),
        ("evil", "1", "Depends: libc6 ("),
        ("its-friend", "1", "Depends: evil"),
    ];
    let packages = [PACKAGES, &others].concat();
    let said = refused(&Repository::new(&packages[..5]), "broken").await;
    assert!(said.contains("debian-12") && said.contains("libc6"), "{said}");
    let said = refused(&Repository::new(&packages[..5]), "nothing-like-it").await;
    assert!(said.contains("nothing-like-it"), "{said}");
    // what cannot be read is bad only for who needs it
    let repository = Repository::new(&packages);
    let server = repository.serve();
    resolve(&repository.recipe("chrony"), &fetcher(&server), None, NOW).await.expect("resolves");
    for needs_it in ["evil", "its-friend"] {
        let said = refused(&repository, needs_it).await;
        assert!(said.contains("package evil"), "{said}");
    }
}
