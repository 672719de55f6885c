#!/bin/bash
# Times of pack, verify, stage and install beside their floors, measured in the same run (docs: tests/bench/README.md).
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/lib.sh

clean() {
  "$lab" down --dir "$dir/scene" || true
  "$lab" down --dir "$dir/fleet" > /dev/null 2>&1 || true
  "$lab" internet down --dir "$dir" > /dev/null 2>&1 || true
  [ -n "${BENCH_KEEP:-}" ] || rm -rf "$dir"/{blobs,files,layout,images.tar,out,packed,hand,state,keys}
}

parts=("${@:-all}")
wanted() { [[ " ${parts[*]} " == *" all "* || " ${parts[*]} " == *" $1 "* ]]; }

cargo build --quiet --release -p sealift -p lab
"$lab" build > /dev/null
mkdir -p "$dir"
rm -f "$dir"/*.jsonl
: > "$dir/log"
: > "$dir/rows.jsonl"
trap clean EXIT
conditions > "$dir/conditions.json"

wanted binary && bash tests/bench/binary.sh
bash tests/bench/pack.sh "$(wanted pack && echo measure)"
wanted verify && bash tests/bench/verify.sh
wanted fleet && bash tests/bench/fleet.sh
if wanted stage || wanted install; then
  "$lab" up --name bench --dir "$dir/scene" --subnet 10.79.0.0/24 --node slow=13 --node ours=11 --node hand=12
  bash tests/bench/images.sh
  if wanted stage; then bash tests/bench/stage.sh; fi
  "$lab" power-cut --dir "$dir/scene" slow
  if wanted install; then
    bash tests/bench/install.sh
    bash tests/bench/hand.sh
  fi
fi
jq -nc '{work: "install, 3 control planes", budget: {ratio: 1.2, seconds: 300}, unmeasured: "sealift makes one"}' >> "$dir/rows.jsonl"
[ ! -f "$dir/bench.json" ] || mv "$dir/bench.json" "$dir/previous.json"
jq -s --slurpfile conditions "$dir/conditions.json" --slurpfile peers tests/bench/peers.json \
  --arg load "$(cut -d' ' -f1-3 /proc/loadavg)" \
  '{schema: 1, conditions: ($conditions[0] + {load_at_end: $load}), rows: ., peers: $peers[0]}' "$dir/rows.jsonl" > "$dir/bench.json"
jq -r -f tests/bench/table.jq "$dir/bench.json"
echo "as data: $dir/bench.json"
