# stage on five nodes: the same bytes to each of them over one uplink of 200 Mbit/s in all, with and without the relay,
# beside one copy of the bytes over that link. In a scene of its own, whose nodes are bare before each run.
set -euo pipefail
. tests/bench/lib.sh
scene=$dir/fleet
nodes=(n1=11 n2=12 n3=13 n4=14 n5=15)
fleet=(nsenter --net=/run/netns/fleet)

down() { "$lab" down --dir "$scene" > /dev/null 2>&1 || true; }
trap down EXIT

cluster() {
  cat << EOF
apiVersion: sealift.dev/v1
kind: Cluster
metadata: {name: fleet}
spec:
  network: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}
  ssh: {user: ops, identityFile: fleet/ssh/id_ed25519}
  nodes:
EOF
  local role=control-plane node
  for node in "${nodes[@]}"; do
    echo "    - {name: ${node%=*}, role: $role, ssh: {address: 10.79.1.${node#*=}}}"
    role=worker
  done
}

# staged NAME WORDS...: an install with these words until its images are on every node; what was seen.
staged() {
  local name=$1 events=$dir/fleet-$1.jsonl
  shift
  down
  "$lab" up --name fleet --dir "$scene" --subnet 10.79.1.0/24 $(printf -- '--node %s ' "${nodes[@]}") >> "$dir/log" 2>&1
  cluster > "$dir/fleet.yaml"
  "${fleet[@]}" "$sealift" enroll -c "$dir/fleet.yaml" --yes >> "$dir/log" 2>&1
  # what nodes send each other crosses the bridge and is not the bridge's own: this is the operator's link alone
  tc -n fleet qdisc replace dev br0 root tbf rate 200mbit burst 256kb latency 100ms
  rm -f "$events"
  "${fleet[@]}" "$sealift" install -c "$dir/fleet.yaml" --state "$dir/state/fleet-$name" --profile tests/lab/profile.yaml \
    --bundle "$(bundle)" --trust "$dir/keys/bench.pub" --json --yes "$@" > "$events" 2>> "$dir/log" < /dev/null &
  local installer=$!
  until grep -qs '"event":"play-finished","play":"images"' "$events"; do
    kill -0 "$installer" 2> /dev/null || die "install ended before its images were there, see $dir/log"
    sleep 0.2
  done
  kill "$installer" 2> /dev/null || true
  wait "$installer" 2> /dev/null || true
  jq -s -f tests/bench/stage.jq "$events"
}

with=$(staged relay)
without=$(staged plain --no-relay)
bytes=$(jq .bytes <<< "$with")
floors=()
for _ in 1 2; do
  from=$EPOCHREALTIME
  head -c "$bytes" "$(bundle)/volume-0000" | "${fleet[@]}" ssh -F none -i "$scene/ssh/id_ed25519" -o BatchMode=yes -o IdentitiesOnly=yes \
    -o UserKnownHostsFile="$scene/ssh/known_hosts" ops@10.79.1.11 "cat > /var/tmp/floor && rm /var/tmp/floor" >> "$dir/log" 2>&1
  floors+=("$(since "$from")")
done
floors=$(array "${floors[@]}")
what="ssh cat of one node's bytes, uplink 200 Mbit/s in all"
row "stage, 5 nodes" "$what" "$floors" "[$(jq .staged <<< "$with")]" 1.4 null "$with"
row "stage, 5 nodes, no relay" "$what" "$floors" "[$(jq .staged <<< "$without")]" null null "$without"
