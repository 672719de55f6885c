//! Where the machine's root is.

use std::path::{Component, Path, PathBuf};

use crate::HostError;

/// Where programs are looked for; also the PATH they get.
const BINS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The machine itself, or a directory that stands for one.
#[derive(Debug, Clone)]
pub(super) struct Root(Option<PathBuf>);

impl Root {
    pub(super) fn machine() -> Self {
        Self(None)
    }

    pub(super) fn at(dir: PathBuf) -> Self {
        Self(Some(dir))
    }

    /// The directory that stands for the machine, if one does.
    pub(super) fn dir(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// Places a path of sealift's own.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        match &self.0 {
            None => PathBuf::from(path),
            Some(dir) => dir.join(path.trim_start_matches('/')),
        }
    }

    /// Places a path that a step named. It must be absolute, without `.` and `..`, and not the root itself.
    pub(super) fn checked(&self, host: &str, path: &str) -> Result<PathBuf, HostError> {
        let plain = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !path.starts_with('/') || !plain || path.trim_end_matches('/').is_empty() || path.contains('\0') {
            let why = "want an absolute path below / without '..'";
            return Err(HostError::refused(host, format!("using path '{path}'"), why));
        }
        Ok(self.path(path))
    }

    /// Finds a program; one given by its absolute path is taken as it is.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        if name.starts_with('/') {
            return Some(self.path(name)).filter(|path| path.is_file());
        }
        if name.is_empty() || name.contains('/') {
            return None;
        }
        BINS.iter().map(|bin| self.path(bin).join(name)).find(|path| path.is_file())
    }

    /// The PATH that programs get.
    pub(super) fn path_variable(&self) -> String {
        let bins: Vec<String> =
            BINS.iter().map(|bin| self.path(bin).to_string_lossy().into_owned()).collect();
        match self.0 {
            None => bins.join(":"),
            // A script in a test's directory may use the machine's own tools.
            Some(_) => format!("{}:{}", bins.join(":"), BINS.join(":")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Root;

    #[test]
    fn refuses_paths_that_lead_elsewhere() {
        let root = Root::at("/srv/node".into());
        for path in ["", "/", "//", "etc/hosts", "/etc/../../x", "../x", "/a/..", "/a\0b"] {
            assert!(root.checked("cp1", path).is_err(), "{path:?} was taken");
        }
        assert_eq!(root.checked("cp1", "/etc/hosts").unwrap().to_str(), Some("/srv/node/etc/hosts"));
    }
}
