#!/bin/bash
# Two machines as two nodes, each with a node daemon: a claim of both through CSI, the server killed, one of them cut off.
. "$(dirname "$0")/lib.bash"
. "$bed/two-guests.bash"
trap 'stop_guests; rm -rf "$folder"' EXIT

# usage: start_node NAME PEER
start_node() {
  start_guest "$1" --mem 1536 --limit 500 --link "$folder/$1.link:$folder/$2.link" node "$bed/shares-two-guest.ts" "$1"
}
start_node one two
start_node two one
cut_off_two link
wait_for_end
