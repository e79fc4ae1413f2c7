#!/bin/bash
# What starts anew: a node that loses its power, and controllers.
. "$(dirname "$0")/lib.bash"
prepare
run restarts.ts
