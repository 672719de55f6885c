//! Kinds of refusal on the way to a helper, each with what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a server's key was not even seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unreached {
    /// Its address is none.
    Name,
    /// There is no way: no route, a network that is down.
    NoWay,
    /// Nobody answers.
    Silent,
    /// The port is closed.
    Refused,
    /// The connection ended before a key was shown.
    Dropped,
    /// Something else than SSH answers, or an SSH server that has no algorithm in common with us.
    NotSsh,
    /// A jump host does not forward.
    Forbidden,
}

impl Unreached {
    /// Whether a machine that boots, a busy server or a lossy link looks like this for a moment.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, Self::Silent | Self::Refused | Self::Dropped)
    }

    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Name => "write its IP address",
            Self::NoWay => "check cable and network of this machine, and the address in the cluster file",
            Self::Silent => "check that it is powered on, its cable, its address, and firewalls in between",
            Self::Refused => "it is up but no SSH server listens on that port: start it, or mend ssh.port",
            Self::Dropped => "look at the server's own log: journalctl -u ssh",
            Self::NotSsh => "mend ssh.port in the cluster file",
            Self::Forbidden => "allow it there (AllowTcpForwarding yes), or jump through another machine",
        }
    }
}

/// Why a user does not become root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SudoRefusal {
    /// It wants a password and got none.
    PasswordNeeded,
    /// The password was wrong.
    WrongPassword,
    /// The account is locked after too many wrong passwords.
    Locked,
    /// The password has expired.
    Expired,
    /// The user is in no rule.
    NotInSudoers,
    /// The user is in a rule, but not for this.
    MayNotRun,
    /// It wants a terminal, and did not take the one that it got.
    Terminal,
    /// There is no sudo.
    NoProgram,
    /// sudo itself does not work.
    Broken,
    /// It says something else.
    Other,
}

impl SudoRefusal {
    /// What sudo says in the C locale, by the words that its versions since 1.8 have in common.
    pub(crate) fn of(line: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
        if has(&["incorrect password attempt", "Authentication failure"]) {
            Self::WrongPassword
        } else if has(&["account is locked", "Account locked", "temporarily locked"]) {
            Self::Locked
        } else if has(&["password expired", "account has expired", "Account or password is expired"]) {
            Self::Expired
        } else if has(&["password is required", "authentication is required", "password was provided"]) {
            Self::PasswordNeeded
        } else if has(&["must have a tty", "no tty present", "terminal is required"]) {
            Self::Terminal
        } else if has(&["not in the sudoers file"]) {
            Self::NotInSudoers
        } else if has(&["may not run sudo", "not allowed to execute", "not allowed to run"]) {
            Self::MayNotRun
        } else if has(&[
            "setuid",
            "effective uid",
            "no new privileges",
            "unable to open",
            "syntax error",
            "sudoers",
        ]) {
            Self::Broken
        } else {
            Self::Other
        }
    }

    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::PasswordNeeded => {
                "run it on a terminal, which is asked for the password, or give --sudo-password-file"
            }
            Self::WrongPassword => {
                "it was tried once and on one node only; type it again, or give --sudo-password-file"
            }
            Self::Locked => {
                "wait until it is unlocked, or unlock it on the node: faillock --user USER --reset"
            }
            Self::Expired => "log in by hand and set a new password",
            Self::NotInSudoers | Self::MayNotRun => {
                "on the node, as root: echo 'USER ALL=(root) ALL' > /etc/sudoers.d/sealift; or mend ssh.user"
            }
            Self::Terminal => "on the node, as root: remove `Defaults requiretty` for this user from sudoers",
            Self::NoProgram => "install sudo there, or write ssh.user: root",
            Self::Broken => "mend sudo on the node: visudo -c, ls -l /usr/bin/sudo",
            Self::Other => "try it by hand on the node: sudo -k; sudo /bin/sh -c id",
        }
    }
}

impl fmt::Display for SudoRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PasswordNeeded => "it wants a password",
            Self::WrongPassword => "the password is wrong, tried once",
            Self::Locked => "the account is locked",
            Self::Expired => "the password has expired",
            Self::NotInSudoers => "the user is in no rule",
            Self::MayNotRun => "no rule allows it",
            Self::Terminal => "it wants a terminal",
            Self::NoProgram => "it is not there",
            Self::Broken => "it does not work",
            Self::Other => "it said no",
        })
    }
}

/// What keeps a helper from starting, for root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// Something else than our command is run: a menu, a forced command, no shell.
    NoShell,
    /// The user must set a new password first: as a server's first one is set up, or after its time.
    Expired,
    /// Programs may not run from where it lies.
    NoExec,
    /// It cannot be written.
    ReadOnly,
    /// No room.
    Full,
    /// Another kind of machine.
    Platform,
    /// Something else than systemd runs the machine.
    NoSystemd,
}

impl Obstacle {
    /// By what programs say in the C locale.
    pub(crate) fn of(status: i32, text: &str) -> Option<Self> {
        let has = |word| text.contains(word);
        // sshd's own words (session.c, do_pwchange), in front of any shell
        if has("password has expired") || has("Password change required") {
            Some(Self::Expired)
        } else if has("Read-only file system") {
            Some(Self::ReadOnly)
        } else if has("No space left on device") || has("Disk quota exceeded") {
            Some(Self::Full)
        } else if has("Exec format error") || has("cannot execute binary file") {
            Some(Self::Platform)
        } else if has("not run by systemd") {
            Some(Self::NoSystemd)
        } else if status == 126 && has("Permission denied") {
            Some(Self::NoExec)
        } else {
            None
        }
    }

    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::NoShell => {
                "give the user a shell (chsh -s /bin/sh USER) and no ForceCommand, or mend ssh.user"
            }
            Self::Expired => {
                "log in there by hand once and set a new password; or as root: chage -d $(date +%F) USER"
            }
            Self::NoExec => "on the node: mount -o remount,exec /var, and the same in /etc/fstab",
            Self::ReadOnly => "make /var writable on the node",
            Self::Full => "make room below /var on the node",
            Self::Platform => "take the sealift of the node's platform",
            Self::NoSystemd => "sealift needs a server that systemd runs",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Obstacle, SudoRefusal};

    /// Lines of sudo 1.8.29 (RHEL 8), 1.9.5 and 1.9.13 (Debian 11 and 12).
    #[test]
    fn what_sudo_says_is_classified() {
        use SudoRefusal as Is;
        for (line, kind) in [
            ("sudo: a password is required", Is::PasswordNeeded),
            ("sudo: interactive authentication is required", Is::PasswordNeeded),
            ("sudo: no password was provided", Is::PasswordNeeded),
            ("sudo: 1 incorrect password attempt", Is::WrongPassword),
            ("sudo: Account or password is expired, reset your password and try again", Is::Expired),
            ("sudo: sorry, you must have a tty to run sudo", Is::Terminal),
            ("sudo: no tty present and no askpass program specified", Is::Terminal),
            ("ops is not in the sudoers file.", Is::NotInSudoers),
            ("Sorry, user ops may not run sudo on cp1.", Is::MayNotRun),
            ("Sorry, user ops is not allowed to execute '/bin/sh -c x' as root on cp1.", Is::MayNotRun),
            ("sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set", Is::Broken),
            (
                "sudo: The \"no new privileges\" flag is set, which prevents sudo from running as root.",
                Is::Broken,
            ),
            ("/etc/sudoers.d/x:1:20: syntax error", Is::Broken),
            ("sudo: something new", Is::Other),
        ] {
            assert_eq!(SudoRefusal::of(line), kind, "{line}");
            assert!(!kind.remedy().is_empty() && !kind.to_string().is_empty());
        }
    }

    #[test]
    fn what_keeps_a_helper_from_starting_is_classified() {
        for (status, text, kind) in [
            (
                1,
                "mkdir: cannot create directory '/var/lib/sealift': Read-only file system",
                Some(Obstacle::ReadOnly),
            ),
            (1, "head: error writing 'standard output': No space left on device", Some(Obstacle::Full)),
            (126, "/bin/sh: 1: /var/lib/sealift/helper/x/sealift: Permission denied", Some(Obstacle::NoExec)),
            (126, "/bin/sh: 1: exec: /x/sealift: Exec format error", Some(Obstacle::Platform)),
            (1, "mkdir: cannot create directory '/var/lib/sealift': Permission denied", None),
            (65, "the upload arrived damaged", None),
        ] {
            assert_eq!(Obstacle::of(status, text), kind, "{text}");
        }
    }
}
