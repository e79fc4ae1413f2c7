# For the tests of this folder: a folder for the bed, whose end comes with the test's, however that ends.
[ "$(id -u)" = 0 ] || { echo 'it needs root'; exit 77; }
cluster=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
BED_STATE=$(mktemp -d "${TMPDIR:-/tmp}/berth-bed-XXXXXX")
export BED_STATE
program=''
trap 'end' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

end() {
  trap '' INT TERM
  [ ! "$program" ] || kill "$program" 2>/dev/null
  "$cluster/bed/down" || { echo 'not ok nothing is left'; exit 1; }
}

# usage: run PROGRAM ARGUMENT...   In the background, since bash looks after signals only when it waits.
run() {
  local status=0
  node "$cluster/$1" "${@:2}" &
  program=$!
  wait $program || status=$?
  program=''
  return $status
}

# usage: prepare [GROUP...]   See bed/prepare.
prepare() { "$cluster/bed/prepare" "$@" || { echo 'not ok prepare the bed'; exit 1; }; }
