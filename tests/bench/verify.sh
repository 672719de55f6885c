# verify, beside the faster of sha256sum and openssl over the same volumes. Both read from the page cache.
set -euo pipefail
. tests/bench/lib.sh
bundle=$(bundle)
ours=() coreutils=() openssl=()
cat "$bundle"/volume-* > /dev/null
for _ in $(seq "$rounds"); do
  coreutils+=("$(timed sha256sum "$bundle"/volume-*)")
  openssl+=("$(timed openssl dgst -sha256 "$bundle"/volume-*)")
  ours+=("$(timed "$sealift" verify "$bundle" --trust "$dir/keys/bench.pub")")
done
more=$(jq -nc --argjson coreutils "$(array "${coreutils[@]}")" --argjson openssl "$(array "${openssl[@]}")" \
  --argjson bytes "$(cat "$bundle"/volume-* | wc -c)" '{bytes: $bytes, sha256sum: $coreutils, openssl: $openssl}')
floor=$(jq -c '[.sha256sum, .openssl] | min_by(sort | .[length / 2 | floor])' <<< "$more")
row "verify" "the faster of sha256sum and openssl dgst -sha256" "$floor" "$(array "${ours[@]}")" 1.1 null "$more"
