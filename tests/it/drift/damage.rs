//! The damages: what somebody does to a finished site, and what of it must be found and mended.

/// One damage.
pub(super) struct Damage {
    pub(super) name: &'static str,
    /// The node on which `how` is run; what is done through the API is done from the control plane.
    pub(super) on: &'static str,
    /// A shell's words.
    pub(super) how: &'static str,
    /// Waited for before anybody looks: that it has taken effect.
    pub(super) until: &'static str,
    /// The changes that `plan` must name: node, step, and what; a `*` at its end is a version.
    pub(super) named: &'static [(&'static str, &'static str, &'static str)],
    /// Files on that node which mending it may write.
    pub(super) files: &'static [&'static str],
    /// What is so when it is mended.
    pub(super) mended: &'static str,
    /// Whether nothing can be asked of the API, or of containerd, before it is mended.
    pub(super) blinds: Option<Blind>,
    /// Takes a minute by itself: left to `make test-full`.
    pub(super) slow: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blind {
    Api,
    /// On the damage's node.
    Containerd,
}

const DAMAGE: Damage = Damage {
    name: "",
    on: "",
    how: "",
    until: "true",
    named: &[],
    files: &[],
    mended: "",
    blinds: None,
    slow: false,
};

const UNIT_RECEIPT: &str = "/var/lib/sealift/receipts/unit-containerd.service.json";
const KUBELET_RECEIPT: &str = "/var/lib/sealift/receipts/unit-kubelet.service.json";

/// All of them, in the order in which several are done to one site.
pub(super) const ALL: &[Damage] = &[
    Damage {
        name: "a kernel parameter",
        on: "w1",
        how: "echo 0 > /proc/sys/net/ipv4/ip_forward",
        named: &[("w1", "kernel parameters", "net.ipv4.ip_forward")],
        mended: "grep -qx 1 /proc/sys/net/ipv4/ip_forward",
        ..DAMAGE
    },
    Damage {
        name: "the file of kernel parameters",
        on: "cp1",
        how: "sed -i s/524288/8192/ /etc/sysctl.d/90-sealift.conf",
        named: &[("cp1", "kernel parameters", "/etc/sysctl.d/90-sealift.conf")],
        files: &["/etc/sysctl.d/90-sealift.conf"],
        mended: "grep -q 524288 /etc/sysctl.d/90-sealift.conf",
        ..DAMAGE
    },
    Damage {
        name: "a later file of kernel parameters",
        on: "w1",
        how: "printf 'kernel.panic = 10\\nfs.inotify.max_user_instances = 99\\n' > /etc/sysctl.d/99-lab.conf",
        named: &[("w1", "kernel parameters", "/etc/sysctl.d/99-lab.conf")],
        files: &["/etc/sysctl.d/99-lab.conf"],
        mended: "! grep -q ^fs /etc/sysctl.d/99-lab.conf && grep -q ^kernel.panic /etc/sysctl.d/99-lab.conf && rm /etc/sysctl.d/99-lab.conf",
        ..DAMAGE
    },
    Damage {
        name: "the list of modules",
        on: "w1",
        how: "rm /etc/modules-load.d/sealift.conf",
        named: &[("w1", "kernel modules", "/etc/modules-load.d/sealift.conf")],
        files: &["/etc/modules-load.d/sealift.conf"],
        mended: "grep -qx vxlan /etc/modules-load.d/sealift.conf",
        ..DAMAGE
    },
    Damage {
        name: "a node's name in /etc/hosts",
        on: "w1",
        how: "sed '/ cp1$/d' /etc/hosts > /tmp/hosts && cat /tmp/hosts > /etc/hosts && echo '192.0.2.9 printer' >> /etc/hosts",
        named: &[("w1", "names of the nodes", "/etc/hosts")],
        files: &["/etc/hosts"],
        mended: "grep -q ' cp1$' /etc/hosts && grep -q printer /etc/hosts && grep -v printer /etc/hosts > /tmp/hosts && cat /tmp/hosts > /etc/hosts",
        ..DAMAGE
    },
    Damage {
        name: "a file's mode",
        on: "cp1",
        how: "chmod 0600 /etc/sealift/resolv.conf",
        named: &[("cp1", "name servers of pods", "/etc/sealift/resolv.conf")],
        mended: "[ $(stat -c %a /etc/sealift/resolv.conf) = 644 ]",
        ..DAMAGE
    },
    Damage {
        name: "a folder that everybody may write",
        on: "w1",
        how: "chmod 0777 /etc/sealift",
        named: &[("w1", "folder of sealift", "/etc/sealift")],
        mended: "[ $(stat -c %a /etc/sealift) = 755 ]",
        ..DAMAGE
    },
    Damage {
        name: "a program with a set-user-id bit and another owner",
        on: "cp1",
        how: "chown nobody /usr/local/bin/kubeadm && chmod 4755 /usr/local/bin/kubeadm",
        named: &[("cp1", "kubeadm", "/usr/local/bin/kubeadm")],
        mended: "[ \"$(stat -c '%a %u' /usr/local/bin/kubeadm)\" = '755 0' ]",
        ..DAMAGE
    },
    Damage {
        name: "a link in a program's place",
        on: "cp1",
        how: "ln -sf /bin/true /usr/local/bin/helm",
        named: &[("cp1", "helm", "/usr/local/bin/helm")],
        files: &["/usr/local/bin/helm"],
        mended: "[ ! -L /usr/local/bin/helm ] && HOME=/tmp helm version",
        ..DAMAGE
    },
    Damage {
        name: "a changed network plugin",
        on: "w1",
        how: "echo x >> /opt/cni/bin/portmap",
        named: &[("w1", "network plugins", "/opt/cni/bin/portmap")],
        files: &["/opt/cni/bin/portmap"],
        mended: "! tail -c 2 /opt/cni/bin/portmap | grep -qx x",
        ..DAMAGE
    },
    Damage {
        name: "another network configuration before ours",
        on: "w1",
        how: "echo '{\"cniVersion\":\"1.0.0\",\"name\":\"lab\",\"plugins\":[{\"type\":\"loopback\"}]}' > /etc/cni/net.d/00-lab.conflist",
        named: &[("w1", "network configuration", "/etc/cni/net.d/00-lab.conflist")],
        mended: "[ ! -e /etc/cni/net.d/00-lab.conflist ] && rm /etc/cni/net.d/.00-lab.conflist.set-aside",
        ..DAMAGE
    },
    Damage {
        name: "a network configuration that everybody may write",
        on: "cp1",
        how: "chmod 0666 /etc/cni/net.d/10-sealift.conflist",
        named: &[("cp1", "network configuration", "/etc/cni/net.d/10-sealift.conflist")],
        mended: "[ $(stat -c %a /etc/cni/net.d/10-sealift.conflist) = 644 ]",
        ..DAMAGE
    },
    Damage {
        name: "containerd's configuration, and containerd runs by it",
        on: "cp1",
        how: "sed -i 's/max_conf_num = 1/max_conf_num = 2/' /etc/containerd/config.toml && systemctl restart containerd",
        named: &[
            ("cp1", "containerd configuration", "/etc/containerd/config.toml"),
            ("cp1", "containerd", "containerd.service"),
        ],
        files: &["/etc/containerd/config.toml", UNIT_RECEIPT],
        mended: "grep -q 'max_conf_num = 1' /etc/containerd/config.toml",
        ..DAMAGE
    },
    Damage {
        name: "a way out for images",
        on: "w1",
        how: "echo 'server = \"http://192.0.2.1\"' > /etc/containerd/certs.d/_default/hosts.toml",
        named: &[("w1", "no registry but the release", "/etc/containerd/certs.d/_default/hosts.toml")],
        files: &["/etc/containerd/certs.d/_default/hosts.toml"],
        mended: "grep -q this-image-is-not-in-the-release /etc/containerd/certs.d/_default/hosts.toml",
        ..DAMAGE
    },
    Damage {
        name: "a masked unit",
        on: "cp1",
        how: "ln -sf /dev/null /etc/systemd/system/containerd.service && systemctl daemon-reload",
        named: &[("cp1", "containerd", "/etc/systemd/system/containerd.service")],
        files: &["/etc/systemd/system/containerd.service", UNIT_RECEIPT],
        mended: "systemctl is-enabled containerd && systemctl is-active containerd",
        ..DAMAGE
    },
    Damage {
        name: "somebody else's drop-in",
        on: "w1",
        how: "mkdir -p /etc/systemd/system/containerd.service.d && printf '[Service]\\nEnvironment=LAB=1\\n' > /etc/systemd/system/containerd.service.d/lab.conf && systemctl daemon-reload && systemctl restart containerd",
        named: &[
            ("w1", "containerd", "/etc/systemd/system/containerd.service.d/lab.conf"),
            ("w1", "containerd", "containerd.service"),
        ],
        files: &["/etc/systemd/system/containerd.service.d", UNIT_RECEIPT],
        mended: "! systemctl show -p Environment containerd | grep -q LAB && ! tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID containerd)/environ | grep -q LAB= && rm -r /etc/systemd/system/containerd.service.d",
        ..DAMAGE
    },
    Damage {
        name: "a unit that does not start at boot",
        on: "w1",
        how: "systemctl disable kubelet",
        named: &[("w1", "kubelet service", "kubelet.service at boot")],
        files: &["/etc/systemd/system/multi-user.target.wants/kubelet.service"],
        mended: "systemctl is-enabled kubelet",
        ..DAMAGE
    },
    Damage {
        name: "the mode of kubelet's drop-in",
        on: "cp1",
        how: "chmod 0640 /etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
        named: &[("cp1", "kubelet service", "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf")],
        mended: "[ $(stat -c %a /etc/systemd/system/kubelet.service.d/10-kubeadm.conf) = 644 ]",
        ..DAMAGE
    },
    Damage {
        name: "a stopped kubelet",
        on: "w1",
        how: "systemctl stop kubelet",
        named: &[("w1", "kubelet", "kubelet.service")],
        files: &[KUBELET_RECEIPT],
        mended: "systemctl is-active kubelet",
        ..DAMAGE
    },
    Damage {
        name: "kubelet's configuration, and kubelet runs by it",
        on: "w1",
        how: "echo 'maxPods: 77' >> /var/lib/kubelet/config.yaml && systemctl restart kubelet",
        named: &[
            ("w1", "kubelet configuration", "/var/lib/kubelet/config.yaml"),
            ("w1", "kubelet", "kubelet.service"),
        ],
        files: &["/var/lib/kubelet/config.yaml", KUBELET_RECEIPT],
        mended: "! grep -q maxPods /var/lib/kubelet/config.yaml && systemctl is-active kubelet",
        ..DAMAGE
    },
    Damage {
        name: "kubelet's flags, and kubelet runs by them",
        on: "cp1",
        how: "sed -i 's/=\"/=\"--v=3 /' /var/lib/kubelet/kubeadm-flags.env && systemctl restart kubelet",
        named: &[
            ("cp1", "kubelet configuration", "/var/lib/kubelet/kubeadm-flags.env"),
            ("cp1", "kubelet", "kubelet.service"),
        ],
        files: &["/var/lib/kubelet/kubeadm-flags.env", KUBELET_RECEIPT],
        mended: "! tr '\\0' ' ' < /proc/$(systemctl show -P MainPID kubelet)/cmdline | grep -q -- --v=3",
        ..DAMAGE
    },
    Damage {
        name: "a removed image",
        on: "cp1",
        how: "ctr -n k8s.io images rm $(ctr -n k8s.io images ls -q | grep /agnhost:)",
        named: &[("cp1", "images", "image registry.k8s.io/e2e-test-images/agnhost:*")],
        mended: "ctr -n k8s.io images ls -q | grep /agnhost:",
        ..DAMAGE
    },
    Damage {
        name: "a pin label",
        on: "w1",
        how: "ctr -n k8s.io images label $(ctr -n k8s.io images ls -q | grep /coredns:) io.cri-containerd.pinned=",
        named: &[("w1", "images", "image registry.k8s.io/coredns/coredns:*")],
        mended: "ctr -n k8s.io images ls | grep /coredns: | grep -q io.cri-containerd.pinned=pinned",
        ..DAMAGE
    },
    Damage {
        name: "a stopped containerd",
        on: "cp1",
        how: "systemctl stop containerd",
        named: &[("cp1", "containerd", "containerd.service")],
        files: &[UNIT_RECEIPT],
        mended: "systemctl is-active containerd",
        blinds: Some(Blind::Containerd),
        ..DAMAGE
    },
    Damage {
        name: "a static pod's flag",
        on: "cp1",
        how: "sed 's/- --leader-elect=true/- --leader-elect=true\\n    - --v=3/' /etc/kubernetes/manifests/kube-scheduler.yaml > /tmp/manifest && cat /tmp/manifest > /etc/kubernetes/manifests/kube-scheduler.yaml",
        until: "K -n kube-system get pod kube-scheduler-cp1 -o yaml | grep -q -- --v=3",
        named: &[("cp1", "static pods", "/etc/kubernetes/manifests/kube-scheduler.yaml")],
        files: &["/etc/kubernetes/manifests/kube-scheduler.yaml"],
        mended: "! K -n kube-system get pod kube-scheduler-cp1 -o yaml | grep -q -- --v=3",
        ..DAMAGE
    },
    Damage {
        name: "a copy among the static pods",
        on: "cp1",
        how: "echo '# a copy' > /etc/kubernetes/manifests/kube-scheduler.yaml.bak",
        named: &[("cp1", "static pods", "/etc/kubernetes/manifests/kube-scheduler.yaml.bak")],
        mended: "rm /etc/kubernetes/manifests/.kube-scheduler.yaml.bak.set-aside",
        ..DAMAGE
    },
    Damage {
        name: "a key that everybody may read",
        on: "cp1",
        how: "chmod 0644 /etc/kubernetes/pki/sa.key",
        named: &[("cp1", "keys and kubeconfigs", "/etc/kubernetes/pki/sa.key")],
        mended: "[ $(stat -c %a /etc/kubernetes/pki/sa.key) = 600 ]",
        ..DAMAGE
    },
    Damage {
        name: "a lost certificate",
        on: "cp1",
        how: "rm /etc/kubernetes/pki/front-proxy-client.crt",
        named: &[("cp1", "keys and kubeconfigs", "/etc/kubernetes/pki/front-proxy-client.crt")],
        files: &["/etc/kubernetes/pki/front-proxy-client.crt", "/etc/kubernetes/pki/front-proxy-client.key"],
        mended: "[ -s /etc/kubernetes/pki/front-proxy-client.crt ] && [ $(stat -c %a /etc/kubernetes/pki/front-proxy-client.key) = 600 ]",
        ..DAMAGE
    },
    Damage {
        name: "a lost kubeconfig",
        on: "cp1",
        how: "rm /etc/kubernetes/admin.conf",
        named: &[("cp1", "keys and kubeconfigs", "/etc/kubernetes/admin.conf")],
        files: &["/etc/kubernetes/admin.conf"],
        mended: "K get nodes",
        blinds: Some(Blind::Api),
        ..DAMAGE
    },
    Damage {
        name: "an address pool",
        on: "cp1",
        how: "K -n metallb-system patch ipaddresspool default --type merge -p '{\"spec\":{\"addresses\":[\"192.0.2.0/28\"]}}'",
        named: &[("cluster", "address pools", "IPAddressPool metallb-system/default")],
        mended: "! K -n metallb-system get ipaddresspool default -o yaml | grep -q 192.0.2",
        ..DAMAGE
    },
    Damage {
        name: "an object of a chart",
        on: "cp1",
        how: "K -n metallb-system delete deployment metallb-controller",
        named: &[("cluster", "load balancer", "Deployment metallb-system/metallb-controller")],
        mended: "K -n metallb-system get deployment metallb-controller",
        ..DAMAGE
    },
    Damage {
        name: "the name server's configuration",
        on: "cp1",
        how: "K -n kube-system patch configmap coredns --type merge -p '{\"data\":{\"Corefile\":\".:53 {\\n    errors\\n}\\n\"}}'",
        named: &[
            ("cluster", "cluster DNS", "ConfigMap kube-system/coredns"),
            ("cluster", "cluster DNS", "pods of Deployment kube-system/coredns"),
        ],
        mended: "K -n kube-system get configmap coredns -o yaml | grep -q kubernetes",
        ..DAMAGE
    },
    Damage {
        name: "a binding of rights",
        on: "cp1",
        how: "K delete clusterrolebinding sealift:kube-proxy",
        named: &[("cluster", "kube-proxy", "ClusterRoleBinding sealift:kube-proxy")],
        mended: "K get clusterrolebinding sealift:kube-proxy",
        ..DAMAGE
    },
    Damage {
        name: "a DaemonSet that fits no node",
        on: "cp1",
        how: "K -n kube-flannel patch daemonset flannel -p '{\"spec\":{\"template\":{\"spec\":{\"nodeSelector\":{\"no\":\"where\"}}}}}'",
        named: &[("cluster", "pod network", "DaemonSet kube-flannel/flannel")],
        mended: "! K -n kube-flannel get daemonset flannel -o yaml | grep -q 'no: where'",
        ..DAMAGE
    },
    Damage {
        name: "a scaled Deployment",
        on: "cp1",
        how: "K -n kube-system scale deployment coredns --replicas 0",
        named: &[("cluster", "cluster DNS", "Deployment kube-system/coredns")],
        mended: "[ $(K -n kube-system get deployment coredns -o jsonpath={.status.readyReplicas}) = 2 ]",
        ..DAMAGE
    },
    Damage {
        name: "the API server's flag",
        on: "cp1",
        how: "sed 's/- --secure-port=6443/- --secure-port=6443\\n    - --event-ttl=2h/' /etc/kubernetes/manifests/kube-apiserver.yaml > /tmp/manifest && cat /tmp/manifest > /etc/kubernetes/manifests/kube-apiserver.yaml",
        until: "K -n kube-system get pod kube-apiserver-cp1 -o yaml | grep -q -- --event-ttl=2h && sleep 5 && K get --raw /readyz",
        named: &[("cp1", "static pods", "/etc/kubernetes/manifests/kube-apiserver.yaml")],
        files: &["/etc/kubernetes/manifests/kube-apiserver.yaml"],
        mended: "! K -n kube-system get pod kube-apiserver-cp1 -o yaml | grep -q -- --event-ttl=2h",
        slow: true,
        ..DAMAGE
    },
    Damage {
        name: "an API server that does not come up",
        on: "cp1",
        how: "sed 's/- --secure-port=6443/- --secure-port=6443\\n    - --no-such-flag/' /etc/kubernetes/manifests/kube-apiserver.yaml > /tmp/manifest && cat /tmp/manifest > /etc/kubernetes/manifests/kube-apiserver.yaml",
        until: "! K get --raw /readyz --request-timeout=2s",
        named: &[("cp1", "static pods", "/etc/kubernetes/manifests/kube-apiserver.yaml")],
        files: &["/etc/kubernetes/manifests/kube-apiserver.yaml"],
        mended: "K get --raw /readyz",
        blinds: Some(Blind::Api),
        slow: true,
    },
    Damage {
        name: "a deleted node",
        on: "cp1",
        how: "K delete node w1",
        named: &[("w1", "kubeadm join", "kubeadm join")],
        mended: "K get node w1",
        slow: true,
        ..DAMAGE
    },
];
