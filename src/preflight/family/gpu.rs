//! GPUs. A node without a working one still joins, as one without GPU.

use crate::check::{
    Check, Class,
    Severity::{self, Info, Warn},
};
use crate::parse::system::value;
use crate::view::{Judged, Miss, View, not_here, when};

const NVIDIA: &str = "10DE:";

const fn gpu(id: &'static str, severity: Severity, judge: fn(&View<'_>) -> Judged) -> Check {
    Check::node(id, severity, judge).on(Class::Gpus).by("spec.nodes[].gpu")
}

pub(super) const CHECKS: &[Check] = &[
    gpu("gpu-driver", Warn, |view| {
        let bare = cards(view)?.into_iter().filter(|card| card.driver.is_none());
        Ok(bare.map(|card| format!("{} ({}) has no driver", card.at, card.id)).collect())
    })
    .says(
        "there is a GPU and no driver for it: workloads cannot use it",
        "install the NVIDIA driver and reboot",
    ),
    gpu("gpu-nouveau", Warn, |view| {
        let open = cards(view)?.into_iter().filter(|card| card.driver.as_deref() == Some("nouveau"));
        Ok(open.map(|card| format!("{} ({}) is nouveau's", card.at, card.id)).collect())
    })
    .says(
        "nouveau has the GPU; NVIDIA's driver cannot take it",
        "blacklist nouveau in /etc/modprobe.d, update-initramfs -u, reboot",
    ),
    gpu("gpu-passed-on", Info, |view| {
        let passed = cards(view)?.into_iter().filter(|card| card.driver.as_deref() == Some("vfio-pci"));
        Ok(passed.map(|card| format!("{} ({}) is vfio-pci's", card.at, card.id)).collect())
    })
    .says("the GPU is kept for a virtual machine", "nothing, or take it from vfio-pci"),
    gpu("gpu-secure-boot", Warn, |view| {
        let cards = cards(view)?;
        let on = view.text("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")?;
        let on = on.is_some_and(|bytes| bytes.ends_with('\u{1}'));
        let waits = cards.iter().any(|card| card.driver.as_deref() != Some("nvidia"));
        when(on && waits, || "Secure Boot is on and NVIDIA's driver is not loaded".to_owned())
    })
    .says(
        "the kernel refuses a driver that is not signed by a key it knows",
        "enrol the key (mokutil --import), or switch Secure Boot off",
    ),
    gpu("gpu-driver-old", Warn, |view| {
        cards(view)?;
        let Some(text) = view.text("/proc/driver/nvidia/version")? else {
            return not_here("NVIDIA's driver is not loaded");
        };
        let version = text
            .split_whitespace()
            .find(|word| word.split('.').count() >= 2 && word.starts_with(|c: char| c.is_ascii_digit()));
        let major = version.and_then(|word| word.split('.').next()?.parse::<u32>().ok());
        let major = major.ok_or_else(|| Miss::Unknown(format!("the driver's version: {text:?}")))?;
        when(major < 525, || format!("its version is {}", version.unwrap_or_default()))
    })
    .says("CUDA 12 and the images of today need driver 525 or newer", "install a newer driver"),
    gpu("gpu-headers", Warn, |view| {
        cards(view)?;
        if !view.there("/usr/sbin/dkms")? {
            return not_here("no driver is built on the node");
        }
        let release = &view.machine()?.kernel;
        let there = view.there(&format!("/lib/modules/{release}/build"))?;
        when(!there, || format!("there are no headers of {release}"))
    })
    .says(
        "the driver is built for each kernel, and after an update of the kernel it cannot be",
        "apt-get install linux-headers-$(uname -r)",
    ),
    gpu("gpu-toolkit", Info, |view| {
        cards(view)?;
        when(!view.there("/usr/bin/nvidia-container-runtime")?, || {
            "there is no nvidia-container-runtime".to_owned()
        })
    })
    .says("containers get no GPU without NVIDIA's runtime", "install nvidia-container-toolkit"),
];

/// A GPU on the PCI bus.
struct Card {
    at: String,
    id: String,
    driver: Option<String>,
}

/// NVIDIA's display controllers (class 03).
fn cards(view: &View<'_>) -> Result<Vec<Card>, Miss> {
    let card = |(at, text): (&str, String)| {
        let id = value(&text, "PCI_ID")?.to_uppercase();
        let class = value(&text, "PCI_CLASS")?;
        // the class has no zeros before it: 30000, 30200
        let display = class.len() == 5 && class.starts_with('3');
        (display && id.starts_with(NVIDIA)).then(|| Card {
            at: at.to_owned(),
            id,
            driver: value(&text, "DRIVER"),
        })
    };
    let cards: Vec<Card> = view.each_text("/sys/bus/pci/devices/", "/uevent")?.filter_map(card).collect();
    if cards.is_empty() { not_here("there is no NVIDIA GPU") } else { Ok(cards) }
}
