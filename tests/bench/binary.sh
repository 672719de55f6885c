# The binary: its size, and how long `--version` takes from fork to exit.
set -euo pipefail
. tests/bench/lib.sh
ours=() floor=()
for _ in $(seq 20); do
  floor+=("$(timed /bin/true)")
  ours+=("$(timed "$sealift" --version)")
done
size=$(stat -c %s "$sealift")
row "start" "/bin/true" "$(array "${floor[@]}")" "$(array "${ours[@]}")" null 0.020
jq -nc --argjson size "$size" '{work: "binary", bytes: $size, budget: {bytes: 25000000}, within: ($size <= 25000000)}' >> "$dir/rows.jsonl"
