#!/bin/bash
# What pods may ask of volumes: groups of snapshots, one pod only, retention of a StatefulSet's claims, ephemeral volumes, a
# group of users.
. "$(dirname "$0")/lib.bash"
prepare
run volumes.ts
