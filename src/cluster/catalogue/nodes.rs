//! Fields of the nodes.

use super::{Effect, FieldDoc, Kind};

const fn field(path: &'static str, kind: Kind) -> FieldDoc {
    FieldDoc::new(path, kind)
}

const ADDRESS: &str = "it is the node's address in the cluster: certificates, kubelet and etcd hold it";
/// For what a node became a member with.
const NEW_MEMBER: &str =
    "put the old value back; this version has no way to let one node leave and join again";

pub(super) const FIELDS: &[FieldDoc] = &[
    field("spec.nodes", Kind::List(&Kind::Map))
        .says("the servers; the first control plane is where the cluster starts")
        .like("[{name: cp1, role: control-plane, ssh: {address: 10.77.0.11}}]")
        .limited("more than one control plane is refused for now")
        .removed(Effect::Refused {
            why: "a node does not leave by being left out: its pods and its membership would stay",
            instead: "put it back; `node remove` is not in this version",
        }),
    field("spec.nodes[].name", Kind::Label).says("its hostname, and its name in Kubernetes").like("cp1"),
    field("spec.nodes[].role", Kind::Choice(&["control-plane", "worker"]))
        .says("`control-plane` runs the API and etcd, `worker` only workloads")
        .like("worker")
        .fixed(
            "a control plane and a worker are made differently, and neither becomes the other",
            NEW_MEMBER,
        ),
    field("spec.nodes[].gpu", Kind::Choice(&["auto", "none"]))
        .says("`auto`: what is found is given to workloads")
        .or("none")
        .limited("read; nothing is done about it yet"),
    field("spec.nodes[].ssh", Kind::MapOr("local"))
        .says(
            "how to reach it; `local`: it is the machine that sealift runs on. At most one, a control plane",
        )
        .like("{address: 10.77.0.11}")
        .free(),
    field("spec.nodes[].address", Kind::Address)
        .says("with `ssh: local` the server's own IP address; otherwise it is `ssh.address`")
        .without("that of `ssh`; needed with `ssh: local`")
        .like("10.77.0.11")
        .fixed(ADDRESS, NEW_MEMBER),
    field("spec.nodes[].ssh.address", Kind::Address)
        .says("IP address of its SSH server, and its address in the cluster")
        .like("10.77.0.11")
        .fixed(ADDRESS, NEW_MEMBER),
    field("spec.nodes[].ssh.user", Kind::User)
        .says("as `spec.ssh.user`, for this node")
        .without("that of `spec.ssh`")
        .like("ops")
        .free(),
    field("spec.nodes[].ssh.port", Kind::Port)
        .says("as `spec.ssh.port`, for this node")
        .without("that of `spec.ssh`")
        .like("2222")
        .free(),
    field("spec.nodes[].ssh.identityFile", Kind::OneOrMore(&Kind::Path))
        .says("as `spec.ssh.identityFile`, for this node")
        .without("that of `spec.ssh`")
        .like("keys/cp1")
        .free(),
    field("spec.nodes[].ssh.jump", Kind::List(&Kind::Map))
        .says("as `spec.ssh.jump`, for this node; `[]`: directly")
        .without("those of `spec.ssh`")
        .like("[{address: 10.9.0.1}]")
        .free(),
    field("spec.nodes[].ssh.jump[].address", Kind::Address)
        .says("its IP address, as the machine before it in the chain sees it")
        .like("10.9.0.1")
        .free(),
    field("spec.nodes[].ssh.jump[].user", Kind::User)
        .says("the user there")
        .without("that of the node")
        .like("ops")
        .free(),
    field("spec.nodes[].ssh.jump[].port", Kind::Port).says("port of its SSH server").or("22").free(),
    field("spec.nodes[].ssh.jump[].identityFile", Kind::OneOrMore(&Kind::Path))
        .says("private key for it")
        .without("that of the node")
        .like("keys/jump")
        .free(),
    field("spec.nodes[].ssh.jump[].hostKey", Kind::HostKey)
        .says("its pinned key; written by `sealift enroll`")
        .without("no connection is made")
        .like("\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICy2HImIFyX/JQQXgcmgZZynuk+x1yV1nOkXvvoKeOOB\"")
        .free(),
    field("spec.nodes[].ssh.hostKey", Kind::HostKey)
        .says("the pinned key of its SSH server; written by `sealift enroll`")
        .without("no connection is made")
        .like("\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICy2HImIFyX/JQQXgcmgZZynuk+x1yV1nOkXvvoKeOOB\"")
        .free(),
];
