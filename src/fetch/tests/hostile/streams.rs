//! What a server may do while it sends a blob.

use sealift_bundle::{BlobKind, LockedBlob, Source};
use sealift_stream::Digest;

use crate::kit::server::{Reply, Request, Server};
use crate::kit::{fetcher, read};

const BODY: &[u8] = b"0123456789";

fn blob() -> LockedBlob {
    LockedBlob {
        digest: Digest::of(BODY),
        size: 10,
        media_type: "application/octet-stream".into(),
        kind: BlobKind::File,
        platform: None,
        source: Source::Url { url: "https://dl.test/file".into() },
    }
}

/// The honest answer to a range request.
fn ranged(request: &Request) -> Reply {
    match request.header("range") {
        None => Reply::ok(BODY),
        Some(range) => {
            let from: usize =
                range.trim_start_matches("bytes=").trim_end_matches('-').parse().expect("a range");
            let mut reply = Reply::ok(&BODY[from..]).with("Content-Range", format!("bytes {from}-9/10"));
            reply.status = 206;
            reply
        }
    }
}

#[tokio::test]
async fn a_range_is_resumed() {
    let server = Server::start(|request, _| ranged(request));
    let fetcher = fetcher(&server.base);
    assert_eq!(read(&fetcher, &blob(), 4).await.expect("reads"), &BODY[4..]);
    assert_eq!(server.requests()[0].header("range"), Some("bytes=4-"));
}

#[tokio::test]
async fn a_server_that_ignores_ranges_costs_bytes_not_content() {
    let server = Server::start(|_, _| Reply::ok(BODY));
    assert_eq!(read(&fetcher(&server.base), &blob(), 4).await.expect("reads"), &BODY[4..]);
}

#[tokio::test]
async fn another_range_than_asked_for_is_refused() {
    let server = Server::start(|_, _| {
        let mut reply = Reply::ok(&BODY[2..]).with("Content-Range", "bytes 2-9/10");
        reply.status = 206;
        reply
    });
    let error = read(&fetcher(&server.base), &blob(), 4).await.expect_err("refused");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("'bytes 2-9/10'"), "{error}");
}

#[tokio::test]
async fn another_length_than_locked_is_refused_before_a_byte_is_read() {
    for body in [&b"01234567890"[..], b"0123"] {
        let server = Server::start(move |_, _| Reply::ok(body));
        let error = read(&fetcher(&server.base), &blob(), 0).await.expect_err("refused");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
        assert_eq!(server.requests().len(), 1, "what contradicts the lock is not asked for again");
    }
}

#[tokio::test]
async fn a_cut_is_an_error_and_never_a_short_success() {
    let server = Server::start(|_, _| Reply { cut: Some(4), ..Reply::ok(BODY) });
    let error = read(&fetcher(&server.base), &blob(), 0).await.expect_err("an error");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
}

#[tokio::test]
async fn nobody_there_is_an_error_after_the_budget() {
    // Bound and given back: nobody listens there now.
    let address =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("binds");
    let error =
        read(&fetcher(&format!("http://{address}")), &blob(), 0).await.expect_err("an error").to_string();
    assert!(error.contains("refused") && error.contains("gave up after 3 attempts"), "{error}");
}
