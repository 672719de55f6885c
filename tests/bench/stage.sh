# stage: the steps that carry bytes to one node over an uplink of 200 Mbit/s, beside one `ssh cat` of as many bytes
# over the same link. Needs a node `slow` that is bare; leaves it in the middle of an install.
set -euo pipefail
. tests/bench/lib.sh
link=vb-bench-slow
limit() { tc -n bench qdisc replace dev "$link" root tbf rate 200mbit burst 256kb latency 100ms; }
floor() { head -c "$1" "$(bundle)/volume-0000" | on slow "cat > /var/tmp/floor && rm /var/tmp/floor"; }

. tests/bench/site.sh
enroll slow
limit
# the loop below must not read an earlier bench's
rm -f "$dir/stage.jsonl"
install_words slow
"${words[@]}" > "$dir/stage.jsonl" 2>> "$dir/log" < /dev/null &
installer=$!
until grep -qs '"event":"play-finished","play":"images"' "$dir/stage.jsonl"; do
  kill -0 "$installer" 2> /dev/null || { wait "$installer" || die "install ended before its images were there, see $dir/log"; break; }
  sleep 0.2
done
# what comes after is not staging; the node is cut off anyway
kill "$installer" 2> /dev/null || true
wait "$installer" 2> /dev/null || true
seen=$(jq -s -f tests/bench/stage.jq "$dir/stage.jsonl")
bytes=$(jq .bytes <<< "$seen")
floors=()
for _ in 1 2; do
  from=$EPOCHREALTIME
  floor "$bytes" >> "$dir/log" 2>&1
  floors+=("$(since "$from")")
done
floors=$(array "${floors[@]}")
jq -e --argjson bytes "$bytes" 'all(. > $bytes * 8 / 2e8 * 0.95)' <<< "$floors" > /dev/null || die "the uplink was not limited: $floors s for $bytes bytes"
what="ssh cat of as many bytes, uplink 200 Mbit/s"
row "stage" "$what" "$floors" "[$(jq .staged <<< "$seen")]" 1.15 null "$seen"
row "stage, unpacked" "$what" "$floors" "[$(jq .unpacked <<< "$seen")]" null null
