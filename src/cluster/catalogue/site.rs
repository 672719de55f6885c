//! Fields of the site as a whole.

use super::{Effect, FieldDoc, Kind, Ours};

const fn field(path: &'static str, kind: Kind) -> FieldDoc {
    FieldDoc::new(path, kind)
}

/// For what is baked into certificates, addresses and every node's configuration when a cluster is made.
const NEW_CLUSTER: &str =
    "put the old value back; for another one, `sealift reset` with the old file, then install anew";
/// Kubelet reads what kubeadm wrote when the node joined, and nothing writes it again yet.
const ONCE: &str =
    "kubeadm writes kubelet's configuration when a node joins; this version does not write it again";

const fn ours(key: &'static str, hint: &'static str) -> Ours {
    Ours { key, hint }
}

/// Keys of kubelet's configuration that another field decides, and what to do.
pub(crate) const KUBELET: &[Ours] = &[
    ours("apiVersion", "leave it out"),
    ours("kind", "leave it out"),
    ours("clusterDomain", "write `spec.network.clusterDomain`"),
    ours("clusterDNS", "leave it out: it is the tenth address of `spec.network.serviceSubnet`"),
    ours("cgroupDriver", "write `spec.containerd.systemdCgroup`, which containerd goes by too"),
];
/// The same of kube-proxy's.
pub(crate) const KUBE_PROXY: &[Ours] = &[
    ours("apiVersion", "leave it out"),
    ours("kind", "leave it out"),
    ours("clusterCIDR", "write `spec.network.podSubnet`"),
];

pub(super) const FIELDS: &[FieldDoc] = &[
    field("apiVersion", Kind::Exactly("sealift.dev/v1"))
        .says("the version of this format")
        .like("sealift.dev/v1"),
    field("kind", Kind::Exactly("Cluster")).says("what the file describes").like("Cluster"),
    field("metadata", Kind::Map).says("who the site is").like("{name: plant-7}"),
    field("metadata.name", Kind::Label)
        .says("the site's name; part of the endpoint's, `api.NAME.sealift.internal`")
        .like("plant-7")
        .fixed(
            "the API's certificate and every node's configuration name the endpoint after it",
            NEW_CLUSTER,
        ),
    field("spec", Kind::Map)
        .says("what the site should be")
        .like("{nodes: [{name: cp1, role: control-plane, ssh: {address: 10.77.0.11}}]}"),
    field("spec.controlPlane", Kind::Map)
        .says("how nodes reach the API")
        .without("the control plane's own address"),
    field("spec.controlPlane.address", Kind::Address)
        .says("what the endpoint's name stands for")
        .without("the control plane's own")
        .like("10.77.0.11")
        .limited("a virtual address is refused for now: the only control plane's own, or left out"),
    field("spec.network", Kind::Map)
        .says("networks that exist inside the cluster only")
        .without("the defaults below"),
    field("spec.network.podSubnet", Kind::Network)
        .says("addresses of pods; every node takes a /24 of it")
        .or("10.244.0.0/16")
        .fixed("every node has its share of it, and pods have addresses of it", NEW_CLUSTER),
    field("spec.network.serviceSubnet", Kind::Network)
        .says("addresses of services; the tenth is the DNS service")
        .or("10.96.0.0/16")
        .fixed("services have addresses of it, and the API's certificate has one", NEW_CLUSTER),
    field("spec.network.clusterDomain", Kind::Domain)
        .says("zone of the cluster's own names")
        .or("cluster.local")
        .fixed("the API's certificate and every kubelet name it", NEW_CLUSTER),
    field("spec.dns", Kind::Map)
        .says("what CoreDNS answers besides the cluster's own names")
        .without("nothing"),
    field("spec.dns.upstreams", Kind::List(&Kind::Address))
        .says("resolvers of the site for all other names")
        .without("such names do not exist, at once")
        .like("[10.77.0.2]"),
    field("spec.dns.hosts", Kind::Hosts)
        .says("names of the site, `name: address`; not below `clusterDomain`")
        .without("none")
        .like("{registry.plant.local: 10.77.0.5}"),
    field("spec.loadBalancer", Kind::Map)
        .says("addresses for services of type LoadBalancer")
        .without("MetalLB is not installed"),
    field("spec.loadBalancer.pools", Kind::List(&Kind::Map))
        .says("pools of addresses that MetalLB gives out")
        .without("MetalLB is not installed")
        .removed(Effect::Partly {
            stays: "the pool stays in the cluster",
            by_hand: "kubectl -n metallb-system delete ipaddresspool NAME",
        }),
    field("spec.loadBalancer.pools[].name", Kind::Label).says("the pool's name").like("default"),
    field("spec.loadBalancer.pools[].addresses", Kind::List(&Kind::Range))
        .says("free addresses of the nodes' network; no node's")
        .like("[10.77.0.240-10.77.0.250]"),
    field("spec.ssh", Kind::Map)
        .says("how sealift logs in where a node says nothing else")
        .without("the defaults below")
        .free(),
    field("spec.ssh.user", Kind::User).says("root, or one that may sudo").or("root").free(),
    field("spec.ssh.port", Kind::Port).says("port of the SSH servers").or("22").free(),
    field("spec.ssh.identityFile", Kind::OneOrMore(&Kind::Path))
        .says(
            "private key, or several; relative to this file, or `~/`. `FILE-cert.pub` beside it is shown too",
        )
        .without("the agent's keys, or a password")
        .like("~/.ssh/id_ed25519")
        .free(),
    field("spec.ssh.jump", Kind::List(&Kind::Map))
        .says("jump hosts, the first one in front: nodes are reached through them")
        .without("directly")
        .like("[{address: 10.9.0.1}]")
        .free(),
    field("spec.ssh.jump[].address", Kind::Address)
        .says("its IP address, as the machine before it in the chain sees it")
        .like("10.9.0.1")
        .free(),
    field("spec.ssh.jump[].user", Kind::User)
        .says("the user there")
        .without("that of the node")
        .like("ops")
        .free(),
    field("spec.ssh.jump[].port", Kind::Port).says("port of its SSH server").or("22").free(),
    field("spec.ssh.jump[].identityFile", Kind::OneOrMore(&Kind::Path))
        .says("private key for it")
        .without("that of the node")
        .like("keys/jump")
        .free(),
    field("spec.ssh.jump[].hostKey", Kind::HostKey)
        .says("its pinned key; written by `sealift enroll`")
        .without("no connection is made")
        .like("\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICy2HImIFyX/JQQXgcmgZZynuk+x1yV1nOkXvvoKeOOB\"")
        .free(),
    field("spec.os", Kind::Map).says("settings of the operating system").without("the defaults below"),
    field("spec.os.hostname", Kind::Choice(&["keep", "set"]))
        .says("`set`: the server's own name becomes the node's, now and after every boot. `keep`: it stays as it is")
        .or("keep"),
    field("spec.os.swap", Kind::Choice(&["off", "ignore"]))
        .says("`off`: switched off for good. `ignore`: left alone, kubelet runs with `failSwapOn: false`")
        .or("off")
        .fixed(ONCE, NEW_CLUSTER),
    field("spec.os.time", Kind::Choice(&["keep", "chrony"]))
        .says("`chrony`: it keeps the clocks together, one control plane is the others' source. `keep`: who does now goes on")
        .or("keep"),
    field("spec.os.timeServers", Kind::List(&Kind::Address))
        .says("time servers of the site, for the control planes' chrony")
        .without("the control planes' own clocks count")
        .like("[10.77.0.2]"),
    field("spec.containerd", Kind::Map).says("settings of containerd").without("the defaults below"),
    field("spec.containerd.systemdCgroup", Kind::Boolean)
        .says("cgroups are made by systemd, for containerd and kubelet alike")
        .or("true")
        .fixed(ONCE, NEW_CLUSTER),
    field("spec.containerd.restrictOomScoreAdj", Kind::Boolean)
        .says("for hosts that may not lower `oom_score_adj`")
        .or("false"),
    field("spec.preflight", Kind::Map).says("what preflight lets pass").without("nothing").free(),
    field("spec.preflight.skip", Kind::List(&Kind::Check))
        .says("preflight checks whose findings somebody answers for; `sealift explain ID` says what each is")
        .without("none")
        .like("[os-supported]")
        .free(),
    field("spec.kubernetes", Kind::Map).says("settings of kubeadm, kubelet and kube-proxy").without("ours"),
    field("spec.kubernetes.ignorePreflight", Kind::List(&Kind::Check))
        .says("kubeadm checks whose errors become warnings")
        .without("none")
        .like("[SystemVerification]"),
    field("spec.kubernetes.kubelet", Kind::FreeMap(KUBELET))
        .says("laid over our `KubeletConfiguration`; `null` removes a key")
        .without("ours")
        .like("{maxPods: 200}")
        .fixed(ONCE, NEW_CLUSTER),
    field("spec.kubernetes.kubeProxy", Kind::FreeMap(KUBE_PROXY))
        .says("laid over our `KubeProxyConfiguration`; `null` removes a key")
        .without("ours")
        .like("{metricsBindAddress: \"127.0.0.1:10249\"}"),
];
