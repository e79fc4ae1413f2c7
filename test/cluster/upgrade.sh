#!/bin/bash
# Berth is upgraded, and taken back, while pods write.
. "$(dirname "$0")/lib.bash"
prepare
run upgrade.ts
