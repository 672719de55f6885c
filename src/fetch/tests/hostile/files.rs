//! What a download site or chart repository may do.

use sealift_bundle::ItemKind;
use sealift_fetch::{FetchError, resolve};

use crate::kit::server::{Reply, Server};
use crate::kit::{NOW, digest, fetcher, recipe};

const FILE: &str =
    "files: [{name: f, version: v1, url: 'https://dl.test/f.bin', checksum: 'https://dl.test/f.sum'}]";

#[tokio::test]
async fn digest_and_size_are_found_out_without_the_content() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/dl.test/f.sum" => Reply::ok(format!("{}  f.bin\n", &digest(b"content")[7..])),
        _ => Reply::ok("content"),
    });
    let fetcher = fetcher(&server.base);
    let lock = resolve(&recipe(FILE), &fetcher, None, NOW).await.expect("resolves");
    let item = lock.item(ItemKind::File, "f").expect("is an item");
    assert_eq!((item.digest.to_string(), item.size), (digest(b"content"), 7));
    assert!(
        server.requests().iter().all(|request| request.method == "HEAD" || request.path == "/dl.test/f.sum")
    );

    let asked = server.requests().len();
    resolve(&recipe(FILE), &fetcher, Some(&lock), NOW).await.expect("resolves");
    assert_eq!(server.requests().len(), asked, "what is locked is not asked for again");
}

#[tokio::test]
async fn a_site_that_knows_no_head_is_asked_with_get() {
    let server = Server::start(|request, _| match (request.method.as_str(), request.path.as_str()) {
        (_, "/dl.test/f.sum") => Reply::ok(digest(b"content")[7..].to_owned()),
        ("HEAD", _) => Reply::status(405),
        _ => Reply::ok("content"),
    });
    let lock = resolve(&recipe(FILE), &fetcher(&server.base), None, NOW).await.expect("resolves");
    assert_eq!(lock.items[0].size, 7);
}

#[tokio::test]
async fn an_error_page_is_no_checksum() {
    let server = Server::start(|_, _| Reply::ok("<html>Sign in to continue</html>"));
    let error = resolve(&recipe(FILE), &fetcher(&server.base), None, NOW).await.expect_err("refused");
    assert!(matches!(&error, FetchError::File { file, .. } if file == "f"), "{error}");
}

const CHART: &str =
    "charts: [{name: web, repository: 'https://dl.test/charts', version: 1.0.0, namespace: web}]";

#[tokio::test]
async fn a_chart_that_is_not_what_its_index_promises_is_refused() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/dl.test/charts/index.yaml" => Reply::ok(format!(
            "entries:\n  web:\n  - {{version: 1.0.0, urls: [web-1.0.0.tgz], digest: {}}}\n",
            &digest(b"promised")[7..]
        )),
        _ => Reply::ok("something else"),
    });
    let error = resolve(&recipe(CHART), &fetcher(&server.base), None, NOW).await.expect_err("refused");
    assert!(error.is_integrity(), "{error}");
    assert!(error.to_string().contains("chart web"), "{error}");
}

#[tokio::test]
async fn a_chart_that_changed_under_its_version_is_refused() {
    let server = Server::start(|request, number| match request.path.as_str() {
        "/dl.test/charts/index.yaml" => {
            Reply::ok("entries: {web: [{version: 1.0.0, urls: [web-1.0.0.tgz]}]}")
        }
        _ => Reply::ok(format!("chart, build {number}")),
    });
    let fetcher = fetcher(&server.base);
    let lock = resolve(&recipe(CHART), &fetcher, None, NOW).await.expect("resolves");
    let error = resolve(&recipe(CHART), &fetcher, Some(&lock), NOW).await.expect_err("refused").to_string();
    assert!(error.contains("when it was locked"), "{error}");
    resolve(&recipe(CHART), &fetcher, None, NOW).await.expect("with a new lock it is taken");
}
