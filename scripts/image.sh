#!/bin/bash
# usage: scripts/image.sh ARCHIVE [TAG]   Builds the image of the Dockerfile into a docker-archive, without a registry: the two
# bases are a Debian of this machine's release, and the same with this machine's npm. Prints the bytes of the unpacked image,
# and of its base. Needs root, buildah and mmdebstrap.
set -euo pipefail
archive=$(realpath "$1") tag=${2:-berth.dev/berth:test}
cd "$(dirname "$(readlink -f "$0")")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-image-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT
export TMPDIR=$work

# vfs mounts nothing that could be left behind.
store() { buildah --storage-driver vfs --root "$work/store" --runroot "$work/run" "$@"; }
say() { printf 'image: %s\n' "$*" >&2; }

# Bytes of a container's files.
size() {
  local folder
  folder=$(store mount "$1")
  du -sb "$folder" | cut -f1
}

# The packages are from where this machine has its own, with the same settings.
make_debian() {
  local sources release cache=${BERTH_CACHE:-$HOME/.cache/berth}
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  debian=$cache/debian-$release-$(dpkg --print-architecture).tar
  [ -e "$debian" ] && return
  for sources in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do [ ! -e "$sources" ] || break; done
  say "making $debian"
  mkdir -p "$cache"
  apt-config dump --no-empty --format '%F "%v";%n' Acquire >"$work/apt.conf"
  mmdebstrap --quiet --variant=minbase --aptopt="$work/apt.conf" "$release" "$work/debian.tar" "$sources"
  mv "$work/debian.tar" "$debian"
}

base_image() {
  local container
  container=$(store from scratch)
  store add --quiet "$container" "$debian" / >/dev/null
  base_bytes=$(size "$container")
  store commit --quiet "$container" localhost/debian >/dev/null

  # As in the official image: npm, Node to run it, and a user for both.
  local node folder
  node=$(readlink -f node_modules/node-linux-*/bin/node)
  folder=$(store mount "$container")
  cp "$node" "$folder/usr/local/bin/"
  mkdir -p "$folder"/usr/local/{etc,lib/node_modules} "$folder/etc/ssl/certs"
  cp -rL "$(npm root --global 2>/dev/null)/npm" "$folder/usr/local/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$folder/usr/local/bin/npm"
  cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
  printf '%s\n' "registry=$(npm config get registry 2>/dev/null)" cafile=/etc/ssl/certs/ca-certificates.crt >"$folder/usr/local/etc/npmrc"
  cp -L --parents /usr/lib/*-linux-gnu/libatomic.so.1 "$folder/"
  chroot "$folder" useradd --create-home node
  store commit --rm --quiet "$container" localhost/npm >/dev/null
}

# npm of the machine, which is no command of the pinned packages.
PATH=$(tr : '\n' <<<"$PATH" | grep -v '/node_modules/\.bin$' | paste -sd:)
make_debian
base_image
store bud --quiet --isolation chroot --format docker --pull-never --tag "$tag" \
  --build-arg BASE_IMAGE=localhost/debian --build-arg NODE_IMAGE=localhost/npm . >&2
container=$(store from --pull-never "$tag")
bytes=$(size "$container")
store push --quiet "$tag" "docker-archive:$work/image.tar:$tag" >/dev/null
mv "$work/image.tar" "$archive"
printf '%s %s\n' "$bytes" "$base_bytes"
