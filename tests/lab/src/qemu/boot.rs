//! The command line that is the machine's hardware.

use std::fs::File;
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use super::Machine;

/// Processors. As many as the machines this was made for have.
const CPUS: &str = "2";

/// The first card of a machine whose octet is 11 is `tap11-0`.
fn tap(octet: u8, card: u8) -> String {
    format!("tap{octet}-{card}")
}

impl Machine {
    /// The address of a card; QEMU's own prefix, then what makes it unique in a scene.
    pub fn mac(&self, card: u8) -> String {
        format!("52:54:00:1a:{:02x}:{card:02x}", self.spec.octet)
    }

    /// The bridge's end of a card's cable.
    pub fn cable(&self, card: u8) -> String {
        tap(self.spec.octet, card)
    }

    /// Starts QEMU. It dies with the thread that calls this, lest it burns a processor behind a killed test.
    pub(super) fn boot(&self) -> Result<Child> {
        let net = &self.shell.net;
        for card in 0..self.spec.cards {
            let tap = self.cable(card);
            if !net.has(&tap) {
                net.ip(&["tuntap", "add", "dev", &tap, "mode", "tap"])?;
            }
            net.ip(&["link", "set", &tap, "master", "br0", "up"])?;
        }
        let log = self.dir.join("qemu.log");
        let log = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let mut argv = ["setpriv", "--pdeathsig", "KILL", "--"].map(str::to_owned).to_vec();
        argv.extend(self.hardware());
        let mut command = net.enter(&argv);
        command.current_dir(&self.dir);
        command.stdout(Stdio::from(log.try_clone()?)).stderr(log);
        command.spawn().with_context(|| format!("starting QEMU for machine {}", self.spec.name))
    }

    fn hardware(&self) -> Vec<String> {
        let mut argv = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", CPUS]
            .map(str::to_owned)
            .to_vec();
        let mut add = |name: &str, value: String| argv.extend([name.to_owned(), value]);
        add("-name", self.spec.name.clone());
        add("-m", self.spec.memory.to_string());
        add("-kernel", self.image.kernel().display().to_string());
        add("-initrd", self.image.initrd().display().to_string());
        // Emulated processors seem to disagree about the time; the kernel would take a clock that is slow to read.
        add("-append", "root=/dev/vda ro console=ttyS0 tsc=reliable".to_owned());
        // A flush need not reach this machine's disk: it is QEMU that may be killed, not the kernel below it.
        for disk in [self.disk(), self.swap()] {
            add("-drive", format!("file={},format=raw,if=virtio,cache=unsafe", disk.display()));
        }
        for card in 0..self.spec.cards {
            let tap = self.cable(card);
            add("-netdev", format!("tap,id=card{card},ifname={tap},script=no,downscript=no"));
            add("-device", format!("virtio-net-pci,netdev=card{card},mac={}", self.mac(card)));
        }
        add("-serial", format!("file:{}", self.console().display()));
        add("-monitor", "none".to_owned());
        add("-qmp", format!("unix:{},server=on,wait=off", Self::QMP));
        add("-display", "none".to_owned());
        argv
    }
}

#[cfg(test)]
mod tests {
    use super::tap;

    #[test]
    fn a_cable_has_a_name_that_the_kernel_takes() {
        assert!(tap(u8::MAX, u8::MAX).len() < 16);
    }
}
