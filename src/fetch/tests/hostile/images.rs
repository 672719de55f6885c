//! What a registry may say of an image.

use std::time::Instant;

use sealift_fetch::{FetchError, resolve};
use serde_json::{Value, json};

use crate::kit::layout::{CONFIG, INDEX, LAYER, MANIFEST};
use crate::kit::server::{Reply, Server};
use crate::kit::{NOW, digest, fetcher, recipe};

/// Resolves `registry.test/app:1` at a server.
async fn image(server: &Server) -> Result<(), FetchError> {
    resolve(&recipe("images: ['registry.test/app:1']"), &fetcher(&server.base), None, NOW).await.map(drop)
}

fn document(media_type: &str, body: &Value) -> Reply {
    Reply::ok(body.to_string()).with("Content-Type", media_type)
}

fn manifest_with(layer: &Value) -> Value {
    let config = json!({"mediaType": CONFIG, "digest": digest(config().as_bytes()), "size": config().len()});
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]})
}

fn config() -> String {
    json!({"os": "linux", "architecture": "amd64"}).to_string()
}

/// Serves one bare image with this layer.
fn bare(layer: Value) -> Server {
    Server::start(move |request, _| {
        if request.path.contains("/manifests/") {
            document(MANIFEST, &manifest_with(&layer))
        } else {
            Reply::ok(config())
        }
    })
}

fn layer() -> Value {
    json!({"mediaType": LAYER, "digest": digest(b"layer"), "size": 5})
}

#[tokio::test]
async fn a_layer_that_lives_elsewhere_is_refused() {
    image(&bare(layer())).await.expect("the honest one resolves");
    let mut elsewhere = layer();
    elsewhere["urls"] = json!(["https://evil.test/layer"]);
    let error = image(&bare(elsewhere)).await.expect_err("refused");
    assert!(matches!(&error, FetchError::Image { reason, .. } if reason.contains("foreign")), "{error}");
    let mut kind = layer();
    kind["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    assert!(matches!(image(&bare(kind)).await, Err(FetchError::Image { .. })));
}

#[tokio::test]
async fn descriptors_that_make_no_sense_are_refused() {
    for (field, value) in
        [("size", json!(-1)), ("digest", json!("sha512:00")), ("mediaType", json!("text/html"))]
    {
        let mut bad = layer();
        bad[field] = value;
        let error = image(&bare(bad)).await.expect_err("refused");
        assert!(matches!(error, FetchError::Image { .. }), "{field}: {error}");
    }
}

#[tokio::test]
async fn one_document_that_is_index_and_image_is_refused() {
    let server = Server::start(|_, _| {
        let mut both = manifest_with(&layer());
        both["mediaType"] = json!(INDEX);
        both["manifests"] = json!([]);
        document(INDEX, &both)
    });
    let error = image(&server).await.expect_err("refused").to_string();
    assert!(error.contains("index and image at once"), "{error}");
}

#[tokio::test]
async fn content_under_another_digest_is_refused_and_not_asked_for_again() {
    let server = Server::start(|request, _| {
        let wanted = json!({"mediaType": MANIFEST, "digest": digest(b"promised"), "size": 8,
            "platform": {"os": "linux", "architecture": "amd64"}});
        if request.path.ends_with("/manifests/1") {
            document(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [wanted]}))
        } else {
            document(MANIFEST, &manifest_with(&layer()))
        }
    });
    let error = image(&server).await.expect_err("refused");
    assert!(error.is_integrity() && error.to_string().contains(&digest(b"promised")), "{error}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_header_that_promises_another_digest_is_refused() {
    let server = Server::start(|_, _| {
        document(MANIFEST, &manifest_with(&layer())).with("Docker-Content-Digest", digest(b"other"))
    });
    assert!(image(&server).await.expect_err("refused").is_integrity());
}

#[tokio::test]
async fn a_stumbling_registry_is_asked_again_and_a_fallen_one_not_for_ever() {
    let stumbling = Server::start(|request, number| match number {
        0 => Reply::status(503),
        1 => Reply::status(429).with("Retry-After", "0"),
        _ if request.path.contains("/manifests/") => document(MANIFEST, &manifest_with(&layer())),
        _ => Reply::ok(config()),
    });
    image(&stumbling).await.expect("the third attempt is good");

    let fallen = Server::start(|_, _| Reply::status(429).with("Retry-After", "86400"));
    let began = Instant::now();
    let error = image(&fallen).await.expect_err("gives up").to_string();
    assert!(error.contains("429") && error.contains("gave up after 3 attempts"), "{error}");
    assert_eq!(fallen.requests().len(), 3);
    assert!(began.elapsed().as_secs() < 5, "a server's wish has a limit");
}

#[tokio::test]
async fn a_token_is_got_where_the_registry_says_and_only_sent_to_it() {
    let server = Server::start(|request, _| {
        let host = request.header("host").expect("has a host").to_owned();
        if request.path.starts_with("/token") {
            assert_eq!(request.header("authorization"), None);
            assert!(
                request.path.contains("scope=repository%3Aregistry.test%2Fapp%3Apull"),
                "{}",
                request.path
            );
            return Reply::ok(r#"{"token":"secret"}"#);
        }
        if request.header("authorization") != Some("Bearer secret") {
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"test\"");
            return Reply::status(401).with("WWW-Authenticate", challenge);
        }
        if request.path.contains("/manifests/") {
            document(MANIFEST, &manifest_with(&layer()))
        } else {
            Reply::ok(config())
        }
    });
    image(&server).await.expect("resolves");
    let tokens = server.requests().iter().filter(|request| request.path.starts_with("/token")).count();
    assert_eq!(tokens, 1, "one token for a repository");

    let closed = Server::start(|_, _| Reply::status(401).with("WWW-Authenticate", "Basic realm=\"x\""));
    let error = image(&closed).await.expect_err("refused").to_string();
    assert!(error.contains("authenticating at") && error.contains("Basic"), "{error}");
    assert_eq!(closed.requests().len(), 1);
}

#[tokio::test]
async fn an_endless_manifest_is_cut_off() {
    let server = Server::start(|_, _| Reply::ok(vec![b' '; 5 << 20]).with("Content-Type", MANIFEST));
    let error = image(&server).await.expect_err("refused").to_string();
    assert!(error.contains("more than 4194304 bytes"), "{error}");
}
