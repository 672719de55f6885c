//! How the paths that matter are mounted, and on what.

use crate::check::{
    Check, Class,
    Severity::{Info, Refuse, Warn},
};
use crate::parse::mounts::{Mount, mounts, of};
use crate::view::{Judged, Miss, View, when};

/// Where sealift, containerd, kubeadm and kubelet write.
pub(crate) const PATHS: &[&str] = &[
    "/etc/kubernetes",
    "/opt/cni/bin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/var/lib/containerd",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/lib/sealift",
    "/var/log/pods",
];
/// From where programs are started.
const STARTED: &[&str] = &["/opt/cni/bin", "/usr/local/bin", "/usr/local/sbin", "/var/lib/sealift"];
/// Where overlayfs cannot keep its upper layer.
const NO_UPPER: &[&str] = &[
    "overlay", "nfs", "nfs4", "cifs", "smb3", "9p", "vfat", "exfat", "ntfs3", "fuse", "fuseblk", "ecryptfs",
    "squashfs", "iso9660",
];
const REMOTE: &[&str] =
    &["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.glusterfs", "fuse.sshfs"];
const VOLATILE: &[&str] = &["tmpfs", "ramfs", "devtmpfs"];

pub(super) const CHECKS: &[Check] = &[
    Check::node("mount-read-only", Refuse, |view| with(view, PATHS, |mount| mount.has("ro"), "read-only"))
        .says(
            "nothing can be written where it has to be",
            "mount it writable; an immutable system is not supported",
        ),
    Check::node("mount-noexec", Refuse, |view| {
        with(view, STARTED, |mount| mount.has("noexec"), "without exec")
    })
    .says(
        "programs cannot be started from where they are installed",
        "take noexec off that mount in /etc/fstab",
    ),
    Check::node("mount-nosuid", Info, |view| {
        with(
            view,
            &["/var/lib/kubelet"],
            |mount| mount.has("nodev") && mount.has("nosuid"),
            "nodev and nosuid",
        )
    })
    .says(
        "volumes of pods are below it: device files and setuid programs in them do not work",
        "nothing, as a rule; take both off if a workload needs them",
    ),
    Check::node("filesystem-overlay", Refuse, |view| {
        let path = ["/var/lib/containerd"];
        with(
            view,
            &path,
            |mount| NO_UPPER.contains(&mount.kind.as_str()),
            "a file system under which overlayfs does not work",
        )
    })
    .says(
        "containers write into overlayfs, which needs a local Linux file system below it",
        "put /var/lib/containerd on ext4 or xfs",
    ),
    Check::node("filesystem-types", Refuse, |view| {
        let room = view.room("/var/lib/containerd")?;
        when(!room.types, || format!("{} does not tell what its names are (XFS made with ftype=0)", room.at))
    })
    .says("overlayfs loses deleted files on such a file system", "make it anew: mkfs.xfs -n ftype=1"),
    Check::node("filesystem-etcd-remote", Refuse, |view| {
        with(view, &["/var/lib/etcd"], |mount| REMOTE.contains(&mount.kind.as_str()), "a remote file system")
    })
    .says("etcd loses data on network file systems", "put /var/lib/etcd on a local disk")
    .on(Class::ControlPlanes),
    Check::node("filesystem-volatile", Refuse, |view| {
        let paths = ["/etc/kubernetes", "/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet"];
        with(view, &paths, |mount| VOLATILE.contains(&mount.kind.as_str()), "memory")
    })
    .says("the cluster would be gone after a reboot", "put it on a disk"),
    Check::node("filesystem-live", Warn, |view| {
        let all = mounts(&view.needed("/proc/1/mountinfo")?);
        let root = of(&all, "/").ok_or_else(|| Miss::Unknown("nothing is mounted at /".to_owned()))?;
        when(VOLATILE.contains(&root.kind.as_str()), || format!("/ is {}", root.kind))
    })
    .says(
        "the whole system is in memory: a live medium, not an installation",
        "install the system on a disk first",
    ),
];

fn with(view: &View<'_>, paths: &[&str], bad: impl Fn(&Mount) -> bool, what: &str) -> Judged {
    let all = mounts(&view.needed("/proc/1/mountinfo")?);
    let bad = |path: &&&str| of(&all, path).is_some_and(&bad);
    let line = |path: &&str| {
        let mount =
            of(&all, path).map(|mount| format!("{}, {}", mount.point, mount.kind)).unwrap_or_default();
        format!("{path} is on {what} ({mount})")
    };
    Ok(paths.iter().filter(bad).map(line).collect())
}
