//! The transient unit.

use std::path::Path;

use super::{Config, Mode};

/// The whole of `systemd-run`'s command line; no secret is in it.
pub(super) fn argv(config: &Config, exe: &Path) -> Vec<String> {
    let (socket, file) = (config.socket(), config.file());
    let early = socket.with_extension("early");
    let mut argv = vec![
        "systemd-run".to_owned(),
        format!("--unit=sealift-helper-{}", config.id),
        "--collect".to_owned(),
        "--quiet".to_owned(),
        format!("--description=sealift helper of run {}", config.run),
        // Also after a crash. Without a prefix: what has one is written as `ExecStopPostEx`, and systemd (252) does not
        // know that key when a daemon-reload (kubeadm does one) makes it read the unit again.
        format!(
            "--property=ExecStopPost=/bin/rm -f {} {} {}",
            socket.display(),
            early.display(),
            file.display()
        ),
    ];
    if let Some(dir) = &config.remove_binary {
        // `+`: outside the sandbox
        argv.push(format!("--property=ExecStopPost=+/bin/rm -rf {dir}"));
        let parents = format!("{} {}", crate::paths::HELPERS, crate::paths::STATE);
        argv.push(format!("--property=ExecStopPost=-+/bin/rmdir --ignore-fail-on-non-empty {parents}"));
    }
    argv.extend(sandbox(config.mode).iter().map(|line| format!("--property={line}")));
    let command = ["--", &exe.to_string_lossy(), "helper", "serve", "--config", &file.to_string_lossy()];
    argv.extend(command.map(str::to_owned));
    argv
}

/// Law 4. /run/sealift is where the socket is; /dev, /proc and /sys are not covered by `strict`.
fn sandbox(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Run => &[],
        Mode::Plan => &[
            "ProtectSystem=strict",
            "ReadWritePaths=/run/sealift",
            "ProtectHome=read-only",
            "ProtectKernelTunables=yes",
            "ProtectKernelModules=yes",
            "ProtectControlGroups=yes",
            "NoNewPrivileges=yes",
            // CAP_NET_RAW: ARP probes, which change nothing on any machine
            "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_CHOWN CAP_FOWNER CAP_NET_RAW",
        ],
        // Disks are measured in a nameless file where etcd's will be: in /var/lib, as a path named here is a mount of the
        // sandbox, and /var/lib/sealift could not be removed while that ends. ARP and DF packets take CAP_NET_RAW, ports below
        // 1024 CAP_NET_BIND_SERVICE, and even reading the packet filter takes CAP_NET_ADMIN. Not ProtectKernelModules:
        // it hides /lib/modules, which is looked at; without CAP_SYS_MODULE nothing can be loaded all the same.
        Mode::Preflight => &[
            "ProtectSystem=strict",
            "ReadWritePaths=/run/sealift /var/lib",
            "ProtectHome=read-only",
            "ProtectKernelTunables=yes",
            "ProtectControlGroups=yes",
            "NoNewPrivileges=yes",
            "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_NET_RAW \
             CAP_NET_BIND_SERVICE CAP_NET_ADMIN",
        ],
    }
}
