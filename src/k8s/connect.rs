//! A client over whatever stream the caller can open: a TCP connection in tests, an SSH channel at a site.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::ServiceBuilder;

use crate::kubeconfig::{Credentials, Pem};
use crate::{K8sError, Reader, Writer};

/// How long opening a stream and agreeing on TLS may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// A cluster's API; connections are opened when needed and kept for the next request.
#[derive(Clone)]
pub struct Api {
    pub(crate) client: kube::Client,
    pub(crate) server: String,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Api({})", self.server)
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Dial = dyn Fn() -> BoxFuture<'static, io::Result<Box<dyn Stream>>> + Send + Sync;

impl Api {
    /// Prepares a client with the server, CA and client certificate of a kubeconfig. `dial` opens a
    /// stream to the API server each time a connection is needed; nothing is opened yet. Must be called
    /// inside a tokio runtime.
    pub fn connect<D, F, S>(kubeconfig: &str, dial: D) -> Result<Self, K8sError>
    where
        D: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self::with(&Credentials::parse(kubeconfig)?, dial)
    }

    /// The same with credentials already parsed, e.g. under another server name.
    pub fn with<D, F, S>(credentials: &Credentials, dial: D) -> Result<Self, K8sError>
    where
        D: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let dial: Arc<Dial> = Arc::new(move || {
            let stream = dial();
            Box::pin(async move { Ok(Box::new(stream.await?) as Box<dyn Stream>) })
        });
        let name = ServerName::try_from(credentials.server_name.clone())
            .map_err(|_| K8sError::Kubeconfig { why: "the server's name is not a host name".to_owned() })?;
        let connector = Connector { dial, tls: TlsConnector::from(Arc::new(tls(credentials)?)), name };
        let authority = credentials.authority.clone();
        let service = ServiceBuilder::new()
            .map_request(move |mut request: http::Request<kube::client::Body>| {
                let uri = std::mem::take(request.uri_mut());
                // "http": the connector below speaks TLS by itself
                let built = http::Uri::builder().scheme("http").authority(authority.as_str());
                let path = uri.path_and_query().map_or("/", |path| path.as_str());
                *request.uri_mut() = built.path_and_query(path).build().unwrap_or(uri);
                request
            })
            .service(HttpClient::builder(TokioExecutor::new()).build::<_, kube::client::Body>(connector));
        Ok(Self { client: kube::Client::new(service, "default"), server: credentials.authority.clone() })
    }

    /// A client that can only get and list.
    pub fn reader(&self) -> Reader {
        Reader::new(self.clone())
    }

    /// A client that can change things.
    pub fn writer(&self) -> Writer {
        Writer::new(self.clone())
    }
}

fn tls(credentials: &Credentials) -> Result<rustls::ClientConfig, K8sError> {
    let wrong = |what: &str| K8sError::Kubeconfig { why: format!("{what} cannot be used") };
    let certificates = |pem: &Pem, what: &str| {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.0).collect();
        found.ok().filter(|found| !found.is_empty()).ok_or_else(|| wrong(what))
    };
    let mut roots = rustls::RootCertStore::empty();
    for root in certificates(&credentials.authority_certificates, "certificate-authority-data")? {
        roots.add(root).map_err(|_| wrong("certificate-authority-data"))?;
    }
    let chain = certificates(&credentials.client_certificate, "client-certificate-data")?;
    let key =
        PrivateKeyDer::from_pem_slice(&credentials.client_key.0).map_err(|_| wrong("client-key-data"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| wrong("TLS"))?.with_root_certificates(roots);
    let mut config =
        builder.with_client_auth_cert(chain, key).map_err(|_| wrong("client-certificate-data"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[derive(Clone)]
struct Connector {
    dial: Arc<Dial>,
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl tower::Service<http::Uri> for Connector {
    type Response = TokioIo<Secured>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        let (stream, tls, name) = ((self.dial)(), self.tls.clone(), self.name.clone());
        let connected =
            async move { tls.connect(name, stream.await?).await.map(|tls| TokioIo::new(Secured(tls))) };
        Box::pin(async move {
            tokio::time::timeout(CONNECT_LIMIT, connected)
                .await
                .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection within 20 s"))?
        })
    }
}

/// A stream under TLS; a type of its own because hyper wants to be told what kind of connection it is.
struct Secured(TlsStream<Box<dyn Stream>>);

impl Connection for Secured {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
