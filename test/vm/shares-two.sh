#!/bin/bash
# Two machines as two nodes, each with a node daemon: a claim of both through CSI, the server killed, one of them cut off.
. "$(dirname "$0")/lib.bash"
declare -A guests
stop_guests() { kill "${guests[@]}" 2>/dev/null; wait "${guests[@]}" 2>/dev/null; }
trap 'stop_guests; rm -rf "$folder"' EXIT
start_guest() {
  "$bed/vm" --keep "$folder/$1" --rw "$share" --mem 1536 --limit 500 --link "$folder/$1.link:$folder/$2.link" --disk none \
    node "$bed/shares-two-guest.ts" "$1" >"$folder/$1.output" 2>"$folder/$1.errors" &
  guests[$1]=$!
}
both_run() { kill -0 "${guests[one]}" 2>/dev/null && kill -0 "${guests[two]}" 2>/dev/null; }
# usage: wait_for_guests NAME   Until they have made /host/NAME, or one of them has ended.
wait_for_guests() { until [ -e "$share/$1" ] || ! both_run; do sleep 0.1; done; }
set_link() { "$bed/qmp" "$folder/two/qmp.sock" "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"link\",\"up\":$1}}" >"$folder/qmp"; }

start_guest one two
start_guest two one
wait_for_guests cut
if both_run; then set_link false && touch "$share/is-cut"; fi
wait_for_guests heal
if both_run; then set_link true && touch "$share/is-healed"; fi

failed=0
for guest in one two; do
  wait "${guests[$guest]}" || failed=$?
done
# Both tell the same steps: the first machine's count.
cat "$folder/one.output"
[ $failed = 0 ] && exit
grep -v '^ok ' "$folder/two.output"
tail -n 20 "$folder"/{one,two}.errors
exit 1
