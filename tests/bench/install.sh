# install on one bare node, and again on the finished cluster. Exports what hand.sh needs to make the same cluster.
set -euo pipefail
. tests/bench/lib.sh
. tests/bench/site.sh
enroll ours

install_words ours
install_once() { "${words[@]}" > "$dir/$1.jsonl"; }
first=$(timed install_once install)
seconds() { jq -s 'map(select(.event == "step-finished" and .seconds >= 0.5) | {step, seconds: (.seconds * 10 | round / 10)})' "$1"; }
seconds "$dir/install.jsonl" > "$dir/install.steps.json"
echo "$first" > "$dir/install.seconds"

again=()
for _ in 1 2 3; do
  again+=("$(timed install_once again)")
  changes=$(jq -s 'map(.changes? // 0 | if type == "array" then length else . end) | add' "$dir/again.jsonl")
  [ "$changes" = 0 ] || die "a second install has $changes changes, see $dir/again.jsonl"
done
row "install again" "none: 0 changes" "[]" "$(array "${again[@]}")" null 10 '{"changes": 0}'

# The same cluster by hand needs the same objects and settings: they are asked of this one.
rm -rf "$dir/hand"
mkdir "$dir/hand"
inside() { "$lab" exec --dir "$dir/scene" ours -- "$@"; }
kubectl() { inside /usr/local/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"; }
objects() { kubectl get -o json "$@" | jq '.items // [.] | map(del(.status, .metadata["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"]))[]'; }
{
  objects namespace/kube-flannel
  objects -n kube-system serviceaccount/kube-proxy serviceaccount/coredns configmap/kube-proxy configmap/coredns \
    daemonset/kube-proxy deployment/coredns service/kube-dns poddisruptionbudget/coredns
  objects clusterrolebinding/sealift:kube-proxy clusterrolebinding/flannel clusterrolebinding/system:coredns clusterrole/flannel clusterrole/system:coredns
  objects -n kube-flannel serviceaccount/flannel configmap/flannel daemonset/flannel
} | jq -s '{apiVersion: "v1", kind: "List", items: .}' > "$dir/hand/cluster.json"
objects -n metallb-system ipaddresspools,l2advertisements | jq -s '{apiVersion: "v1", kind: "List", items: .}' > "$dir/hand/pools.json"
inside env KUBECONFIG=/etc/kubernetes/admin.conf /usr/local/bin/helm get values metallb -n metallb-system -o json > "$dir/hand/values.json"
{
  sed "s/ADDRESS/$(address hand)/" tests/bench/init.yaml
  kubectl -n kube-system get configmap kubeadm-config -o jsonpath='{.data.ClusterConfiguration}'
  echo ---
  kubectl -n kube-system get configmap kubelet-config -o jsonpath='{.data.kubelet}'
} | sed "s/$(address ours)/$(address hand)/" > "$dir/hand/kubeadm.yaml"
inside grep "$(address ours)" /etc/hosts | sed "s/$(address ours)/$(address hand)/; s/\bours\b/hand/" > "$dir/hand/hosts"
inside bash -c 'cd / && tar c etc/containerd etc/sealift etc/systemd/system/containerd.service etc/systemd/system/kubelet.service* $(ls -d etc/sysctl.d/*sealift* etc/modules-load.d/*sealift* 2> /dev/null)' > "$dir/hand/etc.tar"
"$lab" power-cut --dir "$dir/scene" ours
