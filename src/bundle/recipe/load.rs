//! Reading recipes and what they include.

use std::path::{Path, PathBuf};

use super::{Recipe, RecipeSpec};

/// Why a recipe cannot be used. Usage, not integrity.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file could not be read.
    #[error("reading recipe {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not a recipe.
    #[error("parsing recipe {origin}: {reason}")]
    Parse {
        /// The file.
        origin: String,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// What it says cannot be packed. All reasons at once.
    #[error("checking recipe {origin}: {}", reasons.join("; "))]
    Invalid {
        /// The file.
        origin: String,
        /// What is wrong.
        reasons: Vec<String>,
    },
    /// A recipe includes itself, directly or through others.
    #[error("reading recipe {path}: it includes itself ({chain})")]
    Cycle {
        /// The file.
        path: PathBuf,
        /// The way round.
        chain: String,
    },
}

impl Recipe {
    /// `apiVersion` of a recipe.
    pub const API_VERSION: &str = "sealift.dev/v1";

    /// Reads one recipe's text without what it includes. `origin` names it in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self, RecipeError> {
        let recipe = Self::parse_part(text, origin)?;
        recipe.validate(origin)?;
        Ok(recipe)
    }

    /// Reads a recipe and everything it includes, joined.
    pub fn load(path: &Path) -> Result<Self, RecipeError> {
        let recipe = load_joined(path, &mut Vec::new())?;
        recipe.validate(&path.display().to_string())?;
        Ok(recipe)
    }

    fn parse_part(text: &str, origin: &str) -> Result<Self, RecipeError> {
        serde_saphyr::from_str(text)
            .map_err(|error| RecipeError::Parse { origin: origin.to_owned(), reason: error.to_string() })
    }
}

fn load_joined(path: &Path, above: &mut Vec<PathBuf>) -> Result<Recipe, RecipeError> {
    let read_error = |source| RecipeError::Read { path: path.to_owned(), source };
    let real = path.canonicalize().map_err(read_error)?;
    if above.contains(&real) {
        let chain: Vec<String> = above.iter().chain([&real]).map(|p| p.display().to_string()).collect();
        return Err(RecipeError::Cycle { path: path.to_owned(), chain: chain.join(" > ") });
    }
    let text = std::fs::read_to_string(path).map_err(read_error)?;
    let mut recipe = Recipe::parse_part(&text, &path.display().to_string())?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let files = recipe.spec.files.iter_mut().filter_map(|file| file.path.as_mut());
    let repositories = recipe.spec.os_packages.iter_mut().flat_map(|packages| &mut packages.repositories);
    let keyrings = repositories.map(|repository| &mut repository.keyring);
    for path in
        recipe.spec.manifests.iter_mut().map(|manifest| &mut manifest.path).chain(files).chain(keyrings)
    {
        *path = folder.join(&*path).display().to_string();
    }
    above.push(real);
    for include in std::mem::take(&mut recipe.spec.include) {
        let other = load_joined(&folder.join(include), above)?;
        join(&mut recipe.spec, other.spec);
    }
    above.pop();
    Ok(recipe)
}

/// Adds an included recipe's items behind this one's. What both say in the same words is said once;
/// platforms and Kubernetes version stay this one's.
fn join(spec: &mut RecipeSpec, other: RecipeSpec) {
    append(&mut spec.images, other.images);
    append(&mut spec.files, other.files);
    append(&mut spec.os_packages, other.os_packages);
    append(&mut spec.charts, other.charts);
    append(&mut spec.manifests, other.manifests);
}

fn append<T: PartialEq>(into: &mut Vec<T>, from: Vec<T>) {
    for one in from {
        if !into.contains(&one) {
            into.push(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Recipe;

    const CORE: &str = "apiVersion: sealift.dev/v1
kind: Recipe
metadata: {name: core, version: 1.36.4-1, sequence: 1}
spec:
  include: [parts/other.yaml]
  platforms: [linux/amd64]
  kubernetes: v1.36.4
  images: [registry.k8s.io/pause:3.10.2]
  files:
    - {name: kubeadm, version: v1.36.4, url: 'https://dl.k8s.io/kubeadm', checksum: 'https://dl.k8s.io/kubeadm.sha256'}
";

    const OTHER: &str = "apiVersion: sealift.dev/v1
kind: Recipe
metadata: {name: other, version: 1, sequence: 9}
spec:
  platforms: [linux/arm64]
  kubernetes: v1.35.0
  images: [registry.k8s.io/pause:3.10.2, quay.io/metallb/speaker:v0.15.2]
  charts:
    - {name: metallb, repository: 'https://metallb.github.io/metallb', version: 0.15.2, namespace: metallb-system, values: {a: {b: 1}}, siteValues: [a.b]}
  manifests: [{name: flannel, path: ../flannel.yaml}]
";

    #[test]
    fn joins_what_it_includes() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("parts"))?;
        fs::write(folder.path().join("core.yaml"), CORE)?;
        fs::write(folder.path().join("parts/other.yaml"), OTHER)?;
        let recipe = Recipe::load(&folder.path().join("core.yaml"))?;
        assert_eq!((recipe.metadata.name.as_str(), recipe.spec.kubernetes.as_str()), ("core", "v1.36.4"));
        assert_eq!(recipe.spec.images, ["registry.k8s.io/pause:3.10.2", "quay.io/metallb/speaker:v0.15.2"]);
        assert_eq!(recipe.spec.charts[0].values["a"]["b"], 1);
        assert!(recipe.spec.manifests[0].path.ends_with("parts/../flannel.yaml"));
        fs::write(folder.path().join("parts/other.yaml"), CORE.replace("parts/other.yaml", "../core.yaml"))?;
        let error = Recipe::load(&folder.path().join("core.yaml")).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("includes itself")));
        Ok(())
    }

    #[test]
    fn tells_everything_that_is_wrong_at_once() {
        let bad = CORE
            .replace("v1.36.4\n  images", "1.36\n  images")
            .replace("registry.k8s.io/pause:3.10.2", "pause")
            .replace("url: 'https:", "url: 'ftp:");
        let error = Recipe::parse(&bad, "core.yaml").expect_err("was taken").to_string();
        for part in [
            "core.yaml",
            "'1.36' must look like",
            "image 'pause' must name its registry",
            "must begin with https://",
        ] {
            assert!(error.contains(part), "{error} says nothing of {part}");
        }
    }

    #[test]
    fn a_file_of_this_machine_lies_beside_the_recipe_that_names_it() -> Result<(), Box<dyn std::error::Error>>
    {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("parts"))?;
        fs::write(folder.path().join("core.yaml"), CORE)?;
        let other = |file: &str| format!("{OTHER}  files:\n    - {{name: sealift, {file}}}\n");
        let load = |file: &str| {
            fs::write(folder.path().join("parts/other.yaml"), other(file))?;
            Recipe::load(&folder.path().join("core.yaml"))
                .map_err(|error| std::io::Error::other(error.to_string()))
        };
        let recipe = load("version: 0.2.0, path: bin/sealift, platform: linux/amd64")?;
        let path = recipe.spec.files[1].path.as_deref();
        assert!(path.is_some_and(|path| path.ends_with("parts/bin/sealift")), "{path:?}");
        for (file, why) in [
            ("version: 0.2.0, platform: linux/amd64", "needs a url with its checksum, or a path"),
            ("version: 0.2.0, path: x, url: 'https://x/y', platform: linux/amd64", "a url and a path"),
            ("version: 0.2.0, path: x, checksum: 'https://x/y', platform: linux/amd64", "must be sha256:HEX"),
            ("version: v0.2, path: x, platform: linux/amd64", "'v0.2' must look like 1.2.3"),
            ("version: 0.2.0, path: x", "needs its platform"),
        ] {
            let error = load(file).expect_err("was taken").to_string();
            assert!(error.contains(why), "{error} says nothing of: {why}");
        }
        Ok(())
    }

    #[test]
    fn refuses_what_it_does_not_know_with_its_place() {
        let bad = CORE.replace("  platforms", "  surprise: 1\n  platforms");
        let error = Recipe::parse(&bad, "core.yaml").expect_err("was taken").to_string();
        assert!(error.contains("surprise") && error.contains('6'), "{error}");
        assert!(Recipe::parse(&CORE.replace("kind: Recipe", "kind: Recipe\nkind: Recipe"), "x").is_err());
    }
}
