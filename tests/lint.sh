#!/bin/bash
# Formatting, clippy, licences and sources, sizes: what a reviewer need not look at.
set -euo pipefail
cargo fmt --all --check
cargo clippy --workspace --all-targets --quiet -- -D warnings
tools="${SEALIFT_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sealift-lab}/tools"
deny_version=0.20.2
if ! "$tools/bin/cargo-deny" --version 2>/dev/null | grep -q "$deny_version"; then
  # The host's own target: a build tool need not be static.
  (cd / && cargo install --quiet --locked --root "$tools" "cargo-deny@$deny_version")
fi
"$tools/bin/cargo-deny" --log-level error check licenses bans sources
long=$(git ls-files -z -- '*.rs' | xargs -0 wc -l | awk '$2 != "total" && $1 > 400 {print "  " $1 " lines: " $2}')
[ -z "$long" ] || { echo "files over 400 lines:"; echo "$long"; exit 1; }
