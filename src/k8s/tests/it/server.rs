//! A real kube-apiserver with a real etcd on loopback, with certificates made for it; ended with the value.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use lab::cache::Cache;
use lab::factory::components::Components;
use lab::factory::{go_caches::GoCaches, golang};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use sealift_k8s::Api;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A name that nothing can resolve: only the certificate knows it, as at a site.
const NAME: &str = "api.test.sealift.internal";

pub(crate) struct Server {
    children: Vec<Child>,
    folder: TempDir,
    port: u16,
    pub(crate) kubeconfig: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Server {
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (etcd, peers, port) = (free_port()?, free_port()?, free_port()?);
        let authority = authority()?;
        let issue = |file: &str, name: &str| issue(folder.path(), &authority, file, name);
        let (_, _) = issue("server", NAME)?;
        let (certificate, key) = issue("admin", "admin")?;
        std::fs::write(folder.path().join("ca.crt"), authority.pem())?;
        let kubeconfig = kubeconfig(port, &authority.pem(), &certificate, &key);
        let mut server = Self { children: vec![], folder, port, kubeconfig };
        let path = |name: &str| server.folder.path().join(name).display().to_string();
        let etcd_url = format!("http://127.0.0.1:{etcd}");
        let etcd_args = vec![
            format!("--data-dir={}", path("etcd")),
            format!("--listen-client-urls={etcd_url}"),
            format!("--advertise-client-urls={etcd_url}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peers}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peers}"),
            format!("--initial-cluster=default=http://127.0.0.1:{peers}"),
            "--unsafe-no-fsync".to_owned(),
        ];
        let api_args = vec![
            format!("--etcd-servers={etcd_url}"),
            format!("--secure-port={port}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--tls-cert-file={}", path("server.crt")),
            format!("--tls-private-key-file={}", path("server.key")),
            format!("--client-ca-file={}", path("ca.crt")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", path("server.crt")),
            format!("--service-account-signing-key-file={}", path("server.key")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        server.run("etcd", "etcd", &etcd_args)?;
        server.run("kubernetes", "kube-apiserver", &api_args)?;
        server.ready().await?;
        Ok(server)
    }

    fn run(&mut self, component: &str, name: &str, args: &[String]) -> Result<()> {
        let log = std::fs::File::create(self.folder.path().join(format!("{name}.log")))?;
        let mut command = Command::new(program(component, name)?);
        command.args(args).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.children.push(command.spawn().with_context(|| format!("starting {name}"))?);
        Ok(())
    }

    async fn ready(&mut self) -> Result<()> {
        let reader = self.api()?.reader();
        let started = Instant::now();
        while !reader.ready().await {
            let ended = self.children.iter_mut().any(|child| matches!(child.try_wait(), Ok(Some(_))));
            if ended || started.elapsed() > Duration::from_mins(2) {
                let log = std::fs::read_to_string(self.folder.path().join("kube-apiserver.log"))?;
                bail!(
                    "kube-apiserver did not get ready; its log ends:\n{}",
                    &log[log.len().saturating_sub(3000)..]
                );
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// A client whose streams are opened by us, not by name.
    pub(crate) fn api(&self) -> Result<Api> {
        Ok(Api::connect(&self.kubeconfig, self.dial())?)
    }

    pub(crate) fn dial(
        &self,
    ) -> impl Fn() -> futures::future::BoxFuture<'static, std::io::Result<TcpStream>> + use<> {
        let port = self.port;
        move || Box::pin(TcpStream::connect(("127.0.0.1", port)))
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Builds the program if the lab's cache lacks it.
fn program(component: &str, name: &str) -> Result<std::path::PathBuf> {
    let cache = Cache::open()?;
    let components = Components::load()?;
    let found = components.components.iter().find(|one| one.name == component);
    let found = found.with_context(|| format!("components.yaml has no {component}"))?;
    let _turn = cache.lock("build")?;
    let folder = golang::build(&cache, &GoCaches::new(&cache), found, &golang::version()?)?;
    Ok(folder.join(name))
}

pub(crate) fn authority() -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "test CA");
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// Issues `<file>.crt` and `<file>.key` to a member of `system:masters`; good for a server of that name too.
pub(crate) fn issue(
    folder: &Path,
    authority: &CertifiedIssuer<'static, KeyPair>,
    file: &str,
    name: &str,
) -> Result<(String, String)> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "system:masters");
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?.pem();
    std::fs::write(folder.join(format!("{file}.crt")), &certificate)?;
    std::fs::write(folder.join(format!("{file}.key")), key.serialize_pem())?;
    Ok((certificate, key.serialize_pem()))
}

/// A kubeconfig as kubeadm writes it.
pub(crate) fn kubeconfig(port: u16, authority: &str, certificate: &str, key: &str) -> String {
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: https://{NAME}:{port}\n    \
         certificate-authority-data: {}\nusers:\n- name: u\n  user:\n    client-certificate-data: {}\n    \
         client-key-data: {}\ncontexts:\n- name: x\n  context: {{cluster: c, user: u}}\ncurrent-context: x\n",
        encode(authority),
        encode(certificate),
        encode(key)
    )
}
