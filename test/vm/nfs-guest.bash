#!/bin/bash
# usage: nfs-guest.bash PORT REPO SECONDS: in the guest, what programs do on an NFS mount. While /host/restarts is there,
# the host kills the server again and again.
port=$1 repo=$2 seconds=$3 m=/mnt/nfs here=$(dirname "$(readlink -f "$0")")
trap 'echo "not ok line $LINENO: $BASH_COMMAND"; dmesg | tail -n 20; exit 1' ERR
set -eE
ok() { echo "ok $*"; }
as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }
refused() { if "$@" 2>/dev/null; then echo "not ok it must be refused: $*"; exit 1; fi; }
mount_nfs() { mount -i -t nfs4 -o "vers=4.1,proto=tcp,port=$port,addr=10.0.2.2,clientaddr=10.0.2.15,sec=sys,hard,timeo=50,retrans=2" 10.0.2.2:/data $m; }

mkdir -p $m
modprobe nfsv4
mount_nfs
grep " $m .*rsize=1048576,wsize=1048576" /proc/mounts >/dev/null
ok 'mount by mount(2), with 1 MiB a request'
mkdir $m/work; cd $m/work

head -c 5M /dev/urandom >/tmp/data; cp /tmp/data a; sync a; echo 3 >/proc/sys/vm/drop_caches; cmp /tmp/data a
dd if=/tmp/data of=dd bs=64k conv=fsync status=none; cmp /tmp/data dd
ok 'copy, and dd conv=fsync'
mv a b; ln b c; ln -s b s; cmp s c; [ "$(stat -c %h b)" = 2 ]
mkfifo f; mknod n c 1 3; [ "$(stat -c '%F %t %T' n)" = 'character special file 1 3' ]
ok 'links, FIFO, device'
exec 8<>u; echo data >&8; rm u; echo more >&8; grep -q more /proc/self/fd/8; exec 8>&-
echo one >r; exec 7<r; echo two >r2; mv r2 r; [ "$(cat <&7)" = one ]; [ "$(cat r)" = two ]; exec 7<&-
ok 'removed and replaced while open'
(flock -xn 9; refused flock -xn lock true) 9>lock
ok 'flock'
chown 1000:1001 b; chmod 4751 b; touch -d '2001-02-03 04:05:06.123456789' b
[ "$(stat -c %u:%g:%a b)" = 1000:1001:4751 ]; stat -c %y b | grep -q '06.123456789'
ok 'owner, mode and time to the nanosecond'
truncate -s 1G sparse; [ "$(stat -c %s:%b sparse)" = 1073741824:0 ]
ok 'a sparse file'
refused as 1234 touch denied
mkdir -m 1777 pub; as 1234 sh -c 'echo x >pub/mine; chmod 600 pub/mine'; [ "$(stat -c %u:%g:%a pub/mine)" = 1234:1234:600 ]
refused as 1236 cat pub/mine; refused as 1236 rm -f pub/mine
ok 'permissions'
cp -a "$repo/src/." copy/; diff -r "$repo/src" copy; tar cf /tmp/t.tar -C copy .; mkdir tar; tar xf /tmp/t.tar -C tar; diff -r copy tar
ok 'cp -a and tar of a source tree'

touch /host/restarts
counter() { for i in {1..60}; do ( flock -x 9; n=$(cat n.txt 2>/dev/null || echo 0); echo $((n + 1)) >n.new; mv n.new n.txt ) 9>n.lock; done; }
copies() { rm -rf copy1; cp -a "$repo/src/." copy1/; diff -r "$repo/src" copy1; }
synced() { for i in {1..25}; do head -c 1M /dev/urandom >/tmp/r; dd if=/tmp/r of=r bs=64k conv=fsync status=none; dd if=r of=/tmp/r2 bs=1M iflag=direct status=none; cmp /tmp/r /tmp/r2; done; }
held() { exec 9>held; flock -xn 9; for i in {1..60}; do sleep 0.3; refused flock -xn held true; done; }
unlinked() { exec 8<>u; rm u; for i in {1..60}; do echo $i >&8; sleep 0.3; done; [ "$(wc -l </proc/self/fd/8)" = 60 ]; }
renamed() {
  echo 0 >name
  for i in {1..60}; do
    exec 7<name
    echo $i >name.new; mv name.new name
    sleep 0.3
    read -r old <&7; read -r new <name; exec 7<&-
    [ "$old $new" = "$((i - 1)) $i" ]
  done
}
cloned() {
  git -c safe.directory='*' clone -q --no-local /host/origin clone
  git -C clone fsck --strict
  git -C clone gc -q
  git -C clone fsck --strict
  diff -r "$repo/src" clone/src
  [ -z "$(git -C clone status --porcelain)" ]
}
many() {
  mkdir many
  for i in {1..10000}; do : >many/$i; done
  for i in {1..10000..97}; do echo $i >many/$i; done
  [ "$(ls many | wc -l)" = 10000 ]
  for i in {1..10000..97}; do read -r n <many/$i; [ "$n" = $i ]; [ -s many/$i ] && [ ! -s many/$((i - 1)) ]; done
  # -f: the answer to a REMOVE that is lost with the server is "not there" when it is asked for again.
  rm -rf many
}
verified() {
  local end=$((SECONDS + seconds)) engines=(psync mmap) round=0
  until [ $round -gt 1 ] && [ $SECONDS -ge $end ]; do
    fio --name=verified --filename=verified --rw=randrw --bs=16k --size=8m --ioengine=${engines[round % 2]} --thread --fsync=64 --randseed=$round \
      --verify=crc32c --verify_fatal=1 --verify_backlog=128 --invalidate=1 --output=/tmp/fio || { cat /tmp/fio; return 1; }
    round=$((round + 1))
  done
}
# Each by a name of its own in the list of jobs; `wait` tells whose failed.
declare -A jobs
for job in counter copies synced held unlinked renamed cloned many verified sqlite mapped ranges; do
  case $job in sqlite | mapped | ranges) run=(python3 "$here/nfs-guest.py" $job);; *) run=($job);; esac
  ( trap - ERR; set -e; "${run[@]}" ) & jobs[$job]=$!
done
for job in "${!jobs[@]}"; do wait "${jobs[$job]}"; ok "$job while the server is killed"; done
[ "$(cat n.txt)" = 60 ]
rm /host/restarts
cd /; umount $m; mount_nfs
cmp /tmp/mapped $m/work/mapped
ok 'what was mapped is there after another mount'
rm -r $m/work; umount $m
ok 'unmount'
