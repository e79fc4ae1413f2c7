# For the scripts with two VMs, `one` and `two`. Both have the folder $share as /host, by which they meet each other and ask the host.
declare -A guests

# usage: start_guest NAME [OPTIONS of ./vm] COMMAND...
start_guest() {
  local name=$1
  shift
  "$bed/vm" --keep "$folder/$name" --rw "$share" --disk none "$@" >"$folder/$name.output" 2>"$folder/$name.errors" &
  guests[$name]=$!
}
stop_guests() { kill "${guests[@]}" 2>/dev/null; wait "${guests[@]}" 2>/dev/null; }
both_run() { kill -0 "${guests[one]}" 2>/dev/null && kill -0 "${guests[two]}" 2>/dev/null; }
# usage: wait_for_guests NAME   Until they have made /host/NAME, or one of them has ended.
wait_for_guests() { until [ -e "$share/$1" ] || ! both_run; do sleep 0.1; done; }
set_link() { "$bed/qmp" "$folder/two/qmp.sock" "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"$1\",\"up\":$2}}" >"$folder/qmp"; }

# usage: cut_off_two CARD   When they ask by /host/cut, until they ask by /host/heal, the second one has no network.
cut_off_two() {
  wait_for_guests cut
  if both_run; then set_link "$1" false && touch "$share/is-cut"; fi
  wait_for_guests heal
  if both_run; then set_link "$1" true && touch "$share/is-healed"; fi
}

# Tells what the first one said; both count the same steps. Fails when one of them did.
wait_for_end() {
  local guest failed=0
  for guest in one two; do
    wait "${guests[$guest]}" || { failed=$?; echo "not ok the guest $guest: exit status $failed"; }
  done
  cat "$folder/one.output"
  [ $failed = 0 ] && return
  grep -v '^ok ' "$folder/two.output"
  tail -n 40 "$folder"/{one,two}.errors
  return 1
}
