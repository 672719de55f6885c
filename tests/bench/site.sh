# The product at the site, one cluster per node, each with its own state. Sourced after lib.sh.

# enroll NODE: writes its cluster file and pins its host key.
enroll() {
  sed "s/NODE/$1/; s/ADDRESS/$(address "$1")/" tests/bench/cluster.yaml > "$dir/$1.yaml"
  "${site[@]}" "$sealift" enroll -c "$dir/$1.yaml" --yes >> "$dir/log" 2>&1
}

# install_words NODE: fills `words`, so that in the background the process is the installer itself.
install_words() {
  words=("${site[@]}" "$sealift" install -c "$dir/$1.yaml" --state "$dir/state/$1" --profile tests/lab/profile.yaml
    --bundle "$(bundle)" --trust "$dir/keys/bench.pub" --json --yes)
}
