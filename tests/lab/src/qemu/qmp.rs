//! Words with a running QEMU (QEMU Machine Protocol): what a machine's owner does to its hardware.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Machine;

/// QEMU answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(30);

impl Machine {
    /// Where QEMU listens. A socket's name is short, the scene's folder may not be: it is relative to the machine's.
    pub(super) const QMP: &str = "qmp";

    /// Plugs a card's cable in or pulls it out; the machine's own kernel sees that.
    pub(super) fn set_link(&self, card: u8, up: bool) -> Result<()> {
        let arguments = json!({"name": format!("card{card}"), "up": up});
        self.tell(&json!({"execute": "set_link", "arguments": arguments}))
            .with_context(|| format!("setting the link of card {card} of machine {}", self.spec.name))
    }

    fn tell(&self, words: &Value) -> Result<()> {
        // by the folder's descriptor, for the same reason
        let folder = std::fs::File::open(&self.dir)?;
        let path = format!("/proc/self/fd/{}/{}", std::os::fd::AsRawFd::as_raw_fd(&folder), Self::QMP);
        let mut stream = UnixStream::connect(path).context("reaching QEMU")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        // its greeting, its answer to the greeting, and the answer; events may come between
        for words in [&json!({"execute": "qmp_capabilities"}), words] {
            writeln!(stream, "{words}")?;
            loop {
                let line = lines.next().context("QEMU ended")??;
                let said: Value = serde_json::from_str(&line)?;
                if said.get("return").is_some() {
                    break;
                }
                if let Some(error) = said.get("error") {
                    bail!("QEMU refuses: {error}");
                }
            }
        }
        Ok(())
    }
}
