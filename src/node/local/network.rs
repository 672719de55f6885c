//! Trying another network, undoing it, keeping it.
//!
//! `/run/sealift/network/trial.json` says what is tried and how far that is; all who change it hold the lock beside
//! it. The undoing is a timer of systemd's own: it needs neither the helper, nor the link, nor the operator.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use sealift_stream::SealedFile;

use super::LocalHost;
use super::file::{present, sealed, write_whole};
use crate::error::Context as _;
use crate::trial::{FileBefore, Trial, TrialFile, TrialRecord, TrialState};
use crate::{Answer, Command, HostError, Secretless, paths};

/// The timer that undoes a trial, and its service: this and the trial's id.
const UNIT: &str = "sealift-undo-network";

/// The answer goes out before the network that carries it changes.
const HEAD_START: Duration = Duration::from_millis(400);

impl LocalHost {
    /// Arms the undoing, then tries it in the background; says the trial's id.
    pub(super) async fn try_network(&self, trial: Trial) -> Result<Answer, HostError> {
        let doing = || "arming the way back to the old network".to_owned();
        let _lock = self.network_lock().await?;
        let mut trial = trial;
        if let Some(earlier) = self.trial_record().on(&self.name, doing)? {
            if earlier.state == TrialState::Keeping {
                self.make_it_last(&earlier).on(&self.name, doing)?;
            }
            // before the record that would undo them is replaced
            for file in &earlier.trial.volatile {
                if !trial.volatile.iter().any(|new| new.path == file.path) {
                    self.remove(&file.path)?;
                }
            }
            trial = trial.taking_over(earlier.trial);
        }
        let id = format!("{:08x}", rand::random::<u32>());
        let record = TrialRecord { schema: 1, id: id.clone(), state: TrialState::Armed, trial };
        self.write_trial(&record).on(&self.name, doing)?;
        self.arm(&record.id, record.trial.seconds).await?;
        let host = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(HEAD_START).await;
            host.begin_trial(record).await
        });
        Ok(Answer::Text(id))
    }

    /// Writes the volatile files and has them taken; what came of it is in the record.
    async fn begin_trial(&self, mut record: TrialRecord) -> Result<(), HostError> {
        let doing = || "trying another network".to_owned();
        let _lock = self.network_lock().await?;
        let current = self.trial_record().on(&self.name, doing)?;
        if current.is_none_or(|current| current.id != record.id) {
            return Ok(());
        }
        let tried = async {
            for file in &record.trial.volatile {
                self.write_file(&file.path, &file.content.0, file.mode)?;
            }
            self.run_all(&record.trial.take).await
        };
        record.state = match tried.await {
            Ok(()) => TrialState::Tried,
            Err(error) => TrialState::Failed(error.to_string()),
        };
        self.write_trial(&record).on(&self.name, doing)
    }

    /// Makes a trial last. Refused when it is not the one that is tried: its time was up, or another took over.
    pub(super) async fn keep_network(&self, id: &str) -> Result<Answer, HostError> {
        let doing = || "keeping the new network".to_owned();
        let _lock = self.network_lock().await?;
        let record = self.trial_record().on(&self.name, doing)?;
        let Some(mut record) = record.filter(|record| record.id == id) else {
            return Err(HostError::refused(&self.name, doing(), "its time was up; the old one is back"));
        };
        if !matches!(record.state, TrialState::Tried | TrialState::Keeping) {
            return Err(HostError::refused(&self.name, doing(), "it was not tried yet"));
        }
        // what cannot be kept (a full disk, a read-only /etc) is found out while there is a way back
        let staged = self.staged(&record).on(&self.name, doing)?;
        record.state = TrialState::Keeping;
        self.write_trial(&record).on(&self.name, doing)?;
        self.put_in_place(&record, staged).on(&self.name, doing)?;
        self.disarm().await?;
        Ok(Answer::Done)
    }

    /// Undoes what is tried; nothing to undo is fine. This is what the timer starts.
    pub(crate) async fn undo_network(&self) -> Result<(), HostError> {
        let doing = || "going back to the old network".to_owned();
        let _lock = self.network_lock().await?;
        let Some(record) = self.trial_record().on(&self.name, doing)? else { return Ok(()) };
        if record.state == TrialState::Keeping {
            return self.make_it_last(&record).on(&self.name, doing);
        }
        for file in &record.trial.volatile {
            self.remove(&file.path)?;
        }
        for device in &record.trial.devices {
            if self.root.path(&format!("/sys/class/net/{device}")).exists() {
                self.run(Command::new(["ip", "link", "delete", device])).await?;
            }
        }
        let Trial { take, back, .. } = &record.trial;
        self.run_all(if back.is_empty() { take } else { back }).await?;
        self.forget_trial().on(&self.name, doing)
    }

    /// The trial that is under way.
    pub(super) fn trial_record(&self) -> io::Result<Option<TrialRecord>> {
        let Some(text) = present(fs::read(self.trial_dir().join("trial.json")))? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&text)?))
    }

    async fn run_all(&self, programs: &[Vec<String>]) -> Result<(), HostError> {
        for argv in programs {
            let output = self.run(Command::new(argv.iter().cloned()).timeout(60)).await?;
            if output.status != 0 {
                let why = format!("status {}: {}", output.status, output.stderr.trim());
                return Err(HostError::refused(&self.name, format!("running {}", argv.join(" ")), why));
            }
        }
        Ok(())
    }

    /// Every part of it may be done already.
    fn make_it_last(&self, record: &TrialRecord) -> io::Result<()> {
        self.put_in_place(record, self.staged(record)?)
    }

    /// The lasting files, whole and on disk beside their places. What was there before is on disk by then.
    fn staged(&self, record: &TrialRecord) -> io::Result<Vec<SealedFile>> {
        let place = self.root.path(paths::BEFORE);
        let mut before: Vec<FileBefore> = match present(fs::read(&place))? {
            Some(text) => serde_json::from_slice(&text)?,
            None => vec![],
        };
        for TrialFile { path, .. } in &record.trial.lasting {
            if !before.iter().any(|file| file.path == *path) {
                before.push(FileBefore { path: path.clone(), was: self.as_it_is(path)? });
            }
        }
        let lasting = record.trial.lasting.iter();
        let staged = lasting.map(|file| sealed(&self.root.path(&file.path), &file.content.0, file.mode));
        let staged: Vec<SealedFile> = staged.collect::<io::Result<_>>()?;
        // the last that can fail: what stands there counts at a reset
        write_whole(&place, &serde_json::to_vec(&before)?, 0o600)?;
        Ok(staged)
    }

    /// One rename after the other, in the trial's order: after a power cut in between it is the old network that comes
    /// up, or the new one, as long as the file that gives up the old address is the last.
    fn put_in_place(&self, record: &TrialRecord, staged: Vec<SealedFile>) -> io::Result<()> {
        for file in staged {
            file.commit()?;
        }
        for file in &record.trial.volatile {
            present(fs::remove_file(self.root.path(&file.path)))?;
        }
        self.forget_trial()
    }

    fn as_it_is(&self, path: &str) -> io::Result<Option<(Secretless, u32)>> {
        let place = self.root.path(path);
        let Some(content) = present(fs::read(&place))? else { return Ok(None) };
        let mode = fs::metadata(&place)?.permissions().mode() & 0o7777;
        Ok(Some((Secretless(content), mode)))
    }

    fn trial_dir(&self) -> PathBuf {
        self.root.path(paths::TRIAL)
    }

    fn write_trial(&self, record: &TrialRecord) -> io::Result<()> {
        write_whole(&self.trial_dir().join("trial.json"), &serde_json::to_vec(record)?, 0o600)
    }

    fn forget_trial(&self) -> io::Result<()> {
        present(fs::remove_file(self.trial_dir().join("trial.json"))).map(drop)
    }

    /// One at a time: an undoing, a keeping and a new trial may come at the same moment.
    async fn network_lock(&self) -> Result<Flock<File>, HostError> {
        let dir = self.trial_dir();
        self.blocking("waiting for the network's lock".to_owned(), move |host| {
            let doing = || "waiting for the network's lock".to_owned();
            DirBuilder::new().recursive(true).mode(0o700).create(&dir).on(&host.name, doing)?;
            let file = OpenOptions::new().create(true).append(true).open(dir.join("lock"));
            let file = file.on(&host.name, doing)?;
            Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error).on(&host.name, doing)
        })
        .await
    }

    /// Sets a timer of this trial's own; only then earlier ones go, so that at no moment there is a network that
    /// nothing would undo. Where a directory stands for the machine there is no systemd.
    async fn arm(&self, id: &str, seconds: u64) -> Result<(), HostError> {
        if self.root.dir().is_some() {
            return Ok(());
        }
        let doing = || "arming the way back to the old network".to_owned();
        let earlier = self.timers().await?;
        let exe = std::env::current_exe().on(&self.name, doing)?;
        let mut argv: Vec<String> = ["systemd-run", "--quiet", "--collect"].map(str::to_owned).to_vec();
        argv.push(format!("--unit={UNIT}-{id}"));
        argv.push(format!("--on-active={seconds}"));
        argv.push("--timer-property=AccuracySec=100ms".to_owned());
        // a program that fails now may work in a moment; there is nothing else that could be done
        argv.push("--property=Restart=on-failure".to_owned());
        argv.push("--property=RestartSec=3".to_owned());
        argv.push(format!("--setenv=PATH={}", self.root.path_variable()));
        argv.push("--".to_owned());
        argv.push(exe.to_string_lossy().into_owned());
        argv.extend(["helper", "undo-network"].map(str::to_owned));
        let armed = self.run(Command::new(argv)).await?;
        if armed.status == 0 {
            return self.stop(earlier).await;
        }
        Err(HostError::refused(&self.name, doing(), armed.stderr.trim()))
    }

    pub(super) async fn disarm(&self) -> Result<(), HostError> {
        if self.root.dir().is_some() {
            return Ok(());
        }
        self.stop(self.timers().await?).await
    }

    async fn timers(&self) -> Result<Vec<String>, HostError> {
        let all = format!("{UNIT}*.timer");
        let argv = ["systemctl", "list-units", "--all", "--plain", "--full", "--no-legend", &all];
        let listed = self.run(Command::new(argv)).await?;
        Ok(listed
            .stdout
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .map(str::to_owned)
            .collect())
    }

    /// One that has gone meanwhile is as good as stopped.
    async fn stop(&self, timers: Vec<String>) -> Result<(), HostError> {
        if timers.is_empty() {
            return Ok(());
        }
        self.run(Command::new(["systemctl", "stop"].map(str::to_owned).into_iter().chain(timers)))
            .await
            .map(drop)
    }
}

/// Undoes what is tried on this machine. Blocks; needs no runtime around it.
pub(crate) fn undo() -> Result<(), HostError> {
    let name = "this node";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.on(name, || "going back to the old network".to_owned())?;
    runtime.block_on(LocalHost::new(name).undo_network())
}

#[cfg(test)]
mod tests;
