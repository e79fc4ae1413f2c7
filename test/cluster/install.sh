#!/bin/bash
# Berth's image, built from its Dockerfile, and installed with its Helm chart on two nodes, serves a StatefulSet from its first
# claim to its last.
. "$(dirname "$0")/lib.bash"
prepare
limit=160000000 # bytes beyond the base

export BERTH_IMAGE=$BED_STATE/berth.tar
sizes=$("$cluster/../../scripts/image.sh" "$BERTH_IMAGE") || { echo 'not ok the image is built'; exit 1; }
read -r bytes base <<<"$sizes"
added="the image adds $(((bytes - base) / 1000000)) MB to its base, of $((limit / 1000000)) at most"
((bytes - base <= limit)) || { echo "not ok $added"; exit 1; }
echo "ok $added"

run install.ts
