# What somebody who installs by hand has on the stick: the images as one archive for ctr, the programs, the chart.
# Made from the bundle and the blobs that curl fetched; the time for it is nobody's.
set -euo pipefail
. tests/bench/lib.sh
bundle=$(bundle)
rm -rf "$dir"/{layout,files}
mkdir -p "$dir/layout/blobs/sha256" "$dir/files"
tar -xOf "$bundle/volume-0000" oci-layout > "$dir/layout/oci-layout"
tar -xOf "$bundle/volume-0000" index.json | jq '.manifests |= map(select(.annotations["dev.sealift.kind"] == "image"))' > "$dir/layout/index.json"
jq -r '.blobs[] | select(.kind | IN("manifest", "config", "layer")) | .digest[7:]' "$bundle/manifest.json" | while read -r blob; do
  # manifests that the bundle itself made for its files are in no registry, and no image needs them
  [ ! -e "$dir/blobs/$blob" ] || ln "$dir/blobs/$blob" "$dir/layout/blobs/sha256/$blob"
done
tar -C "$dir/layout" -cf "$dir/images.tar" oci-layout index.json blobs
jq -r '.items[] | select(.kind == "file" or .kind == "chart") | "\(.digest[7:]) \(.name)"' "$bundle/manifest.json" | while read -r blob name; do
  ln "$dir/blobs/$blob" "$dir/files/$name"
done
