#!/bin/bash
# Every level of test, least powerful first, and a ledger of where the time went.
set -euo pipefail
cd "$(dirname "$0")/.."
SECONDS=0 ledger=()
level() {
  local name=$1 began=$SECONDS
  shift
  echo "-- $name"
  "$@"
  ledger+=("$(printf '%-36s %5d s' "$name" $((SECONDS - began)))")
}
trap 'printf -- "-- where the time went\n"; printf "%s\n" "${ledger[@]}"; printf "%-36s %5d s\n" total "$SECONDS"' EXIT

level "build the tests" cargo test --workspace --no-run --quiet
level "build the lab" cargo run --quiet -p lab -- build
level "pure functions and real servers" cargo test --quiet --workspace --exclude sealift --exclude lab
level "the lab itself" cargo test --quiet -p lab
level "the product on real nodes" cargo test -p sealift -- --test-threads 1
