//! Makes the tables of the playbooks and templates which are compiled into the binary: every file of the two
//! folders, so that none can be forgotten in a list kept by hand.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let variable =
        |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(name.to_owned()));
    let (source, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let mut code = String::new();
    for (constant, folder, ending) in
        [("PLAYBOOKS", "../../playbooks", "yaml"), ("TEMPLATES", "../../templates", "j2")]
    {
        let root = source.join(folder);
        let mut files = vec![];
        walk(&root, &root, ending, &mut files)?;
        files.sort();
        let _ = writeln!(code, "const {constant}: &[(&str, &str)] = &[");
        for name in files {
            let path = root.join(&name);
            let path = path.display().to_string();
            let _ = writeln!(code, "    ({name:?}, include_str!({path:?})),");
        }
        let _ = writeln!(code, "];");
        writeln!(io::stdout(), "cargo::rerun-if-changed={}", root.display())?;
    }
    fs::write(out.join("embedded.rs"), code)
}

/// Names below `root` of the files that end so, with `/` between folders.
fn walk(root: &Path, dir: &Path, ending: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, ending, files)?;
        } else if path.extension().is_some_and(|e| e == ending)
            && let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str)
        {
            files.push(name.to_owned());
        }
    }
    Ok(())
}
