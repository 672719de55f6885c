#!/bin/bash
# Every level of test, least powerful first, and a ledger of where the time went.
# Built once for the whole workspace and run from there: another choice of packages means other features and a
# second build of most dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
SECONDS=0 ledger=() failed=()
list=target/tests.tsv # package folder, test program
level() {
  local name=$1 began=$SECONDS status=0
  shift
  echo "-- $name"
  "$@" || { status=$? && failed+=("$name"); }
  ledger+=("$(printf '%-36s %5d s' "$name" $((SECONDS - began)))")
  return "$status"
}
end() {
  [ -z "${builder:-}" ] || kill -- -"$builder" 2> /dev/null || true
  printf -- '-- where the time went\n'
  printf '%s\n' "${ledger[@]}"
  printf '%-36s %5d s\n' total "$SECONDS"
  [ ${#failed[@]} -eq 0 ] || printf 'failed: %s\n' "${failed[@]}"
}
trap end EXIT

# At once: the lab and the tests each take both processors, and each leaves one idle now and then (links, downloads).
build() {
  cargo build --workspace --bin lab --quiet || return
  # a group of its own, so that its compilers end with it
  setsid target/x86_64-unknown-linux-gnu/debug/lab build > /dev/null &
  builder=$!
  cargo build --workspace --all-targets --quiet || return
  cargo test --workspace --no-run --quiet --message-format=json |
    jq -r 'select(.profile.test and .executable) | [(.manifest_path | rtrimstr("/Cargo.toml")), .executable] | @tsv' > "$list"
  [ -s "$list" ] || { echo "the build made no test program" >&2; return 1; }
  wait "$builder" || return
  builder=
}

# What only make test-full runs.
left() {
  local folder program
  while IFS=$'\t' read -r folder program; do
    "$program" --list --ignored --format terse < /dev/null | sed 's/: test$//; s/^/   left to make test-full: /'
  done < "$list"
}

# Runs one test program in its package's folder, as cargo does. It listens to all signals: who was started by nohup or as
# a shell's background job is deaf to some, and so are its children.
one() {
  local folder=$1 program=$2
  shift 2
  echo "   $(basename "$program")"
  (cd "$folder" && env --default-signal=INT,HUP,QUIT,TERM "$program" "${format:---quiet}" "$@" < /dev/null)
}

# The test programs whose package folder matches, one after another.
programs() {
  local wanted=$1 folder program status=0
  shift
  while IFS=$'\t' read -r folder program; do
    [[ ${folder#"$PWD"} =~ $wanted ]] || continue
    one "$folder" "$program" "$@" || status=1
  done < "$list"
  return "$status"
}

# The same, two at a time; what one says is printed when it ends.
in_pairs() {
  local wanted=$1 folder program said status=0
  said=$(mktemp -d)
  while IFS=$'\t' read -r folder program; do
    [[ ${folder#"$PWD"} =~ $wanted ]] || continue
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
    {
      one "$folder" "$program" > "$said/$(basename "$program")" 2>&1 || touch "$said/failed"
      flock "$said" cat "$said/$(basename "$program")"
    } &
  done < "$list"
  wait
  [ ! -e "$said/failed" ] || status=1
  rm -r "$said"
  return "$status"
}

# One after another, and how long after the one before it each test ended: which of the long ones the time went into.
timed() {
  local last=$SECONDS line format=--format=pretty
  programs "$@" 2>&1 | while IFS= read -r line; do
    if [[ $line == "test "*" ... "* ]]; then
      printf '%5d s  %s\n' $((SECONDS - last)) "$line"
      last=$SECONDS
    else
      printf '%s\n' "$line"
    fi
  done
}

level "build, and the lab" build
[ -n "${SEALIFT_TEST_FULL:-}" ] || left
# ONLY: of those on real machines only tests whose names hold one of these words. A word that none has is a slip.
read -ra only <<< "${ONLY:-}"
for word in "${only[@]}"; do
  awk -F'\t' -v home="$PWD" '$1 == home { print $2 }' "$list" |
    while read -r program; do "$program" --list --format terse "$word"; done |
    grep ': test$' > /dev/null || { echo "no test on real machines has '$word' in its name" >&2; exit 2; }
done

status=0
level "pure functions and real servers" in_pairs '^/src/' || status=1
level "the lab itself" programs '^/tests/lab$' || status=1
# Three at once keep both processors busy. What is left to test-full takes them alone.
if [ -n "${SEALIFT_TEST_FULL:-}" ]; then how=(--test-threads 1 --include-ignored); else how=(--test-threads 3); fi
# It needs both processors for itself.
emulated=it::reality::one_real_server_with_the_defaults
level "the product on real machines" timed '^$' "${how[@]}" --skip "$emulated" "${only[@]}" || status=1
for word in "${only[@]:-$emulated}"; do
  [[ $emulated == *"$word"* ]] || continue
  [ -n "${SEALIFT_TEST_FULL:-}" ] || echo "   left to make test-full: its second install, and its reset"
  level "the product on an emulated server" timed '^$' --exact "$emulated" || status=1
  break
done
exit "$status"
