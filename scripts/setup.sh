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
  [ ! -L node_modules ] || fail 'node_modules is a link: npm would empty the folder that it leads to'
  exec 9<package-lock.json
  flock 9 # two set-ups at once would tear each other's node_modules
  if npm_ready; then return; fi
  PATH=$own_path command -v npm >/dev/null || fail 'npm is missing; install Node 20 or newer with npm'
  say 'installing npm packages'
  PATH=$own_path npm ci --no-progress --no-update-notifier --loglevel=error >&2
  [ -x node_modules/.bin/node ] || fail "there is no pinned Node runtime for $(uname -sm), only for Linux on x64 and arm64"
  node_modules/.bin/node --version >/dev/null || fail 'the pinned Node runtime does not start'
  lock_hash >"$stamp"
}

# Whether a command is on the PATH, or a file there.
is_there() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
  esac
}

any_is_there() {
  for proof; do if is_there "$proof"; then return; fi; done
  return 1
}

# The packages of the sections named that nothing tells to be there.
missing_packages() {
  section=''
  while read -r package proofs; do
    case $package in
      '' | '#'*) ;;
      '['*']') section=$package ;;
      # shellcheck disable=SC2086 # a list of words and patterns
      *) case " $* " in *" $section "*) any_is_there $proofs || printf '%s ' "$package" ;; esac ;;
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
missing=$(missing_packages "$sections")
# shellcheck disable=SC2086 # a list of words
[ -z "$missing" ] || install_system_packages $missing
npm_ready || install_npm_packages
