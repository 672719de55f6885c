//! The download site: a folder over HTTP/1.1, with ranges.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use futures::TryStreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;

use super::range::{Asked, parse};

type Body = BoxBody<Bytes, io::Error>;

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, root: PathBuf) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await.context("accepting a connection")?;
        let root = root.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let root = root.clone();
                async move { Ok::<_, Infallible>(answer(&root, &request).await) }
            });
            // A client that goes away is no fault of the server.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(root: &Path, request: &Request<Incoming>) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return status(StatusCode::METHOD_NOT_ALLOWED);
    }
    let Some(path) = resolve(root, request.uri().path()) else { return status(StatusCode::NOT_FOUND) };
    file(&path, request).await.unwrap_or_else(|_| status(StatusCode::NOT_FOUND))
}

async fn file(path: &Path, request: &Request<Incoming>) -> io::Result<Response<Body>> {
    let mut file = File::open(path).await?;
    let meta = file.metadata().await?;
    if !meta.is_file() {
        return Ok(status(StatusCode::NOT_FOUND));
    }
    let size = meta.len();
    let changed = meta.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let tag = format!("\"{:x}-{size:x}\"", changed.as_nanos());
    let text = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    // A part of another version would be worse than the whole of this one.
    let range = if text(IF_RANGE).is_none_or(|t| t == tag) { text(RANGE) } else { None };
    let (code, from, to) = match parse(range, size) {
        Asked::Whole => (StatusCode::OK, 0, size),
        Asked::Part { from, to } => (StatusCode::PARTIAL_CONTENT, from, to),
        Asked::Beyond => {
            let mut response = status(StatusCode::RANGE_NOT_SATISFIABLE);
            response.headers_mut().insert(CONTENT_RANGE, header(&format!("bytes */{size}"))?);
            return Ok(response);
        }
    };
    let body = if request.method() == Method::HEAD {
        empty()
    } else {
        file.seek(io::SeekFrom::Start(from)).await?;
        let stream = ReaderStream::with_capacity(file.take(to - from), 256 << 10);
        BodyExt::boxed(StreamBody::new(stream.map_ok(Frame::data)))
    };
    let mut response = Response::new(body);
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, (to - from).into());
    headers.insert(CONTENT_TYPE, header("application/octet-stream")?);
    headers.insert(ACCEPT_RANGES, header("bytes")?);
    headers.insert(ETAG, header(&tag)?);
    if code == StatusCode::PARTIAL_CONTENT {
        headers.insert(CONTENT_RANGE, header(&format!("bytes {from}-{}/{size}", to - 1))?);
    }
    Ok(response)
}

/// The file a request path names; a path with anything unusual in it names none.
fn resolve(root: &Path, path: &str) -> Option<PathBuf> {
    let relative = path.strip_prefix('/')?;
    let fine = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+~".contains(&b))
    };
    relative.split('/').all(fine).then(|| root.join(relative))
}

fn header(text: &str) -> io::Result<hyper::header::HeaderValue> {
    text.parse().map_err(io::Error::other)
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = code;
    response
}

fn empty() -> Body {
    Empty::new().map_err(|never: Infallible| match never {}).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_leave_the_folder() {
        let root = Path::new("/site");
        assert_eq!(resolve(root, "/dl.k8s.io/a-1.2+b").unwrap(), Path::new("/site/dl.k8s.io/a-1.2+b"));
        for path in [
            "/../etc/passwd",
            "/a/../../b",
            "//etc/passwd",
            "/a//b",
            "/a/",
            "/",
            "",
            "/%2e%2e/b",
            "/a\\b",
            "/.",
        ] {
            assert_eq!(resolve(root, path), None, "{path}");
        }
    }
}
