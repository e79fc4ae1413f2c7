# For the scripts of this folder: a VM in the background, and files that host and guest wait for.
# A guest asks by making /host/NAME; the host sees $share/NAME.
[ "$(id -u)" = 0 ] || { echo 'it needs root'; exit 77; }
[ "$(uname -m)" = x86_64 ] || { echo 'the guest is x86_64 only'; exit 77; }
bed=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
folder=$(mktemp -d) share=$folder/share vm=''
mkdir "$share"
trap 'stop_vm; rm -rf "$folder"' EXIT
trap 'exit 143' TERM INT

stop_vm() {
  [ "$vm" ] || return 0
  kill "$vm" 2>/dev/null
  wait "$vm" 2>/dev/null
  vm=''
}

# usage: start_vm [OPTIONS of ./vm] COMMAND...   The disks are kept from one boot to the next.
start_vm() {
  "$bed/vm" --keep "$folder/run" --rw "$share" "$@" 2>"$folder/errors" &
  vm=$!
}

# The exit status of the VM's command; 125 after a power cut.
wait_vm() {
  local status=0
  wait "$vm" || status=$?
  vm=''
  return $status
}

# usage: wait_for CONDITION...   Fails when the VM ends before.
wait_for() {
  until "$@"; do
    kill -0 "$vm" 2>/dev/null || { echo "the VM ended while waiting for: $*"; tail -n 40 "$folder/errors"; return 1; }
    sleep 0.1
  done
}

qmp() { "$bed/qmp" "$folder/run/qmp.sock" "$@"; }

"$bed/prepare" || { echo 'not ok prepare the VM'; exit 1; }
