#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# shutdown.sh - the end of the server with clients on it: SIGTERM, occtl stop now, SIGKILL of the supervisor; a client that reads
# nothing does not hold it up. After each the next server starts on the same ports and files. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_many.sh"

connect_four() {
	mc_cookies 4
	mc_start c0 "${cookies[0]}"
	mc_start c1 "${cookies[1]}"
	mc_start c2 "${cookies[2]}" --no-dtls
	mc_start c3 "${cookies[3]}" --no-dtls
	ok "$1: four clients are up" mc_wait 2
	traffic_on
	ok "$1: they have traffic" wait_until 10 replies_above 5 "${mc_names[@]}"
	children=$(server_pids | tr ' ' '\n' | sed -n '/^supervisor:/d; s/.*://p')
	ok "$1: the server has four other processes" equal "$(wc -w <<<"$children")" 4
}

# openconnect tells why it ends, and does not try again.
told_to_stop() {
	local name
	for name in "$@"; do
		has "$T/$name/log" 'server terminate packet' || return 1
		not grep -i 'reconnect\|Failed to connect' "$T/$name/log" || return 1
	done
}
clients_stop() {
	local text=$1
	shift
	ok "$text: the clients end" wait_until 5 none_alive "$@"
	ok "$text: they were told that the server stops, and none reconnects" told_to_stop "$@"
	mc_names=()
	rm -f "$T/go"
}
none_alive() {
	local name
	for name in "$@"; do
		not oc_is_alive "$name" || return 1
	done
}

# The log in the order of time: workers first, then the keeper, then control.
in_order() {
	local order
	order=$(sed -n 's/.*child\.ended name=\([a-z]*\).*/\1/p' "$T/server.log" | uniq | tr '\n' ' ')
	equal "$order" "worker keeper control "
}

nothing_left() {
	ok "$1: no process of it is left" wait_until 5 gw_is_empty
	ok "$1: its device is gone" wait_until 5 no_tun
	ok "$1: nobody listens on its ports" equal "$(in_gw ss -Hltnup)" ""
	ok "$1: no sanitizer has complained" no_report
}
files_gone() {
	ok "$1: its socket and pid file are gone" not ls "$T/occtl.socket" "$T/server.pid"
}

# ended TEXT STATUS: the supervisor is waited for
ended() {
	local status=0
	wait_until 10 not is_alive "$server_pid" >"$T/last" || fail "$1: the server does not end"
	wait "$server_pid" || status=$?
	server_pid=
	ok "$1: exit status $2" equal "$status" "$2"
}

# Another server may follow: who has a state-dir lets its clients come back with their cookie.
is_silent() { ! grep -l 'server terminate packet\|server disconnect' "$T"/c[0-3]/log; }
by_restart() {
	local text="SIGTERM and a new start"
	server_start "${conf[@]}"
	connect_four "$text"
	local before
	before=$(users "'\n'.join(sorted(u['IPv4'] for u in d))")
	kill -s TERM "$server_pid"
	ended "$text" 0
	nothing_left "$text"
	files_gone "$text"
	ok "$text: the clients are not told to end" is_silent
	state_stays=1
	server_start "${conf[@]}"
	state_stays=
	ok "$text: all are back" wait_until 40 users_are 4
	ok "$text: at their addresses" equal "$(users "'\n'.join(sorted(u['IPv4'] for u in d))")" "$before"
	ok "$text: with their cookies" equal "$(grep -c login.ok "$T/server.log")" 0
	mc_stop_all
	rm -f "$T/go"
	server_stop
}

# Without one the cookies die with the server, and the clients are told.
by_signal() {
	server_start "${conf[@]}" state-dir=
	connect_four SIGTERM
	kill -s TERM "$server_pid"
	ended SIGTERM 0
	clients_stop SIGTERM c0 c1 c2 c3
	ok "SIGTERM: workers, keeper, control end in this order" in_order
	nothing_left SIGTERM
	files_gone SIGTERM
}

# A terminal sends it to all processes at once.
by_terminal() {
	server_start "${conf[@]}"
	connect_four Ctrl-C
	# shellcheck disable=SC2086
	kill -s INT "$server_pid" $children
	ended Ctrl-C 0
	clients_stop Ctrl-C c0 c1 c2 c3
	ok "Ctrl-C: workers, keeper, control end in this order" in_order
	nothing_left Ctrl-C
}

by_occtl() {
	server_start "${conf[@]}"
	connect_four "occtl stop now"
	ok "occtl stop now: exit status 0" in_occtl stop now
	ended "occtl stop now" 0
	clients_stop "occtl stop now" c0 c1 c2 c3
	ok "occtl stop now: the same order" in_order
	nothing_left "occtl stop now"
	files_gone "occtl stop now"
}

# Two clients that read nothing more, one with DTLS and one without, and packets for them until their sockets are full.
with_stuck_clients() {
	local text="stuck clients" flood
	server_start "${conf[@]}"
	connect_four "$text"
	kill -s STOP "$(oc_pid c0)" "$(oc_pid c2)"
	spawn "$host" "$T/flood.log" ping -q -f -c 20000 -s 1200 "$(tp c2 ip)"
	flood=$spawned
	ok "$text: the queue for one is full" wait_until 10 stat_above tx_queue_full 0
	in_occtl stop now >"$T/last" || fail "occtl stop now"
	ended "$text" 0
	end "$flood" || true
	clients_stop "$text" c1 c3
	nothing_left "$text"
	kill -s KILL "$(oc_pid c0)" "$(oc_pid c2)"
}

all_gone() {
	local pid
	for pid in "$@"; do
		is_gone "$pid" || return 1
	done
}
supervisor_dies() {
	local text="SIGKILL of the supervisor"
	server_start "${conf[@]}"
	connect_four "$text"
	kill -s KILL "$server_pid"
	# shellcheck disable=SC2086 # words
	within 2000 "$text: all other processes are gone" all_gone $children
	wait "$server_pid" || true
	server_pid=
	nothing_left "$text"
	mc_stop_all
	rm -f "$T/go"
	server_start "${conf[@]}"
	oc_cookie
	ok "$text: the next server starts on what is left of it" oc_cookie
	server_stop
}

# log-level 4 tells the end of each process
readonly conf=(workers=2 log-level=4)
by_restart
by_signal
by_terminal
by_occtl
with_stuck_clients
supervisor_dies
