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

# Runs the test programs whose package folder matches (or, with '!', does not), each in that folder as cargo does. They
# listen to all signals: who was started by nohup or as a shell's background job is deaf to some, and so are its children.
programs() {
  local wanted=$1 folder program status=0
  shift
  while IFS=$'\t' read -r folder program; do
    [[ ${folder#"$PWD"} =~ $wanted ]] || continue
    echo "   $(basename "$program")"
    [ -n "${SEALIFT_TEST_FULL:-}" ] || "$program" --list --ignored --format terse < /dev/null | sed 's/: test$//; s/^/   left to make test-full: /'
    (cd "$folder" && env --default-signal=INT,HUP,QUIT,TERM "$program" "${format:---quiet}" "$@" < /dev/null) || status=1
  done < "$list"
  return "$status"
}

# The same, and how long after the one before it each test ended: which of the long ones the time went into.
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
status=0
level "pure functions and real servers" programs '^/src/' || status=1
level "the lab itself" programs '^/tests/lab$' || status=1
# Two at once: most of the time a node waits. What is left to test-full takes both processors.
if [ -n "${SEALIFT_TEST_FULL:-}" ]; then how=(--test-threads 1 --include-ignored); else how=(--test-threads 2); fi
level "the product on real machines" timed '^$' "${how[@]}" || status=1
exit "$status"
