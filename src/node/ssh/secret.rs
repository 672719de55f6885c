//! What is asked of a person and never kept.

use std::path::PathBuf;

/// A password or passphrase. It is in no message, log or file; whoever shows it has to say so.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps what was typed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that hands it over.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What is needed, and where it will go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// What opens a private key's file. It stays on this machine.
    Passphrase {
        /// The file.
        file: PathBuf,
        /// Whether one was given already, and was wrong.
        again: bool,
    },
    /// A user's password, for logging in on every server that takes it.
    Login {
        /// The user.
        user: String,
        /// The server that asked first.
        host: String,
    },
    /// What sudo asks for, on every node that asks.
    Sudo {
        /// Whose password it is: the user's, or root's where sudoers says so.
        user: String,
        /// The node that asked first.
        host: String,
    },
    /// A server's question in its own words, e.g. for a code. The answer is used once.
    Answer {
        /// The server.
        host: String,
        /// Its question.
        prompt: String,
        /// Whether the answer may be seen while it is typed.
        echo: bool,
    },
}

/// Who can be asked. The library itself knows neither terminals nor files of secrets.
pub trait Ask: Send + Sync {
    /// Asks, and waits for the answer; called outside of the runtime. An error says why there is none.
    fn ask(&self, wanted: &Wanted) -> Result<Secret, String>;
}

/// Nobody.
#[derive(Debug)]
pub struct Nobody;

impl Ask for Nobody {
    fn ask(&self, _: &Wanted) -> Result<Secret, String> {
        Err("there is nobody to ask".to_owned())
    }
}
