# From a lock to a curl configuration: every blob under its digest, from the mirrors that pack asks. The one local file
# of the core recipe is the sealift that packs.
BEGIN {
  count = split(mirrors, pairs, " ")
  for (i = 1; i <= count; i++) { at = index(pairs[i], "="); base[substr(pairs[i], 1, at - 1)] = substr(pairs[i], at + 1) }
  print "header = \"Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " \
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, */*\""
}
/^blobs:/ { inside = 1; next }
!inside { next }
/^[^ -]/ { exit }
/^- digest:/ { digest = $3; kind = "" }
/^  kind:/ { kind = $2 }
/^    repository:/ {
  host = $2; sub(/\/.*/, "", host)
  rest = substr($2, length(host) + 1)
  address = base[host]
  if (match(address, /^https?:\/\/[^\/]+/) == 0) { print "no mirror for " host > "/dev/stderr"; exit 1 }
  server = substr(address, 1, RLENGTH)
  print_blob(server "/v2" substr(address, RLENGTH + 1) rest "/" (kind == "manifest" ? "manifests" : "blobs") "/" digest)
}
/^    from: local/ { print_blob("file://" sealift) }
/^    url:/ {
  for (site in base) if (index($2, site "/") == 1) { print_blob(base[site] substr($2, length(site) + 1)); next }
  print "no mirror for " $2 > "/dev/stderr"; exit 1
}
function print_blob(url, name) {
  name = digest; sub(/^sha256:/, "", name)
  printf "url = \"%s\"\noutput = \"%s/%s\"\n", url, dir, name
}
