# pack, its lock resolved, into a fresh folder each time; beside curl of the same blobs from the same servers
# and `openssl dgst -sha256` of them. Leaves a bundle and the blobs as files for the parts after it.
set -euo pipefail
. tests/bench/lib.sh
measure=${1:-}
rm -rf "$dir"/{out,packed,blobs,keys}
mkdir -p "$dir/keys" "$dir/out"
sed "s#\.\./\.\./bundle#$PWD/bundle#" tests/bench/recipe.yaml > "$dir/recipe.yaml"
"$sealift" key generate --no-password --output "$dir/keys/bench" >> "$dir/log" 2>&1
"$lab" internet up --dir "$dir"
mapfile -t mirrors < <("$lab" internet mirrors --dir "$dir")

pack() {
  rm -rf "$dir/out"
  "$sealift" pack "$dir/recipe.yaml" --key "$dir/keys/bench.sec" --output "$dir/out" --lock "$dir/bench.lock" \
    "${mirrors[@]/#/--mirror=}" "$@"
}
fetch() {
  rm -rf "$dir/blobs"
  mkdir "$dir/blobs"
  curl --no-progress-meter --fail --location "$@" --config "$dir/curl.conf"
}
hash_all() { (cd "$dir/blobs" && openssl dgst -sha256 -r * > ../digests); }

pack >> "$dir/log" 2>&1
awk -f tests/bench/lock-to-curl.awk -v dir="$dir/blobs" -v mirrors="${mirrors[*]}" \
  -v sealift="$(realpath "$sealift")" "$dir/bench.lock" > "$dir/curl.conf"
ours=() single=() parallel=() hash=() synced=()
for _ in $(seq "$([ "$measure" ] && echo "$rounds" || echo 1)"); do
  single+=("$(timed fetch)")
  parallel+=("$(timed fetch --parallel --parallel-max 8)")
  hash+=("$(timed hash_all)")
  synced+=("$(timed sync -f "$dir/blobs")")
  # the floor is only a floor when it has the same bytes
  awk '{ sub(/^\*/, "", $2); if ($1 != $2) { print "curl fetched something else as " $2 > "/dev/stderr"; bad = 1 } } END { exit bad }' "$dir/digests"
  [ -z "$measure" ] || ours+=("$(timed pack --locked)")
done
"$lab" internet down --dir "$dir"
mv "$dir/out" "$dir/packed"
[ "$measure" ] || exit 0
more=$(jq -nc --argjson single "$(array "${single[@]}")" --argjson parallel "$(array "${parallel[@]}")" --argjson hash "$(array "${hash[@]}")" \
  --argjson synced "$(array "${synced[@]}")" --argjson bytes "$(cat "$dir"/blobs/* | wc -c)" --argjson blobs "$(find "$dir/blobs" -type f | wc -l)" \
  '{bytes: $bytes, blobs: $blobs, curl_one_by_one: $single, curl_parallel_8: $parallel, openssl: $hash, sync_after_curl: $synced}')
floor=$(jq -c '[([.curl_one_by_one, .curl_parallel_8] | map(sort) | min_by(.[length / 2 | floor])), (.openssl | sort)] | transpose | map(add)' <<< "$more")
row "pack" "curl of the same blobs, then openssl dgst -sha256" "$floor" "$(array "${ours[@]}")" 1.3 null "$more"
