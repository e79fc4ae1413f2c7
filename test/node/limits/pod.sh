#!/bin/sh
# Becomes what a pod is: a root of its own with the volume at /data and nothing else that can be written, and the
# capabilities that container runtimes leave by default, less mknod, which a device cgroup makes useless. /repo is this
# repository. To be run by `unshare --mount --pid --fork --propagation private`.
# usage: pod.sh ROOT VOLUME REPO COMMAND [ARGUMENT...]
set -eu
root=$1 volume=$2 repo=$3
shift 3
mount -t tmpfs none "$root"
for folder in usr bin sbin lib lib64 etc; do
  if [ -L "/$folder" ]; then
    cp -P "/$folder" "$root/$folder"
  elif [ -d "/$folder" ]; then
    mkdir "$root/$folder"
    mount --bind -o ro "/$folder" "$root/$folder"
  fi
done
mkdir "$root/repo" "$root/data" "$root/proc" "$root/dev"
mount --bind -o ro "$repo" "$root/repo"
mount --bind "$volume" "$root/data"
mount -t proc none "$root/proc"
for device in null zero urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
# As container runtimes do: without the old root, no mount of the machine's is kept busy by the pod.
mkdir "$root/old"
cd "$root"
pivot_root . old
umount --lazy /old
exec setpriv --no-new-privs --inh-caps=-all \
  --bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+sys_chroot,+setfcap \
  -- "$@"
