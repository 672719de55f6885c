//! What the embedded templates become for sites that differ in what matters.

use sealift_cluster::Cluster;
use sealift_k8s::documents;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::testkit::{CLUSTER, cluster};
use crate::{Events, Site, Templates};

/// One server that is everything, with name servers and a name of its own.
const ALONE: &str = r"
apiVersion: sealift.dev/v1
kind: Cluster
metadata: {name: hut}
spec:
  dns: {upstreams: [10.9.0.53, 10.9.0.54], hosts: {registry.plant.local: 10.9.0.5}}
  loadBalancer: {pools: [{name: default, addresses: [10.9.0.240-10.9.0.250]}]}
  containerd: {systemdCgroup: false}
  kubernetes: {kubelet: {maxPods: 250}, kubeProxy: {conntrack: {maxPerCore: 0}}}
  ssh: {user: ops, identityFile: /k}
  nodes:
    - {name: one, role: control-plane, ssh: {address: 10.9.0.11}}
";

fn render(cluster: &Cluster, template: &str) -> String {
    let site = Site::new(cluster.clone(), None, crate::site::Hosts::new(), Events::unheard()).unwrap();
    let mut context = site.template_context(cluster.nodes().first());
    context["images"] = json!({"pause": "r/pause:1", "flannel": "r/flannel:1", "kube-proxy": "r/kube-proxy:1", "coredns": "r/coredns:1"});
    context["kubernetes"] = json!({"version": "v1.36.4"});
    context["join"] = json!({"token": "abcdef.0123456789abcdef", "ca": "Q0E=", "discovery": "/d"});
    Templates::embedded().unwrap().render(template, &context).unwrap()
}

fn yaml(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text).map(|one| Value::deserialize(one).unwrap()).collect()
}

fn of_kind(text: &str, kind: &str) -> Value {
    yaml(text).into_iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {text}"))
}

#[test]
fn every_cluster_template_is_objects_with_names() {
    for site in [CLUSTER, ALONE].map(cluster) {
        for (template, count) in [("flannel", 6), ("kube-proxy", 4), ("coredns", 7)] {
            let name = format!("cluster/{template}.yaml.j2");
            assert_eq!(documents(&render(&site, &name), &name).unwrap().len(), count, "{name}");
        }
        let pools = documents(&render(&site, "cluster/metallb-pools.yaml.j2"), "pools").unwrap();
        assert_eq!(pools.len(), 2 * site.load_balancer().pools.len());
    }
}

#[test]
fn a_site_without_workers_puts_workloads_on_its_control_plane() {
    let init = |site| of_kind(&render(&cluster(site), "kubeadm/init.yaml.j2"), "InitConfiguration");
    assert_eq!(init(ALONE)["nodeRegistration"]["taints"], json!([]));
    assert_eq!(init(CLUSTER)["nodeRegistration"].get("taints"), None);
}

#[test]
fn the_cluster_file_has_the_last_word_over_kubelet_and_kube_proxy() {
    let kubelet = of_kind(&render(&cluster(ALONE), "kubeadm/init.yaml.j2"), "KubeletConfiguration");
    assert_eq!((&kubelet["maxPods"], &kubelet["cgroupDriver"]), (&json!(250), &json!("cgroupfs")));
    assert_eq!(kubelet["imagePullCredentialsVerificationPolicy"], "NeverVerify");
    let map = of_kind(&render(&cluster(ALONE), "cluster/kube-proxy.yaml.j2"), "ConfigMap");
    let config = yaml(map["data"]["config.yaml"].as_str().unwrap()).remove(0);
    assert_eq!((&config["mode"], &config["conntrack"]["maxPerCore"]), (&json!("nftables"), &json!(0)));
}

#[test]
fn kubeadm_never_pulls_and_leaves_dns_and_proxy_to_us() {
    let site = cluster(CLUSTER);
    let init = render(&site, "kubeadm/init.yaml.j2");
    let config = of_kind(&init, "ClusterConfiguration");
    assert_eq!((&config["dns"]["disabled"], &config["proxy"]["disabled"]), (&json!(true), &json!(true)));
    assert_eq!(config["controlPlaneEndpoint"], "api.plant-7.sealift.internal:6443");
    for (text, kind) in
        [(init, "InitConfiguration"), (render(&site, "kubeadm/join.yaml.j2"), "JoinConfiguration")]
    {
        assert_eq!(of_kind(&text, kind)["nodeRegistration"]["imagePullPolicy"], "Never", "{kind}");
    }
}

#[test]
fn without_upstreams_no_name_is_forwarded_and_site_names_are_zones() {
    let corefile =
        |site| of_kind(&render(&cluster(site), "cluster/coredns.yaml.j2"), "ConfigMap")["data"].clone();
    let closed = corefile(CLUSTER);
    let text = closed["Corefile"].as_str().unwrap();
    assert!(!text.contains("forward") && text.contains("rcode NXDOMAIN"), "{text}");
    let open = corefile(ALONE);
    let text = open["Corefile"].as_str().unwrap();
    assert!(text.contains("forward . 10.9.0.53 10.9.0.54") && !text.contains("NXDOMAIN"), "{text}");
    assert!(text.contains("registry.plant.local:53 {"), "{text}");
    assert!(open["registry.plant.local.zone"].as_str().unwrap().contains("IN A 10.9.0.5"), "{open}");
}

#[test]
fn containerd_s_configuration_closes_every_way_out() {
    let hosts = render(&cluster(CLUSTER), "containerd/hosts-default.toml.j2");
    let addresses: Vec<&str> =
        hosts.lines().filter(|line| !line.starts_with('#') && line.contains("://")).collect();
    assert_eq!(addresses.len(), 2);
    assert!(addresses.iter().all(|line| line.contains("\"http://127.0.0.1:1/")), "{hosts}");
    let config = render(&cluster(CLUSTER), "containerd/config.toml.j2");
    for line in [
        "version = 4",
        "discard_unpacked_layers = false",
        "sandbox = \"r/pause:1\"",
        "config_path = \"/etc/containerd/certs.d\"",
    ] {
        assert!(config.contains(line), "no {line} in {config}");
    }
}
