//! What the connections of one run share: what a person was asked, so that it is asked once, and the connections to
//! jump hosts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::client::Handle;
use russh::keys::PrivateKey;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::secret::{Ask, Nobody, Secret, Wanted};
use super::session::Check;
use crate::HostError;

/// Shared by all targets of one run.
pub struct Shared {
    ask: Arc<dyn Ask>,
    /// One question at a time: there is one person.
    asking: Mutex<()>,
    keys: Mutex<HashMap<PathBuf, Opened>>,
    passwords: Mutex<HashMap<(Use, String), Entry>>,
    pub(super) hops: Mutex<HashMap<String, Hop>>,
}

/// A key's file that was opened with a passphrase, or why it was not.
type Opened = Result<Arc<PrivateKey>, String>;

/// A connection to a jump host, made by whoever needs it first; or why it let nobody in, which is not tried again.
pub(super) type Hop = Arc<Mutex<Option<Result<Arc<Handle<Check>>, HostError>>>>;

/// What a password is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    Login,
    Sudo,
}

/// A password, locked while somebody tries it.
type Entry = Arc<Mutex<Password>>;

/// What is known of a password.
enum Password {
    Unknown,
    /// Given, and not yet seen to be right anywhere.
    Given(Secret),
    /// Right at one server at least.
    Right(Secret),
    /// There is none to try: nobody gave one, or a server refused it.
    None(String),
}

/// How many times a wrong passphrase may be typed. It opens a file of this machine: nobody counts, nothing is locked.
const TRIES: u32 = 3;

impl Default for Shared {
    fn default() -> Self {
        Self::new(Arc::new(Nobody))
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    /// Nothing is known yet; `ask` will be asked.
    pub fn new(ask: Arc<dyn Ask>) -> Self {
        Self {
            ask,
            asking: Mutex::default(),
            keys: Mutex::default(),
            passwords: Mutex::default(),
            hops: Mutex::default(),
        }
    }

    /// Asks the person, once everybody before us has been answered.
    pub(super) async fn answer(&self, wanted: Wanted) -> Result<Secret, String> {
        let _turn = self.asking.lock().await;
        let ask = Arc::clone(&self.ask);
        let asked = tokio::task::spawn_blocking(move || ask.ask(&wanted)).await;
        asked.unwrap_or_else(|error| Err(format!("asking failed: {error}")))
    }

    /// A private key whose file has a passphrase, opened once for all nodes. `open` is slow on purpose (bcrypt).
    pub(super) async fn opened(
        &self,
        file: &Path,
        open: impl Fn(&str) -> Option<PrivateKey> + Clone + Send + 'static,
    ) -> Opened {
        let mut keys = self.keys.lock().await;
        if let Some(known) = keys.get(file) {
            return known.clone();
        }
        let mut opened = Err(format!("the passphrase of {} was wrong {TRIES} times", file.display()));
        for turn in 0..TRIES {
            let wanted = Wanted::Passphrase { file: file.to_owned(), again: turn > 0 };
            let secret = match self.answer(wanted).await {
                Ok(secret) => secret,
                Err(why) => {
                    opened = Err(format!("{} has a passphrase: {why}", file.display()));
                    break;
                }
            };
            let open = open.clone();
            let key = tokio::task::spawn_blocking(move || open(secret.expose())).await;
            if let Ok(Some(key)) = key {
                opened = Ok(Arc::new(key));
                break;
            }
        }
        keys.insert(file.to_owned(), opened.clone());
        opened
    }

    /// A password for one attempt at `host`. Until one server has taken it, all others wait: where an account is that
    /// of a directory, a mistyped password counts once against it, not once for every server.
    pub(crate) async fn password(&self, what: Use, user: &str, host: &str) -> Result<Trial, String> {
        let entry = self.entry(what, user).await;
        let mut state = entry.lock_owned().await;
        let secret = match &*state {
            Password::Given(secret) | Password::Right(secret) => secret.clone(),
            Password::None(why) => return Err(why.clone()),
            Password::Unknown => {
                let known = match what {
                    Use::Sudo => self.right_at_login(user).await,
                    Use::Login => None,
                };
                let (user, host) = (user.to_owned(), host.to_owned());
                let wanted = match what {
                    Use::Login => Wanted::Login { user, host },
                    Use::Sudo => Wanted::Sudo { user, host },
                };
                let asked = match known {
                    Some(secret) => Ok(secret),
                    None => self.answer(wanted).await,
                };
                match asked {
                    Ok(secret) => {
                        *state = Password::Given(secret.clone());
                        secret
                    }
                    Err(why) => {
                        *state = Password::None(why.clone());
                        return Err(why);
                    }
                }
            }
        };
        let proved = matches!(*state, Password::Right(_));
        Ok(Trial { secret, host: host.to_owned(), state: (!proved).then_some(state) })
    }

    async fn entry(&self, what: Use, user: &str) -> Entry {
        let mut passwords = self.passwords.lock().await;
        let entry = passwords.entry((what, user.to_owned()));
        Arc::clone(entry.or_insert_with(|| Arc::new(Mutex::new(Password::Unknown))))
    }

    /// sudo asks for the password that the login took, as a rule.
    async fn right_at_login(&self, user: &str) -> Option<Secret> {
        match &*self.entry(Use::Login, user).await.lock().await {
            Password::Right(secret) => Some(secret.clone()),
            _ => None,
        }
    }
}

/// A password about to be tried at one server.
pub(crate) struct Trial {
    pub(crate) secret: Secret,
    host: String,
    /// Held while nobody knows whether it is right.
    state: Option<OwnedMutexGuard<Password>>,
}

impl Trial {
    /// The server took it: the others need not wait.
    pub(crate) fn right(mut self) {
        if let Some(mut state) = self.state.take() {
            *state = Password::Right(self.secret.clone());
        }
    }

    /// The server refused it: where no other has taken it before, none is asked any more.
    pub(crate) fn wrong(mut self) {
        if let Some(mut state) = self.state.take() {
            let host = &self.host;
            *state = Password::None(format!("{host} has refused the password, so it is not tried again"));
        }
    }
}

/// Sent, and no answer: it may have been wrong, and counted. One account of many servers is locked after a few.
impl Drop for Trial {
    fn drop(&mut self) {
        if let Some(state) = &mut self.state {
            let host = &self.host;
            **state = Password::None(format!(
                "{host} did not say whether the password is right, so it is not tried elsewhere"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Arc, Ask, Secret, Shared, Use, Wanted};

    struct Counting(AtomicU32);

    impl Ask for Counting {
        fn ask(&self, _: &Wanted) -> Result<Secret, String> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(Secret::new("canary"))
        }
    }

    #[tokio::test]
    async fn a_password_is_asked_for_once_and_a_wrong_one_is_tried_once() {
        let ask = Arc::new(Counting(AtomicU32::new(0)));
        let shared = Arc::new(Shared::new(Arc::clone(&ask) as Arc<dyn Ask>));
        let first = shared.password(Use::Login, "ops", "cp1").await.unwrap();
        let others: Vec<_> = ["w1", "w2"]
            .map(|host| {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { shared.password(Use::Login, "ops", host).await.map(|_| ()) })
            })
            .into();
        tokio::task::yield_now().await;
        assert!(others.iter().all(|other| !other.is_finished()), "they have to wait for the first");
        first.wrong();
        for other in others {
            assert!(other.await.unwrap().unwrap_err().contains("cp1 has refused"));
        }
        assert_eq!(ask.0.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_password_of_which_nobody_heard_is_not_tried_elsewhere() {
        let shared = Shared::new(Arc::new(Counting(AtomicU32::new(0))));
        drop(shared.password(Use::Sudo, "ops", "cp1").await.unwrap());
        let Err(why) = shared.password(Use::Sudo, "ops", "w1").await else { panic!("it was tried again") };
        assert!(why.contains("cp1 did not say"), "{why}");
    }

    #[tokio::test]
    async fn a_right_password_is_for_everybody_and_for_sudo() {
        let ask = Arc::new(Counting(AtomicU32::new(0)));
        let shared = Shared::new(Arc::clone(&ask) as Arc<dyn Ask>);
        shared.password(Use::Login, "ops", "cp1").await.unwrap().right();
        let (one, two) = (shared.password(Use::Login, "ops", "w1"), shared.password(Use::Login, "ops", "w2"));
        let (one, two) = (one.await.unwrap(), two.await.unwrap());
        one.wrong();
        two.right();
        shared.password(Use::Sudo, "ops", "cp1").await.unwrap().right();
        assert_eq!(ask.0.load(Ordering::SeqCst), 1);
        assert_eq!(format!("{:?}", Secret::new("canary")), "Secret");
    }
}
