//! Anonymous pull tokens (Docker registry token authentication specification).

use std::collections::HashMap;

use serde::Deserialize;
use tokio::sync::Mutex;

use crate::FetchError;
use crate::http::{Ask, Http, small};

/// No honest token answer is longer.
const LIMIT: u64 = 1 << 20;

/// Tokens by registry and repository. They expire; a registry that refuses one gets asked again.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, Token>>);

#[derive(Clone)]
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

impl Tokens {
    /// A token we have.
    pub(crate) async fn get(&self, key: &str) -> Option<String> {
        self.0.lock().await.get(key).map(|token| token.0.clone())
    }

    /// Does what a `WWW-Authenticate` header asks and remembers the token.
    pub(crate) async fn renew(&self, http: &Http, key: &str, challenge: &str) -> Result<String, FetchError> {
        let (registry, repository) = key.split_once('/').unwrap_or((key, ""));
        let refused = |reason: String| FetchError::Auth {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            reason,
        };
        let fields = bearer(challenge).ok_or_else(|| {
            refused(format!("it asks for '{challenge}', and only anonymous bearer tokens are known here"))
        })?;
        let realm = fields.get("realm").ok_or_else(|| refused("its challenge names no realm".into()))?;
        let mut url =
            url::Url::parse(realm).map_err(|_| refused(format!("its realm '{realm}' is no address")))?;
        if let Some(service) = fields.get("service") {
            url.query_pairs_mut().append_pair("service", service);
        }
        let scope = fields.get("scope").cloned().unwrap_or_else(|| format!("repository:{repository}:pull"));
        url.query_pairs_mut().append_pair("scope", &scope);
        let response = match http.get(Ask::whole(url.as_str())).await {
            Err(error) if !error.is_transient() => return Err(refused(error.to_string())),
            other => other?,
        };
        let body = small(url.as_str(), response, LIMIT).await?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| refused("the token service's answer is not JSON".into()))?;
        let token = if answer.token.is_empty() { answer.access_token } else { answer.token };
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(refused("the token service gave no usable token".into()));
        }
        self.0.lock().await.insert(key.to_owned(), Token(token.clone()));
        Ok(token)
    }
}

/// The parameters of a `Bearer` challenge (RFC 9110, 11.6.1): `Bearer realm="...",service="..."`.
fn bearer(challenge: &str) -> Option<HashMap<String, String>> {
    let (scheme, mut rest) = challenge.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut fields = HashMap::new();
    while !rest.trim_start_matches([' ', ',']).is_empty() {
        let (name, value) = rest.trim_start_matches([' ', ',']).split_once('=')?;
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_once(',').unwrap_or((value, "")),
        };
        fields.insert(name.trim().to_ascii_lowercase(), value.to_owned());
        rest = after;
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn reads_challenges_as_registries_write_them() {
        let fields = bearer(r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io", scope="repository:a/b:pull,push""#)
            .expect("parses");
        assert_eq!(fields["realm"], "https://auth.docker.io/token");
        assert_eq!(fields["scope"], "repository:a/b:pull,push");
        assert_eq!(bearer("bearer realm=https://x/t,service=y").expect("parses")["service"], "y");
        for bad in ["", "Basic realm=\"x\"", "Bearer", "Bearer realm=\"x", "Bearer realm"] {
            assert!(bearer(bad).is_none_or(|fields| !fields.contains_key("realm")), "{bad} was taken");
        }
    }
}
