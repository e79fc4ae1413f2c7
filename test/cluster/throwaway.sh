#!/bin/bash
# Throwaway ReadWriteMany volumes: directly on one node, and where the kernel has no NFS client a clear message on others.
. "$(dirname "$0")/lib.bash"
prepare
run throwaway.ts
