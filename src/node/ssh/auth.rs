//! Logging in: keys first, a password last, each at most once, and few in all.

use std::future::Future;
use std::time::{Duration, Instant};

use russh::client::{AuthResult, Handle};
use russh::keys::ssh_key::{HashAlg, PublicKey};
use russh::keys::{Certificate, PrivateKeyWithHashAlg, decode_secret_key};
use russh::{MethodKind, MethodSet, SendError, Signer};
use tokio::time::timeout;

use super::offer::{self, Agent, Offer};
use super::session::{self, Check};
use super::{Target, password};
use crate::HostError;

/// For one answer of the server; PAM may be slow to refuse.
pub(super) const LIMIT: Duration = Duration::from_mins(1);

/// Attempts with keys at one server. sshd ends a connection after six refusals (`MaxAuthTries`), a hardened one after three or
/// four; and each counts for whoever locks addresses out. The sixth place is the password's.
const OFFERS: usize = 5;

/// After this long the server may have hung up on someone who is still typing (`LoginGraceTime`, 120 s as a rule).
const TYPING: Duration = Duration::from_secs(20);

/// Logs in on a connection whose other end has proved its key. If the server hung up while a person was asked, it is
/// connected to once more: what they typed is known by then, and no attempt was made.
pub(super) async fn logged_in(
    target: &Target,
    mut session: Handle<Check>,
) -> Result<Handle<Check>, HostError> {
    let since = Instant::now();
    match Attempt::new(target, &mut session).login().await {
        Ok(()) => Ok(session),
        Err(refused) if refused.untried && session.is_closed() && since.elapsed() > TYPING => {
            let mut session = session::open(target).await?;
            let again = Attempt::new(target, &mut session).login().await;
            again.map(|()| session).map_err(|refused| refused.error(target))
        }
        Err(refused) => Err(refused.error(target)),
    }
}

/// Why a login failed.
pub(super) struct Refused {
    offered: String,
    said: Vec<String>,
    /// Whether no password was sent.
    untried: bool,
    /// Whether an answer never came.
    silent: bool,
}

impl Refused {
    fn error(self, target: &Target) -> HostError {
        // Nobody said no. With a password on its way it is not sent again: the server may have counted it.
        if self.silent && self.untried {
            let (host, why) = (target.name.clone(), format!("no answer within {} s", LIMIT.as_secs()));
            return HostError::LinkLost { host, doing: "logging in".to_owned(), why };
        }
        let mut why = self.said.join("; ");
        if why.is_empty() {
            "no identity is configured and no agent is there".clone_into(&mut why);
        }
        let (host, user) = (target.name.clone(), target.user.clone());
        HostError::AuthFailed { host, user, offered: self.offered, why }
    }
}

/// One login.
pub(super) struct Attempt<'a> {
    pub(super) target: &'a Target,
    pub(super) session: &'a mut Handle<Check>,
    /// What the server says may go on.
    methods: MethodSet,
    /// What was tried and what became of it.
    pub(super) said: Vec<String>,
    pub(super) untried: bool,
    silent: bool,
}

impl<'a> Attempt<'a> {
    fn new(target: &'a Target, session: &'a mut Handle<Check>) -> Self {
        Self { target, session, methods: MethodSet::empty(), said: vec![], untried: true, silent: false }
    }

    async fn login(mut self) -> Result<(), Refused> {
        // Asking for nothing tells what there is, and sshd does not count it.
        let asked = within(self.session.authenticate_none(&self.target.user)).await;
        if self.judged(asked) {
            return Ok(());
        }
        let offered = names(&self.methods);
        if offered.is_empty() {
            self.said.push("the server ended the connection when it was told the user's name".to_owned());
        } else {
            let keys_first = self.may(MethodKind::PublicKey);
            if !keys_first {
                self.said.push("it takes no keys".to_owned());
            }
            if (keys_first && self.keys().await)
                || password::login(&mut self).await
                || (!keys_first && self.may(MethodKind::PublicKey) && self.keys().await)
            {
                return Ok(());
            }
        }
        Err(Refused { offered, said: self.said, untried: self.untried, silent: self.silent })
    }

    pub(super) fn may(&self, method: MethodKind) -> bool {
        self.methods.contains(&method)
    }

    /// Takes note of an answer; true when we are in.
    pub(super) fn judged<E: std::fmt::Display>(&mut self, answer: Option<Result<AuthResult, E>>) -> bool {
        match answer {
            Some(Ok(AuthResult::Success)) => return true,
            Some(Ok(AuthResult::Failure { remaining_methods, partial_success })) => {
                if partial_success {
                    self.said.push(format!("then it wants {} too", names(&remaining_methods)));
                }
                self.methods = remaining_methods;
            }
            Some(Err(error)) => self.said.push(error.to_string()),
            None => {
                self.silent = true;
                self.said.push(format!("no answer within {} s", LIMIT.as_secs()));
                self.methods = MethodSet::empty();
            }
        }
        false
    }

    async fn keys(&mut self) -> bool {
        let (offers, mut agent) = offer::all(self.target, &mut self.said).await;
        let (count, mut attempts) = (offers.len(), 0);
        for (at, one) in offers.into_iter().enumerate() {
            attempts += one.attempts();
            if attempts > OFFERS {
                let more = format!(
                    "{} more keys were not shown, so as not to be locked out: name the right one as identityFile",
                    count - at
                );
                self.said.push(more);
                break;
            }
            let name = one.name();
            if self.offer(one, &name, agent.as_mut()).await {
                return true;
            }
            if self.session.is_closed() {
                let hung_up = format!(
                    "it hung up after {} keys (MaxAuthTries): name the right one as identityFile",
                    at + 1
                );
                self.said.push(hung_up);
                self.methods = MethodSet::empty();
                break;
            }
            if !self.may(MethodKind::PublicKey) {
                break;
            }
        }
        false
    }

    async fn offer(&mut self, offer: Offer, name: &str, agent: Option<&mut Agent>) -> bool {
        let before = self.said.len();
        let user = self.target.user.clone();
        let answer = match offer {
            Offer::File { key, certificate, .. } => self.sign(key, certificate).await,
            Offer::Locked { path, text, public, certificate } => {
                let would = match &public {
                    Some(public) => self.would_take(public, certificate.as_ref()).await,
                    None => true,
                };
                if would {
                    let open = move |passphrase: &str| decode_secret_key(&text, Some(passphrase)).ok();
                    match self.target.shared.opened(&path, open).await {
                        Ok(key) => self.sign(key, certificate).await,
                        Err(why) => {
                            self.said.push(why);
                            return false;
                        }
                    }
                } else {
                    false
                }
            }
            Offer::Agent { identity, .. } => {
                let Some(agent) = agent else { return false };
                let hash = self.hash(&identity.public_key()).await;
                // An agent that does not sign (asks its owner, who says no) is not the last word: the next key.
                let answer = match identity {
                    russh::keys::agent::AgentIdentity::PublicKey { key, .. } => {
                        within(self.session.authenticate_publickey_with(user, key, hash, agent)).await
                    }
                    russh::keys::agent::AgentIdentity::Certificate { certificate, .. } => {
                        within(self.session.authenticate_certificate_with(user, certificate, hash, agent))
                            .await
                    }
                };
                self.judged(answer)
            }
        };
        if !answer && self.said.len() == before {
            self.said.push(format!("it does not take {name}"));
        } else if !answer && let Some(said) = self.said.get_mut(before) {
            *said = format!("{name}: {said}");
        }
        answer
    }

    /// Logs in with a key that is open, by its certificate first where it has one.
    async fn sign(
        &mut self,
        key: std::sync::Arc<russh::keys::PrivateKey>,
        certificate: Option<Certificate>,
    ) -> bool {
        let user = self.target.user.clone();
        if let Some(certificate) = certificate {
            let tried = self.session.authenticate_openssh_cert(user.clone(), key.clone(), certificate);
            let tried = within(tried).await;
            if self.judged(tried) {
                return true;
            }
            if !self.may(MethodKind::PublicKey) || self.session.is_closed() {
                return false;
            }
        }
        let hash = self.hash(key.public_key()).await;
        let tried = self.session.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash));
        let tried = within(tried).await;
        self.judged(tried)
    }

    /// Whether the server would take this key, found out without signing: nobody types a passphrase for nothing.
    async fn would_take(&mut self, public: &PublicKey, certificate: Option<&Certificate>) -> bool {
        let (user, hash) = (self.target.user.clone(), self.hash(public).await);
        if let Some(certificate) = certificate {
            let (certificate, mut unsigned) = (certificate.clone(), Unsigned);
            let asked = self.session.authenticate_certificate_with(&user, certificate, hash, &mut unsigned);
            match within(asked).await {
                Some(Err(WouldTake)) => return true,
                Some(Ok(answer)) => drop(self.judged(Some(Ok::<_, SendError>(answer)))),
                None => return false,
            }
        }
        match within(self.session.authenticate_publickey_with(user, public.clone(), hash, &mut Unsigned))
            .await
        {
            Some(Err(WouldTake)) => true,
            Some(Ok(answer)) => {
                self.judged(Some(Ok::<_, SendError>(answer)));
                false
            }
            None => false,
        }
    }

    async fn hash(&self, key: &PublicKey) -> Option<HashAlg> {
        if !key.algorithm().is_rsa() {
            return None;
        }
        self.session.best_supported_rsa_hash().await.ok().flatten().flatten()
    }
}

/// A signer that does not sign: that it was asked is the answer.
struct Unsigned;

struct WouldTake;

impl From<SendError> for WouldTake {
    /// The connection is gone: what follows will find out.
    fn from(_: SendError) -> Self {
        Self
    }
}

impl Signer for Unsigned {
    type Error = WouldTake;

    async fn auth_sign(
        &mut self,
        _: &russh::keys::agent::AgentIdentity,
        _: Option<HashAlg>,
        _: Vec<u8>,
    ) -> Result<Vec<u8>, WouldTake> {
        Err(WouldTake)
    }
}

/// An answer, unless the server takes too long.
pub(super) async fn within<T>(answer: impl Future<Output = T>) -> Option<T> {
    timeout(LIMIT, answer).await.ok()
}

/// The methods' names as OpenSSH writes them.
pub(super) fn names(methods: &MethodSet) -> String {
    let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
    names.join(", ")
}
