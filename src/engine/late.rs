//! Values that exist only while a run does: a join token, a certificate key.

use std::collections::HashMap;
use std::future::Future;

use tokio::sync::Mutex;

use crate::StepError;

/// A value that is never serialised, journaled or printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that hands it to a node.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Late-bound values of one run, shared by all its nodes.
#[derive(Default)]
pub struct Late {
    values: Mutex<HashMap<&'static str, Secret>>,
}

impl Late {
    /// The value of `key`, made by `make` when it is asked for the first time. Others who ask meanwhile
    /// wait, so that five joining nodes cause one token.
    pub async fn get_or_make<F, Fut>(&self, key: &'static str, make: F) -> Result<Secret, StepError>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Secret, StepError>> + Send,
    {
        let mut values = self.values.lock().await;
        if let Some(value) = values.get(key) {
            return Ok(value.clone());
        }
        let value = make().await?;
        values.insert(key, value.clone());
        Ok(value)
    }

    /// The value of `key` if it has been made.
    pub async fn get(&self, key: &'static str) -> Option<Secret> {
        self.values.lock().await.get(key).cloned()
    }

    /// Forgets a value, e.g. a token that has been deleted, and returns it.
    pub async fn take(&self, key: &'static str) -> Option<Secret> {
        self.values.lock().await.remove(key)
    }
}

impl std::fmt::Debug for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Late")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Late, Secret};

    #[tokio::test]
    async fn many_askers_make_one_value_and_nothing_prints_it() {
        let late = Late::default();
        let made = AtomicU32::new(0);
        let ask = || {
            late.get_or_make("token", || async {
                tokio::task::yield_now().await;
                Ok(Secret::new(format!("t{}", made.fetch_add(1, Ordering::SeqCst))))
            })
        };
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        assert_eq!(made.load(Ordering::SeqCst), 1);
        for secret in [a, b, c] {
            let secret = secret.unwrap();
            assert_eq!(secret.expose(), "t0");
            assert!(!format!("{secret:?} {late:?}").contains("t0"));
        }
        assert_eq!(late.take("token").await.map(|s| s.expose().to_owned()), Some("t0".to_owned()));
        assert!(late.get("token").await.is_none());
    }
}
