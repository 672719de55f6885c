//! Other container engines.

use crate::check::{
    Check, Class,
    Severity::{Info, Refuse},
};
use crate::view::{View, when};

pub(super) const CHECKS: &[Check] = &[
    Check::node("runtime-docker", Refuse, |view| {
        view.those_there(&["/usr/bin/dockerd", "/run/docker.sock", "/etc/docker/daemon.json"])
    })
    .says("Docker brings a containerd.service of its own, which ours would replace, and drops what is forwarded", "apt-get purge docker.io or docker-ce, then reboot")
    .on(Class::Untouched),
    Check::node("runtime-crio", Refuse, |view| view.those_there(&["/run/crio/crio.sock", "/usr/bin/crio"]))
        .says("two container runtimes: kubeadm does not know which one to take", "apt-get purge cri-o")
        .on(Class::Untouched),
    Check::node("runtime-containerd", Refuse, |view| {
        view.those_there(&["/usr/bin/containerd", "/usr/lib/systemd/system/containerd.service"])
    })
    .says("the distribution's containerd would be covered by ours and come back with its next update", "apt-get purge containerd")
    .on(Class::Untouched),
    Check::node("runtime-socket", Refuse, |view| view.those_there(&["/run/containerd/containerd.sock"]))
        .says("a containerd is running", "stop it and take it off the server")
        .on(Class::Untouched),
    Check::node("runtime-podman", Info, |view| view.those_there(&["/usr/bin/podman"]))
        .says("podman keeps images and networks of its own beside Kubernetes'", "nothing; or apt-get purge podman"),
    Check::node("runtime-snap", Info, |view: &View<'_>| {
        let names = view.names("/snap")?;
        when(!names.is_empty(), || "/snap is there".to_owned())
    })
    .says("snapd updates what it installed by itself, whenever it wants", "snap refresh --hold"),
];
