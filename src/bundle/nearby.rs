//! A path that is no bundle, often by one level: what is there instead.

use std::fs;
use std::io;
use std::path::Path;

use crate::BundleError;
use crate::files::MANIFEST;

/// More names than this help nobody.
const SHOWN: usize = 3;

/// The error of looking for a manifest in `dir`, in words of what is there.
pub(crate) fn explain(dir: &Path, error: BundleError) -> BundleError {
    match error {
        BundleError::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            let source = io::Error::new(source.kind(), what(dir));
            BundleError::Io { doing: "opening bundle", path: dir.to_owned(), source }
        }
        other => other,
    }
}

fn what(dir: &Path) -> String {
    let up = dir.parent().filter(|up| up.join(MANIFEST).is_file());
    match (dir.is_dir(), up) {
        _ if !dir.exists() => "there is nothing of this name".to_owned(),
        (false, Some(up)) => format!("this is a file of a bundle; name its folder, {}", up.display()),
        (false, None) => "this is a file; a bundle is a folder NAME-VERSION.sealift".to_owned(),
        (true, Some(up)) => format!("this is a folder of a bundle; name {}", up.display()),
        (true, None) => match bundles(dir).as_slice() {
            [] => format!("this is no bundle: it has no {MANIFEST}"),
            names => format!("this is no bundle, but holds {}", names.join(", ")),
        },
    }
}

/// Bundles in a folder, by path.
fn bundles(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut names: Vec<String> =
        entries.filter(|path| path.join(MANIFEST).is_file()).map(|path| path.display().to_string()).collect();
    names.sort();
    names.truncate(SHOWN);
    names
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::Bundle;

    #[test]
    fn one_level_up_or_down_is_told() {
        let stick = tempfile::tempdir().unwrap();
        let bundle = stick.path().join("core-1.sealift");
        fs::create_dir_all(bundle.join("signatures")).unwrap();
        for name in ["manifest.json", "volume-0000", "signatures/1.minisig"] {
            fs::write(bundle.join(name), "").unwrap();
        }
        fs::create_dir(stick.path().join("empty")).unwrap();
        for (path, words) in [
            ("", "holds "),
            ("core-1.sealift/volume-0000", "name its folder"),
            ("core-1.sealift/signatures", "this is a folder of a bundle; name "),
            ("core-2.sealift", "nothing of this name"),
            ("empty", "has no manifest.json"),
        ] {
            let told = Bundle::open(stick.path().join(path)).unwrap_err().to_string();
            assert!(told.starts_with("opening bundle ") && told.contains(words), "{path}: {told}");
            assert_eq!(
                told.contains("core-1.sealift"),
                path.is_empty() || path.starts_with("core-1"),
                "{told}"
            );
        }
    }
}
