//! The closed world: every image that anything in a bundle names is in the bundle.

mod error;
mod images;
mod program;
mod tools;

use std::collections::BTreeSet;
use std::path::Path;

use sealift_bundle::{Item, ItemKind, Lock, LockedBlob, Platform, Recipe, SEALIFT};

use crate::{Fetcher, ImageName};

pub use error::{MissingImage, WorldError};
pub use images::{FoundImage, images_of};
use program::Program;
use tools::Tools;

/// What was looked at, for the closing words of pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorldReport {
    /// Charts rendered.
    pub charts: usize,
    /// Manifests read.
    pub manifests: usize,
    /// Different image names met.
    pub images: usize,
    /// A sealift for machines of another kind: it cannot be asked here whether it is what the recipe says.
    pub unasked: Option<Platform>,
}

/// Renders every chart with the recipe's values by the bundle's own helm, reads the recipe's manifests, asks the
/// bundle's own kubeadm for its list, and compares the images they name with the lock. Of a sealift that the bundle
/// brings, the version is asked too.
///
/// Programs, archives and values lie under `scratch`, which the caller makes, keeps private and removes after the
/// pack: what was downloaded for the check is packed from there.
pub async fn closed_world(
    recipe: &Recipe,
    lock: &Lock,
    fetcher: &Fetcher,
    scratch: &Path,
) -> Result<WorldReport, WorldError> {
    let tools = Tools { lock, fetcher, scratch };
    let mut found: Vec<Named> = Vec::new();
    let mut report = WorldReport::default();
    if !recipe.spec.charts.is_empty() {
        let helm = tools.helm().await?;
        for chart in lock.items.iter().filter(|item| item.kind == ItemKind::Chart) {
            let rendered = render(&tools, &helm, chart).await?;
            let origin = format!("chart {}", chart.name);
            found.extend(named(&origin, &rendered)?);
            report.charts += 1;
        }
    }
    for manifest in recipe.spec.manifests.iter().filter(|manifest| is_plain(&manifest.path)) {
        let path = Path::new(&manifest.path);
        let text = std::fs::read_to_string(path)
            .map_err(|source| WorldError::Read { path: path.to_owned(), source })?;
        found.extend(named(&format!("manifest {}", manifest.name), &text)?);
        report.manifests += 1;
    }
    if lock.item(ItemKind::File, tools::KUBEADM).is_some() {
        let list = kubeadm_images(&tools, &lock.kubernetes).await?;
        found.extend(list.lines().map(str::trim).filter(|line| !line.is_empty()).map(|image| Named {
            origin: "kubeadm".to_owned(),
            object: format!("images of {}", lock.kubernetes),
            image: image.to_owned(),
        }));
    }
    if let Some(item) = lock.item(ItemKind::File, SEALIFT) {
        report.unasked = ask_sealift(&tools, item).await?;
    }
    report.images = found.iter().map(|named| named.image.as_str()).collect::<BTreeSet<_>>().len();
    let missing = missing(lock, found);
    if missing.is_empty() { Ok(report) } else { Err(WorldError::Missing(missing)) }
}

/// One image as somebody named it.
struct Named {
    origin: String,
    object: String,
    image: String,
}

fn named(origin: &str, text: &str) -> Result<Vec<Named>, WorldError> {
    let images =
        images_of(text).map_err(|reason| WorldError::Unreadable { origin: origin.to_owned(), reason })?;
    Ok(images
        .into_iter()
        .map(|FoundImage { object, image }| Named { origin: origin.to_owned(), object, image })
        .collect())
}

/// What the lock has no image for, in the order of the recipe.
fn missing(lock: &Lock, found: Vec<Named>) -> Vec<MissingImage> {
    let there: BTreeSet<&str> = lock
        .items
        .iter()
        .filter(|item| item.kind == ItemKind::Image)
        .map(|item| item.name.as_str())
        .collect();
    let mut missing: Vec<MissingImage> = Vec::new();
    for Named { origin, object, image } in found {
        let full = match image.parse::<ImageName>() {
            Ok(name) => name.to_string(),
            Err(_) => image,
        };
        let one = MissingImage { origin, object, image: full };
        if !there.contains(one.image.as_str()) && !missing.contains(&one) {
            missing.push(one);
        }
    }
    missing
}

/// `helm template` with the recipe's values. The namespace and version are what a site will use.
async fn render(tools: &Tools<'_>, helm: &Path, chart: &Item) -> Result<String, WorldError> {
    let archive = tools.file(&blob_of(tools.lock, chart)?, &format!("{}.tgz", chart.name)).await?;
    let values = tools.scratch.join(format!("{}.values.json", chart.name));
    let settings = chart.chart.as_ref();
    let json = settings.map(|chart| &chart.values).filter(|values| !values.is_null());
    let text = json.map_or_else(|| "{}".to_owned(), ToString::to_string);
    std::fs::write(&values, text).map_err(|source| WorldError::Read { path: values.clone(), source })?;
    let namespace = settings.map_or("default", |chart| chart.namespace.as_str());
    Program::new(helm, tools.scratch)
        .args(["template", &chart.name])
        .arg(&archive)
        .args([
            "--namespace",
            namespace,
            "--include-crds",
            "--kube-version",
            &tools.lock.kubernetes,
            "--values",
        ])
        .arg(&values)
        .output(&format!("rendering chart {}", chart.name))
        .await
}

async fn kubeadm_images(tools: &Tools<'_>, kubernetes: &str) -> Result<String, WorldError> {
    let kubeadm = tools.program(tools::KUBEADM).await?;
    Program::new(&kubeadm, tools.scratch)
        .args(["config", "images", "list", "--kubernetes-version", kubernetes])
        .output("asking kubeadm for its images")
        .await
}

/// Whether the sealift that the bundle brings says the version that the recipe says. None when it was asked.
async fn ask_sealift(tools: &Tools<'_>, item: &Item) -> Result<Option<Platform>, WorldError> {
    if let Some(other) = item.platform.as_ref().filter(|platform| **platform != Platform::here()) {
        return Ok(Some(other.clone()));
    }
    let program = tools.program(SEALIFT).await?;
    let said = Program::new(&program, tools.scratch)
        .arg("--version")
        .output("asking file sealift for its version")
        .await?;
    if said.trim_end() == format!("sealift {}", item.version) {
        return Ok(None);
    }
    let said = said.chars().filter(|c| !c.is_control()).take(60).collect();
    Err(WorldError::Sealift { said, wanted: item.version.clone() })
}

/// The blob with an item's content.
fn blob_of(lock: &Lock, item: &Item) -> Result<LockedBlob, WorldError> {
    lock.blobs.iter().find(|blob| blob.digest == item.digest).cloned().ok_or_else(|| WorldError::Unreadable {
        origin: format!("{} {}", item.kind.as_str(), item.name),
        reason: format!("the lock has no blob {}", item.digest),
    })
}

/// Templates get their images at the site, from the lock.
fn is_plain(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}
