#!/bin/bash
# The main job, end to end, as an engineer would type it. `demo.sh up` leaves the cluster running.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=target/lab bin=target/x86_64-unknown-linux-gnu/release
sealift() { "$bin/sealift" "$@"; }
# Everything at the site runs in the lab's namespace, which has no way out: it is the air gap.
site() { nsenter --net=/run/netns/lab "$@"; }

timings=()
act() {
  local name=$1 began ended
  shift
  printf '\n\033[1m== %s\033[0m\n' "$name"
  began=$(date +%s.%N)
  "$@"
  ended=$(date +%s.%N)
  timings+=("$(jq -n --arg name "$name" --argjson from "$began" --argjson to "$ended" '{name: $name, seconds: ($to - $from)}')")
}

down() {
  [ -x "$bin/lab" ] || { echo "nothing to end: $bin/lab was never built"; return 0; }
  "$bin/lab" down --dir "$dir"
}

compile() { cargo build --quiet --release -p sealift -p lab "$@"; }

# At once: each takes both processors, and each leaves one idle for minutes (the program's last link, downloads).
build() {
  compile --bin lab
  # a group of its own, so that its compilers end with it
  setsid "$bin/lab" build > /dev/null &
  local lab=$!
  trap "kill -- -$lab 2> /dev/null || true" EXIT
  compile
  wait "$lab"
  trap - EXIT
}

pack() {
  local mirrors
  "$bin/lab" internet up --dir "$dir"
  mapfile -t mirrors < <("$bin/lab" internet mirrors --dir "$dir")
  mkdir -p "$dir/keys" "$dir/bundle"
  [ -f "$dir/keys/demo.sec" ] || sealift key generate --no-password --output "$dir/keys/demo"
  rm -rf "$dir"/bundle/*
  sealift pack "$dir/recipe.yaml" --key "$dir/keys/demo.sec" --output "$dir/bundle" --lock "$dir/demo.lock" \
    "${mirrors[@]/#/--mirror=}"
  "$bin/lab" internet down --dir "$dir"
}

# From here on there is no internet: the bundle is all there is.
carry() {
  sealift verify "$bundle" --trust "$dir/keys/demo.pub"
  minisign -V -q -p "$dir/keys/demo.pub" -m "$bundle/manifest.json" && echo "minisign agrees with the signature"
  sealift inspect "$bundle" --trust "$dir/keys/demo.pub"
}

machines() { "$bin/lab" up --name lab --dir "$dir" --subnet 10.77.0.0/24 --node cp1=11 --node w1=21; }

at_site=(-c "$dir/cluster.yaml" --state "$dir/state")
with_bundle=("${at_site[@]}" --trust "$dir/keys/demo.pub" --profile tests/lab/profile.yaml)

enroll() { site "$bin/sealift" enroll -c "$dir/cluster.yaml" --yes; }
install() { site "$bin/sealift" install "${with_bundle[@]}" --bundle "$bundle" --yes; }

workload() {
  site "$bin/sealift" kubeconfig "${at_site[@]}" > "$dir/kubeconfig"
  chmod 600 "$dir/kubeconfig"
  kubectl apply -f "$dir/web.yaml"
  kubectl rollout status deployment/web --timeout 60s
  address=$(kubectl get service web -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
  site curl -fsS -o /dev/null -w "http://$address answers %{http_code} in %{time_total} s\n" --retry 20 --retry-delay 1 --retry-all-errors "http://$address/"
  kubectl get nodes,pods -A -o wide | cut -c1-118
}

# A leak planted on purpose in a node and in a pod must be seen, and nothing else.
egress() {
  "$bin/lab" egress plant --dir "$dir" --node w1
  "$bin/lab" egress plant --dir "$dir" --node cp1 -- /usr/local/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf exec deployment/web --
  "$bin/lab" egress report --dir "$dir"
}

kubectl() { site "$kubectl" --kubeconfig "$dir/kubeconfig" "$@"; }

up() {
  act "build, and the lab's Kubernetes" build
  down > /dev/null 2>&1
  mkdir -p "$dir"
  agnhost=$("$bin/lab" image agnhost)
  kubectl=$("$bin/lab" program kubernetes kubectl)
  for file in recipe cluster web; do sed "s/AGNHOST/${agnhost##*:}/; s#\.\./\.\./\.\./bundle#$PWD/bundle#" "tests/lab/demo/$file.yaml" > "$dir/$file.yaml"; done
  act "pack" pack
  bundle=$(echo "$dir"/bundle/*.sealift)
  act "carry into the air gap" carry
  act "machines" machines
  act "enroll" enroll
  act "install" install
  act "workload" workload
  act "nothing left the air gap" egress
  printf '%s\n' "${timings[@]}" | jq -s '{schema: 1, acts: .}' > "$dir/run.json"
  jq -r '.acts[] | "\(.seconds * 10 | round / 10) s\t\(.name)"' "$dir/run.json"
  cat <<TEXT

The cluster is running. Look inside:
  nsenter --net=/run/netns/lab $kubectl --kubeconfig $dir/kubeconfig get pods -A
  nsenter --net=/run/netns/lab curl http://$address/hostname
  $bin/lab exec --dir $dir cp1 -- ctr -n k8s.io containers ls
End it:
  make demo-down
TEXT
}

"$1"
