# The floor of install: somebody who knows every command types them without a pause, on a node like the other one.
set -euo pipefail
. tests/bench/lib.sh

copy() { tar -C "$dir" -c files hand | on hand "mkdir -p /var/tmp/bench && tar -C /var/tmp/bench -x"; }
as_root() { on hand sudo bash -euo pipefail -s "$1" < tests/bench/on-node.sh; }
# straight from the operator into the runtime: no copy on the node that only ctr would read
images() { on hand sudo /usr/local/bin/ctr -n k8s.io images import --digests=false - < "$dir/images.tar"; }

seconds=() names=(copy runtime images kubeadm cluster balancer)
act() {
  local from=$EPOCHREALTIME
  "$@" >> "$dir/log" 2>&1 || die "by hand: failed, see $dir/log: $*"
  seconds+=("$(since "$from")")
}
act copy
act as_root runtime
act images
act as_root kubeadm
act as_root cluster
act as_root balancer
total=$(array "${seconds[@]}" | jq add)
acts=$(jq -nc --argjson names "$(printf '"%s"\n' "${names[@]}" | jq -sc .)" --argjson seconds "$(array "${seconds[@]}")" '[$names, $seconds] | transpose | map({act: .[0], seconds: .[1]})')
what="copy, ctr, kubeadm, kubectl and helm by hand"
ours=$(< "$dir/install.seconds")
row "install" "$what" "[$total]" "[$ours]" 1.3 120 "$(jq -c --argjson acts "$acts" '{our_steps: ., by_hand: $acts}' "$dir/install.steps.json")"
# MetalLB's controller comes up at once or after most of a minute, by chance (README.md): the same without that
lucky=$(jq '[.[] | select(.step == "load balancer is up").seconds] | add // 0' "$dir/install.steps.json")
row "less MetalLB" "the same, without waiting for MetalLB" "[$(jq -n "$total - ${seconds[-1]}")]" "[$(jq -n "$ours - $lucky")]" 1.3 null
