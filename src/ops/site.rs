//! What a verb reads before it touches a site: the cluster file, the profile, the bundle, the state directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_bundle::{Bundle, Trust, Verified};
use sealift_cluster::Cluster;
use sealift_engine::{Events, LockError, Release, RunLock, Site, SiteRecord, WrittenFile};
use sealift_node::Owner;

use super::{Connected, Exit, Failure, Logins, verify};
use crate::cli::{ClusterArgs, SiteArgs};
use crate::shell::Shell;

/// The operator's side of a site, read and checked.
pub(crate) struct SiteFiles {
    pub(crate) cluster: Cluster,
    bundle: Option<Arc<Bundle<Verified>>>,
    state: PathBuf,
    logins: Logins,
    written: WrittenFile,
    profile: Option<WrittenFile>,
    trust: Vec<PathBuf>,
    rollback_to: Option<u64>,
    /// Whether nodes give blobs to each other.
    pub(crate) relay: bool,
}

impl SiteFiles {
    /// Reads the cluster file and authenticates the bundle's manifest; its content is checked when it is read.
    pub(crate) fn open(args: &SiteArgs, shell: &Shell) -> anyhow::Result<Self> {
        let mut files = Self::without_bundle(&args.at)?;
        files.add_bundle(&args.bundle, &args.trust, shell)?;
        files.rollback_to = args.rollback_to;
        Ok(files)
    }

    /// Authenticates a bundle's manifest.
    pub(super) fn add_bundle(&mut self, path: &Path, keys: &[PathBuf], shell: &Shell) -> anyhow::Result<()> {
        let trust = Trust::from_files(keys).map_err(|error| {
            Failure::new(Exit::Usage, format!("{error}; nothing was changed")).next(verify::TRUST)
        })?;
        let bundle = Bundle::open(path)
            .and_then(|bundle| bundle.authenticate(&trust))
            .map_err(|error| verify::refused(&error, keys))?;
        for foreign in bundle.foreign() {
            shell.warn(&format!("{foreign} lies beside the bundle and is ignored"));
        }
        self.bundle = Some(Arc::new(bundle));
        self.trust = keys.to_vec();
        Ok(())
    }

    /// The same for verbs that bring nothing.
    pub(crate) fn without_bundle(at: &ClusterArgs) -> anyhow::Result<Self> {
        let (written, origin) = (written(&at.cluster)?, at.cluster.display().to_string());
        let under = at.profile.as_deref();
        let (profile, under) =
            (under.map(self::written).transpose()?, under.map(|path| path.display().to_string()));
        let laid =
            profile.as_ref().zip(under.as_ref()).map(|(file, origin)| (file.text.as_str(), origin.as_str()));
        let cluster = parse(&written.text, &origin, laid)?;
        let state = at.state.join(cluster.name().as_str());
        let logins = Logins::new(at.cluster.parent().unwrap_or(Path::new("")), &at.logins);
        Ok(Self {
            cluster,
            bundle: None,
            state,
            logins,
            written,
            profile,
            trust: vec![],
            rollback_to: None,
            relay: true,
        })
    }

    /// Reads the whole bundle once before the first change, so that a stick with one bad bit anywhere leaves
    /// nothing half put into use. Every chunk is checked again when it is sent: the stick may be swapped.
    pub(crate) async fn check_whole_bundle(&self, shell: &Shell) -> anyhow::Result<()> {
        let Some(bundle) = self.bundle.clone() else { return Ok(()) };
        let shell = shell.clone();
        let check = move || verify::whole(&bundle, None, "verifying the bundle", &shell);
        tokio::task::spawn_blocking(check).await?.map_err(|error| {
            let exit = if error.is_integrity() { Exit::Integrity } else { Exit::Refused };
            Failure::new(exit, format!("{error}\nnothing was changed"))
                .next("copy the bundle to the stick again, or take another")
        })?;
        Ok(())
    }

    /// What this run brings; none for verbs that bring nothing.
    pub(crate) fn bundle(&self) -> Option<&Bundle<Verified>> {
        self.bundle.as_deref()
    }

    /// The identity of what this run brings; none for verbs that bring nothing.
    pub(crate) fn release(&self) -> Option<Release> {
        let bundle = self.bundle.as_ref()?;
        let manifest = bundle.manifest();
        Some(Release {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            sequence: manifest.sequence,
            manifest: bundle.manifest_digest()?,
            signer: bundle.signer().to_string(),
        })
    }

    /// The older release that the operator wants on purpose.
    pub(crate) fn rollback_to(&self) -> Option<u64> {
        self.rollback_to
    }

    /// What the control planes shall know of this run; none for verbs that bring nothing.
    pub(crate) fn record(&self, owner: &Owner) -> anyhow::Result<Option<SiteRecord>> {
        let Some(release) = self.release() else { return Ok(None) };
        Ok(Some(SiteRecord {
            schema: SiteRecord::SCHEMA,
            cluster: self.cluster.name().to_string(),
            owner: owner.clone(),
            finished: false,
            cluster_file: self.written.clone(),
            profile: self.profile.clone(),
            release,
            trust: self.trust.iter().map(|path| read(path)).collect::<Result<_, _>>()?,
        }))
    }

    /// Where this cluster's journals and lock are.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.state.clone()
    }

    /// How its nodes are logged in to.
    pub(crate) fn logins(&self) -> &Logins {
        &self.logins
    }

    /// One changing run per cluster on this machine.
    pub(crate) fn lock(&self, owner: &Owner, shell: &Shell) -> anyhow::Result<RunLock> {
        let lock = RunLock::take(&self.state, owner).map_err(|error| self.no_room(error))?;
        if let Some(previous) = lock.previous() {
            shell.warn(&format!(
                "the last run did not end by itself: {previous}; going on from what the nodes show"
            ));
        }
        Ok(lock)
    }

    /// Without a journal there is no run: on a stick that is mounted read-only it needs another place.
    fn no_room(&self, error: LockError) -> anyhow::Error {
        match error {
            LockError::File { source, .. } => {
                let place = self.state.display();
                let message = format!("keeping the journal in {place}: {source}; nothing was changed");
                let next =
                    "go to a folder you may write to, or name one with --state; use the same every time";
                Failure::new(Exit::Refused, message).next(next).into()
            }
            held @ LockError::Held { .. } => held.into(),
        }
    }

    /// Everything a plan or a run works with.
    pub(crate) fn site(&self, connected: &Connected, events: Events) -> anyhow::Result<Site> {
        let site = Site::new(self.cluster.clone(), self.bundle.clone(), connected.hosts(), events)?;
        Ok(if self.relay { site } else { site.without_relay() })
    }
}

/// Every problem at once, those of a later version too.
fn parse(text: &str, origin: &str, profile: Option<(&str, &str)>) -> anyhow::Result<Cluster> {
    let wrong = |problems| {
        Failure::new(Exit::Usage, format!("{problems}\nnothing was changed"))
            .next("mend the file, then run the same command again")
    };
    let cluster = Cluster::parse(text, origin, profile).map_err(wrong)?;
    match cluster.not_yet() {
        Some(problems) => Err(wrong(problems).into()),
        None => Ok(cluster),
    }
}

fn written(path: &Path) -> anyhow::Result<WrittenFile> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(WrittenFile { name, text: read(path)? })
}

fn read(path: &Path) -> anyhow::Result<String> {
    sealift_cluster::read(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("{error}; nothing was changed"))
            .next("sealift init writes a cluster file to start from")
            .into()
    })
}
