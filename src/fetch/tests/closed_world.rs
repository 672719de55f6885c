//! The closed world, by the real helm and kubeadm of the lab's cache.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_bundle::{Lock, Recipe};
use sealift_fetch::{Fetcher, MissingImage, WorldError, WorldReport, closed_world, resolve};

use crate::kit::layout::{Layout, gz};
use crate::kit::registry::Registry;
use crate::kit::server::{Reply, Request, Server};
use crate::kit::{NOW, digest, fetcher, recipe};

/// A program that the lab builds from its Go module.
fn built(component: &str, program: &str) -> PathBuf {
    let var = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = var("SEALIFT_LAB_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("sealift-lab")))
        .or_else(|| var("HOME").map(|dir| dir.join(".cache/sealift-lab")))
        .expect("HOME is set");
    let folders = std::fs::read_dir(cache.join("bin")).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = folders
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(component))
        .map(|entry| entry.path().join(program))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("{program} is not built: `cargo run -p lab -- build` first"))
}

/// A tar.gz of one or more files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        tar.append_data(&mut header, path, *content).expect("appends");
    }
    gz(&tar.into_inner().expect("ends"))
}

const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      {{- if .Values.broken }}{{ fail "on purpose" }}{{ end }}
      containers: [{name: web, image: registry.test/web:1}]
      {{- if .Values.proxy }}
      initContainers: [{name: proxy, image: {{ .Values.proxy | quote }}}]
      {{- end }}
"#;

/// Registry, download site and chart repository at one address.
struct Internet {
    server: Server,
    _registry: Registry,
}

impl Internet {
    fn start() -> Self {
        let registry = Registry::start();
        let dir = tempfile::tempdir().expect("folder");
        let layout = Layout::new(dir.path());
        layout.close("1", &layout.index(b"web"));
        registry.push(dir.path(), "1", "registry.test/web");

        let helm = std::fs::read(built("helm-", "helm")).expect("reads");
        let helm = Reply {
            status: 200,
            body: Arc::new(archive(&[("linux-amd64/helm", &helm)])),
            ..Reply::default()
        };
        let kubeadm = std::fs::read(built("kubernetes-", "kubeadm")).expect("reads");
        let kubeadm = Reply { status: 200, body: Arc::new(kubeadm), ..Reply::default() };
        let chart = archive(&[
            ("web/Chart.yaml", b"{apiVersion: v2, name: web, version: 1.0.0}"),
            ("web/values.yaml", b"{proxy: ''}"),
            ("web/templates/web.yaml", DEPLOYMENT.as_bytes()),
        ]);
        let upstream = registry.base();
        let server = Server::start(move |request: &Request, _| {
            let sum = |reply: &Reply| Reply::ok(digest(&reply.body)[7..].to_owned());
            match request.path.as_str() {
                "/dl.test/helm.tar.gz" => helm.clone(),
                "/dl.test/helm.sha256" => sum(&helm),
                "/dl.test/kubeadm" => kubeadm.clone(),
                "/dl.test/kubeadm.sha256" => sum(&kubeadm),
                "/dl.test/charts/index.yaml" => {
                    Reply::ok("entries: {web: [{version: 1.0.0, urls: [web.tgz]}]}")
                }
                "/dl.test/charts/web.tgz" => Reply::ok(chart.clone()),
                path if path.starts_with("/v2/") => {
                    Reply::status(307).with("Location", format!("{upstream}{path}"))
                }
                _ => Reply::status(404),
            }
        });
        Self { server, _registry: registry }
    }
}

const HELM: &str =
    "{name: helm, version: v4, url: 'https://dl.test/helm.tar.gz', checksum: 'https://dl.test/helm.sha256'}";
const KUBEADM: &str = "{name: kubeadm, version: v1, url: 'https://dl.test/kubeadm', checksum: 'https://dl.test/kubeadm.sha256'}";

/// Resolves and checks; a scratch folder of its own.
async fn check(internet: &Internet, recipe: &Recipe) -> (Lock, Fetcher, Result<WorldReport, WorldError>) {
    let fetcher = fetcher(&internet.server.base);
    let lock = resolve(recipe, &fetcher, None, NOW).await.expect("resolves");
    let scratch = tempfile::tempdir().expect("folder");
    let result = closed_world(recipe, &lock, &fetcher, scratch.path()).await;
    (lock, fetcher, result)
}

fn with_chart(values: &str, files: &str, rest: &str) -> Recipe {
    recipe(&format!(
        "images: ['registry.test/web:1']\nfiles: [{files}]\ncharts: \
         [{{name: web, repository: 'https://dl.test/charts', version: 1.0.0, namespace: site, values: {values}}}]\n{rest}"
    ))
}

#[tokio::test]
async fn missing_images_are_named_with_chart_and_object_all_at_once() {
    let internet = Internet::start();
    let (_, _, result) = check(&internet, &with_chart("{}", HELM, "")).await;
    assert_eq!(result.expect("closed"), WorldReport { charts: 1, images: 1, ..WorldReport::default() });

    let dir = tempfile::tempdir().expect("folder");
    let manifest = dir.path().join("extra.yaml");
    let text = "kind: Pod\nmetadata: {name: extra}\nspec: {containers: [{image: 'nginx:1.29'}]}\n";
    std::fs::write(&manifest, text).expect("writes");
    let rest = format!("manifests: [{{name: extra, path: {}}}]", manifest.display());
    let (_, _, result) = check(&internet, &with_chart("{proxy: 'quay.test/proxy:7'}", HELM, &rest)).await;
    let Err(WorldError::Missing(missing)) = result else { panic!("not refused: {result:?}") };
    let one = |origin: &str, object: &str, image: &str| MissingImage {
        origin: origin.into(),
        object: object.into(),
        image: image.into(),
    };
    assert_eq!(
        missing,
        [
            one("chart web", "Deployment/web", "quay.test/proxy:7"),
            one("manifest extra", "Pod/extra", "docker.io/library/nginx:1.29")
        ]
    );
}

#[tokio::test]
async fn kubeadm_is_asked_for_its_own_list() {
    let internet = Internet::start();
    let (_, _, result) = check(&internet, &recipe(&format!("files: [{KUBEADM}]"))).await;
    let Err(WorldError::Missing(missing)) = result else { panic!("not refused: {result:?}") };
    let images: Vec<&str> = missing.iter().map(|one| one.image.as_str()).collect();
    assert!(images.contains(&"registry.k8s.io/kube-apiserver:v1.36.4"), "{images:?}");
    assert!(images.contains(&"registry.k8s.io/pause:3.10.2"), "{images:?}");
    assert_eq!(images.len(), 7, "{images:?}");
}

#[tokio::test]
async fn a_chart_that_cannot_be_rendered_is_not_taken_for_one_without_images() {
    let internet = Internet::start();
    let (_, _, result) = check(&internet, &with_chart("{broken: true}", HELM, "")).await;
    let error = result.expect_err("refused");
    assert!(matches!(error, WorldError::Program { .. }), "{error}");
    assert!(
        error.to_string().contains("rendering chart web") && error.to_string().contains("on purpose"),
        "{error}"
    );
    let (_, _, result) = check(&internet, &with_chart("{}", "", "")).await;
    assert!(matches!(result, Err(WorldError::NoTool { name: "helm" })), "{result:?}");
}

#[tokio::test]
async fn what_the_check_downloaded_is_not_fetched_again() {
    let internet = Internet::start();
    let recipe = with_chart("{}", HELM, "");
    let fetcher = fetcher(&internet.server.base);
    let lock = resolve(&recipe, &fetcher, None, NOW).await.expect("resolves");
    let scratch = tempfile::tempdir().expect("folder");
    closed_world(&recipe, &lock, &fetcher, scratch.path()).await.expect("closed");
    let gets = || {
        let all = internet.server.requests();
        all.iter().filter(|request| request.method == "GET" && is_helm(&request.path)).count()
    };
    assert_eq!(gets(), 1);
    let blob = lock.blobs.iter().find(|blob| blob.media_type == "application/gzip").expect("helm's archive");
    let bytes = crate::kit::read(&fetcher, blob, 0).await.expect("reads");
    assert_eq!(sealift_stream::Digest::of(&bytes), blob.digest);
    assert_eq!(gets(), 1);
}

fn is_helm(path: &str) -> bool {
    Path::new(path).file_name().is_some_and(|name| name == "helm.tar.gz")
}
