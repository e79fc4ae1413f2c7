#!/bin/bash
# Berth, installed with its Helm chart on two nodes, serves a StatefulSet from its first claim to its last.
. "$(dirname "$0")/lib.bash"
prepare
run install.ts
