#!/bin/sh
# Makes a fresh checkout ready: npm packages, with the pinned Node runtime among them, and as root on Debian the system
# packages of section [run] and of every section named (see packages.txt). Quiet when there is nothing to do.
# Whatever runs before `npm ci` is plain sh: the Node on the machine may be too old for the sources.
# usage: sh scripts/setup.sh [SECTION...]
set -eu
cd "$(dirname "$0")/.."
say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

# The machine's own node runs npm: the pinned one goes away while npm replaces node_modules.
own_path=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/\.bin$' | paste -sd: -)
stamp=node_modules/.setup-stamp
lock_hash() { sha256sum package-lock.json .npmrc | sha256sum | cut -d' ' -f1; }
npm_ready() { [ "$(cat "$stamp" 2>/dev/null)" = "$(lock_hash)" ]; }

install_npm_packages() {
  exec 9<package-lock.json
  flock 9 # two set-ups at once would tear each other's node_modules
  if npm_ready; then return; fi
  PATH=$own_path command -v npm >/dev/null || fail 'npm is missing; install Node 20 or newer with npm'
  say 'installing npm packages'
  PATH=$own_path npm ci --no-progress --loglevel=error >&2
  node_modules/.bin/node --version >/dev/null 2>&1 ||
    fail "there is no pinned Node runtime for $(uname -sm); Berth runs on Linux, x64 and arm64, with glibc"
  lock_hash >"$stamp"
}

# The packages of the sections named whose command is not there.
missing_packages() {
  section=''
  while read -r package command; do
    case $package in
      '' | '#'*) ;;
      '['*']') section=$package ;;
      *) case " $* " in
        *" $section "*) PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null || printf '%s ' "$package" ;;
        esac ;;
    esac
  done <scripts/packages.txt
}

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >"$apt_log" 2>&1
}

install_system_packages() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "not installed: $*"
    say 'what needs them is refused or skipped; as root on Debian, this script installs them'
    return
  fi
  say "installing $*"
  apt_log=$(mktemp)
  trap 'rm -f "$apt_log"' EXIT
  # A first failure may be a missing or an old package list.
  if ! apt install "$@" && ! { apt update && apt install "$@"; }; then
    tail -n 20 "$apt_log" >&2
    fail "apt-get could not install: $*"
  fi
}

sections='[run]'
for name; do sections="$sections [$name]"; done
npm_ready || install_npm_packages
missing=$(missing_packages "$sections")
# shellcheck disable=SC2086 # a list of words
[ -z "$missing" ] || install_system_packages $missing
