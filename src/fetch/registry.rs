//! The read half of the OCI distribution protocol (specification 1.1).

use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Method, Response, StatusCode};

use crate::FetchError;
use crate::auth::Tokens;
use crate::http::{Ask, Http, good, header};
use crate::mirrors::Mirrors;

/// Everything an image's top document may be.
pub(crate) const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// Which collection of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    Manifests,
    Blobs,
}

/// All registries, by upstream name.
#[derive(Debug)]
pub(crate) struct Registries {
    http: Http,
    mirrors: Mirrors,
    tokens: Tokens,
}

impl Registries {
    pub(crate) fn new(http: Http, mirrors: Mirrors) -> Self {
        Self { http, mirrors, tokens: Tokens::default() }
    }

    /// Where `reference` (tag or digest) of an upstream repository really is.
    pub(crate) fn url(&self, full_repository: &str, collection: Collection, reference: &str) -> String {
        let (base, repository) = self.place(full_repository);
        let collection = match collection {
            Collection::Manifests => "manifests",
            Collection::Blobs => "blobs",
        };
        format!("{base}/v2/{repository}/{collection}/{reference}")
    }

    /// One attempt; a token is got on the way when the registry wants one.
    pub(crate) async fn get(
        &self,
        full_repository: &str,
        collection: Collection,
        reference: &str,
        offset: u64,
    ) -> Result<Response, FetchError> {
        let url = self.url(full_repository, collection, reference);
        let (base, repository) = self.place(full_repository);
        let key = format!("{}/{repository}", base.split_once("://").map_or(base.as_str(), |(_, host)| host));
        let accept = if collection == Collection::Manifests { MANIFEST_TYPES } else { "" };
        let known = self.tokens.get(&key).await;
        let ask = Ask { url: &url, accept, token: known.as_deref(), offset };
        let response = self.http.send(Method::GET, ask).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return good(&url, response).await;
        }
        let Some(challenge) = header(&response, WWW_AUTHENTICATE.as_str()).map(str::to_owned) else {
            return good(&url, response).await;
        };
        let token = self.tokens.renew(&self.http, &key, &challenge).await?;
        self.http.get(Ask { token: Some(&token), ..ask }).await
    }

    fn place(&self, full_repository: &str) -> (String, String) {
        let (host, repository) = full_repository.split_once('/').unwrap_or((full_repository, ""));
        self.mirrors.repository(host, repository)
    }
}
