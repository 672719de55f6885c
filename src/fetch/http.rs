//! One HTTP request, with time-outs, and its answer judged. Repeating it is the caller's budget's business.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, RANGE, RETRY_AFTER,
};
use reqwest::{Method, Response, StatusCode};

use crate::FetchError;
use crate::dns::SystemDns;
use crate::retry::retry_after;

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a str,
    /// Media types, best first; empty for any.
    pub(crate) accept: &'a str,
    /// A bearer token.
    pub(crate) token: Option<&'a str>,
    /// The first byte wanted.
    pub(crate) offset: u64,
}

impl<'a> Ask<'a> {
    /// The whole of an address.
    pub(crate) fn whole(url: &'a str) -> Self {
        Self { url, accept: "", token: None, offset: 0 }
    }
}

/// The HTTP client.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
}

impl Http {
    /// `quiet`: how long a connection may say nothing, before or in an answer.
    pub(crate) fn new(connect: Duration, quiet: Duration) -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("sealift/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect)
            .read_timeout(quiet)
            .redirect(reqwest::redirect::Policy::custom(redirect))
            .dns_resolver(Arc::new(SystemDns::default()))
            .build()
            .map_err(|error| FetchError::Client { reason: error.to_string() })?;
        Ok(Self { client })
    }

    /// Sends a request; any status is an answer.
    pub(crate) async fn send(&self, method: Method, ask: Ask<'_>) -> Result<Response, FetchError> {
        // What a server would compress on the way would have another size than the one promised.
        let mut request = self.client.request(method, ask.url).header(ACCEPT_ENCODING, "identity");
        if !ask.accept.is_empty() {
            request = request.header(ACCEPT, ask.accept);
        }
        if let Some(token) = ask.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if ask.offset > 0 {
            request = request.header(RANGE, format!("bytes={}-", ask.offset));
        }
        tracing::debug!(url = ask.url, offset = ask.offset, "asking");
        request.send().await.map_err(|error| FetchError::transport(ask.url, &error))
    }

    /// Gets an address; anything but success is an error.
    pub(crate) async fn get(&self, ask: Ask<'_>) -> Result<Response, FetchError> {
        good(ask.url, self.send(Method::GET, ask).await?).await
    }
}

/// The answer, if it is one.
pub(crate) async fn good(url: &str, response: Response) -> Result<Response, FetchError> {
    if matches!(response.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        return Ok(response);
    }
    let status = response.status().as_u16();
    let wish = header(&response, RETRY_AFTER.as_str()).and_then(retry_after);
    let body = small(url, response, 4096).await.unwrap_or_default();
    let message = String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(160).collect();
    Err(FetchError::Status { url: url.to_owned(), status, retry_after: wish, message })
}

/// The whole body of a small document.
pub(crate) async fn small(url: &str, mut response: Response, limit: u64) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::TooLarge { url: url.to_owned(), limit };
    if length(&response).is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| FetchError::transport(url, &error))? {
        if body.len() as u64 + piece.len() as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The announced length. reqwest's own `content_length` is 0 for every HEAD.
pub(crate) fn length(response: &Response) -> Option<u64> {
    header(response, CONTENT_LENGTH.as_str())?.parse().ok()
}

/// Checks an answer to a request from `offset` on against the known whole size.
/// Gives how many bytes at its start are already here: all of them when the server ignores ranges.
pub(crate) fn skip(url: &str, response: &Response, offset: u64, size: u64) -> Result<u64, FetchError> {
    let (begin, announced) = if response.status() == StatusCode::PARTIAL_CONTENT {
        let seen = header(response, CONTENT_RANGE.as_str()).unwrap_or_default();
        if seen != format!("bytes {offset}-{}/{size}", size.saturating_sub(1))
            && seen != format!("bytes {offset}-{}/*", size.saturating_sub(1))
        {
            return Err(FetchError::Range { url: url.to_owned(), offset, seen: format!("'{seen}'") });
        }
        (offset, length(response).map(|length| offset + length))
    } else {
        (0, length(response))
    };
    match announced {
        Some(seen) if seen != size => Err(FetchError::Size { what: url.to_owned(), expected: size, seen }),
        _ => Ok(offset - begin),
    }
}

/// A header as text.
pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// Follows up to ten redirects, but never from https to plain http.
fn redirect(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let was_secure = attempt.previous().iter().any(|url| url.scheme() == "https");
    if was_secure && attempt.url().scheme() != "https" {
        return attempt.error("from https to plain http");
    }
    if attempt.previous().len() > 10 {
        return attempt.error("more than ten times");
    }
    attempt.follow()
}
