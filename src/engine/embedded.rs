//! The playbooks and templates in this binary: tables of (name, text), made by `build.rs` from the folders.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A playbook's text; `name` without `.yaml`.
pub(crate) fn playbook(name: &str) -> Option<&'static str> {
    PLAYBOOKS.iter().find(|(file, _)| file.strip_suffix(".yaml") == Some(name)).map(|(_, text)| *text)
}

/// Every playbook's name.
#[cfg(test)]
pub(crate) fn playbooks() -> impl Iterator<Item = &'static str> {
    PLAYBOOKS.iter().filter_map(|(file, _)| file.strip_suffix(".yaml"))
}

/// Every template: its name below `templates/`, e.g. `containerd/config.toml.j2`, and its text.
pub(crate) fn templates() -> impl Iterator<Item = (&'static str, &'static str)> {
    TEMPLATES.iter().copied()
}
