//! `install --report` and `--receipt`: the same facts for people and, signed, for auditors.

use std::path::{Path, PathBuf};

use sealift_bundle::{SecretKey, sign_document};

use super::receipt::Receipt;
use super::{Exit, Failure, key, output};
use crate::cli::ReportArgs;
use crate::shell::{Shell, report_html};

/// What is to be written when the run has ended, however it ended.
pub(crate) struct Report {
    html: Option<PathBuf>,
    receipt: Option<(PathBuf, SecretKey)>,
}

impl Report {
    /// Loads the key and looks whether the files can be written: nobody waits for an install to find out.
    pub(crate) fn prepare(args: &ReportArgs) -> anyhow::Result<Self> {
        for path in [&args.report, &args.receipt].into_iter().flatten() {
            writable(path)?;
        }
        let receipt = match (&args.receipt, &args.receipt_key) {
            (Some(path), Some(key)) => Some((path.clone(), key::load(key, args.password_file.as_deref())?)),
            _ => None,
        };
        Ok(Self { html: args.report.clone(), receipt })
    }

    /// Whether anything is to be written.
    pub(crate) fn wanted(&self) -> bool {
        self.html.is_some() || self.receipt.is_some()
    }

    /// Writes what was asked for.
    pub(crate) fn write(&self, receipt: &Receipt, shell: &Shell) -> anyhow::Result<()> {
        if let Some(path) = &self.html {
            put(path, report_html(receipt)?.as_bytes())?;
            shell.say(&format!("report: {}", path.display()));
        }
        if let Some((path, key)) = &self.receipt {
            let mut text = serde_json::to_string_pretty(receipt)?;
            text.push('\n');
            put(path, text.as_bytes())?;
            let comment = format!(
                "sealift receipt cluster={} verb={} ended={}",
                receipt.cluster, receipt.verb, receipt.ended
            );
            let signature = sign_document(path, text.as_bytes(), &comment, key)
                .map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
            shell.say(&format!("receipt: {}, signed in {}", path.display(), signature.display()));
        }
        Ok(())
    }
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    output::write(path, bytes)
        .map_err(|error| Failure::new(Exit::Refused, format!("writing {}: {error}", path.display())).into())
}

fn writable(path: &Path) -> anyhow::Result<()> {
    output::check(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("writing {} later: {error}; nothing was changed", path.display()))
            .next("name a file in a folder that you may write to")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::Report;
    use crate::cli::ReportArgs;
    use crate::shell::Shell;

    #[test]
    fn the_minisign_program_takes_the_receipt_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        sealift_bundle::generate_key(&path("op"), None).unwrap();
        let args = ReportArgs {
            report: Some(path("report.html")),
            receipt: Some(path("receipt.json")),
            receipt_key: Some(path("op.sec")),
            password_file: None,
        };
        let receipt = crate::ops::receipt::example();
        Report::prepare(&args).unwrap().write(&receipt, &Shell::new(false, true)).unwrap();
        let text = std::fs::read_to_string(path("receipt.json")).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&read["schema"], &read["type"]), (&1.into(), &"sealift.dev/receipt".into()));
        assert!(std::fs::read_to_string(path("report.html")).unwrap().ends_with("</html>"));

        let verify = || {
            let key = path("op.pub");
            Command::new("minisign").arg("-Vm").arg(path("receipt.json")).arg("-p").arg(key).output().unwrap()
        };
        let said = verify();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        assert!(
            String::from_utf8_lossy(&said.stdout).contains("sealift receipt cluster=plant-7 verb=install")
        );
        std::fs::write(path("receipt.json"), text.replace("plant-7", "plant-8")).unwrap();
        assert!(!verify().status.success(), "a changed receipt was taken");
    }
}
