# What the parts of the bench share. Sourced from the repository's root.
dir=target/bench
bin=target/x86_64-unknown-linux-gnu/release
sealift=$bin/sealift lab=$bin/lab
rounds=${BENCH_ROUNDS:-5}

die() { echo "bench: $*" >&2; exit 1; }

# The operator's place at the site: a namespace without a way out.
site=(nsenter --net=/run/netns/bench)

# on NODE WORDS...: over SSH as the operator does it, without the product.
on() {
  local node=$1
  shift
  "${site[@]}" ssh -F none -i "$dir/scene/ssh/id_ed25519" -o BatchMode=yes -o IdentitiesOnly=yes \
    -o UserKnownHostsFile="$dir/scene/ssh/known_hosts" "ops@$(address "$node")" "$@"
}

address() {
  case $1 in
    ours) echo 10.79.0.11 ;;
    hand) echo 10.79.0.12 ;;
    slow) echo 10.79.0.13 ;;
    *) die "no node $1" ;;
  esac
}

# timed COMMAND...: seconds on standard output, the command's own words in the log; a failure ends the bench.
timed() {
  local from=$EPOCHREALTIME
  "$@" >> "$dir/log" 2>&1 < /dev/null || die "failed, see $dir/log: $*"
  since "$from"
}

since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.4f\n", to - from }'; }

# array NUMBERS...: as JSON.
array() { printf '%s\n' "$@" | jq -sc .; }

# row WORK FLOOR FLOOR_RUNS OUR_RUNS RATIO SECONDS [MORE]: one line of the table. RATIO and SECONDS are budgets
# (null: none), the runs JSON arrays of seconds, MORE an object of what else was seen.
row() {
  jq -nc --arg work "$1" --arg floor "$2" --argjson floor_runs "$3" --argjson runs "$4" --argjson ratio "$5" \
    --argjson seconds "$6" --argjson more "${7:-null}" --arg load "$(cut -d' ' -f1 /proc/loadavg)" '
    def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor]
      else (.[length / 2 - 1] + .[length / 2]) / 2 end;
    {work: $work, load: ($load | tonumber), floor: {what: $floor, runs: $floor_runs, median: ($floor_runs | median)},
     ours: {runs: $runs, median: ($runs | median)}, budget: {ratio: $ratio, seconds: $seconds}, more: $more}
    | .ratio = (if .floor.median then .ours.median / .floor.median else null end)
    | .within = ((($ratio == null) or .ratio <= $ratio) and (($seconds == null) or .ours.median <= $seconds))' \
    | tee -a "$dir/rows.jsonl" | jq -r 'def ms: if . then "\(. * 1000 | round / 1000) s" else "none" end; "\(.work): \(.ours.median | ms), floor \(.floor.median | ms), load \(.load)"' >&2
}

conditions() {
  jq -n --arg cores "$(nproc)" --arg kernel "$(uname -r)" --arg load "$(cut -d' ' -f1-3 /proc/loadavg)" \
    --arg cpu "$(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo)" --arg memory "$(awk '/MemTotal/ { print $2 }' /proc/meminfo)" \
    --arg sealift "$("$sealift" --version)" --arg commit "$(git rev-parse --short HEAD)$(git diff --quiet HEAD || echo +)" \
    --arg openssl "$(openssl version)" --arg curl "$(curl --version | head -1 | cut -d' ' -f1-2)" \
    --arg ssh "$(ssh -V 2>&1)" --arg when "$(date -u +%FT%TZ)" \
    '{when: $when, cores: ($cores | tonumber), cpu: $cpu, memory_kib: ($memory | tonumber), kernel: $kernel, load_at_start: $load,
      sealift: $sealift, commit: $commit, openssl: $openssl, curl: $curl, ssh: $ssh}'
}

bundle() { echo "$dir"/packed/*.sealift; }
