#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# steering.sh - packets find the worker that has the session: with eBPF by themselves (handed over: less than 1 %), without it
# by being handed over. DTLS clients over outer IPv4 and IPv6 with traffic in both directions, 2, 4 and 8 workers.
# The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_many.sh"

readonly clients=12 pings=100
mc_rate=100

connect_all() {
	local i
	mc_cookies $clients
	for ((i = 0; i < clients; i++)); do
		if ((i % 2)); then oc_url=$url6; else oc_url=$url4; fi
		mc_start "c$i" "${cookies[i]}"
	done
	oc_url=$url4
	ok "$text: $clients clients have DTLS" mc_wait $clients
}

# pings_of: the host pings each client; all at once.
pings_of() {
	local ip pid pids=()
	for ip in $(mc_ips); do
		in_host ping -n -q -c $pings -i 0.01 -W $((2 * slow)) "$ip" >"$T/ping.$ip" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || true
	done
	# The clients' own queues are short (10 packets on the device): on a busy machine a few may be lost there.
	for ip in $(mc_ips); do
		more "$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$T/ping.$ip")" $((pings * 9 / 10)) || { cat "$T/ping.$ip"; return 1; }
	done
}

packets() { in_occtl show stats | json "d['total']['rx_packets'] + d['total']['tx_packets']"; }
bpf_is_on() { in_occtl show status | json "'bpf-steering=on' in d['Features']" | grep -q True; }

# traffic: both directions at the same time. $handed and $moved: packets since it began.
traffic() {
	local out in all
	out=$(stat handover_out)
	in=$(stat handover_in)
	all=$(packets)
	traffic_on
	ok "$1: the host pings $clients clients, $pings times each" pings_of
	traffic_off
	mc_no_loss "$1: from the clients"
	handed=$(($(stat handover_out) - out))
	taken=$(($(stat handover_in) - in))
	moved=$(($(packets) - all))
	ok "$1: $moved packets are counted, at least those that were sent" at_least $moved $((2 * ($(mc_sum sent) + clients * pings)))
	ok "$1: what is handed over is taken" equal $taken $handed
	ok "$1: all went over DTLS" equal "$(users "len([u for u in d if 'DTLS cipher' in u])")" $clients
}

few_are_handed() { ok "$1: of $moved packets $handed were handed over, less than 1 %" at_most $((handed * 100)) "$moved"; }

quiet_counters() {
	local name
	for name in udp_malformed dtls_failed dtls_bad_record tun_errors tx_queue_full; do
		ok "$text: counter $name is 0" stat_is $name 0
	done
}

sessions_are_spread() {
	local w
	for ((w = 0; w < workers; w++)); do
		echo "     $text: worker $w has $(mc_of_worker $w | wc -l) of them"
	done
	ok "$text: more than one worker has some" more "$(users "len(set(u['Worker'] for u in d))")" 1
}

# Every client makes a new tunnel (openconnect does at SIGUSR2) and has DTLS again.
reconnect_all() {
	local name
	for name in "${mc_names[@]}"; do
		kill -s USR2 "$(oc_pid "$name")"
	done
	ok "$1: all reconnect and have DTLS" wait_until 20 dtls_times "$2"
}
dtls_times() {
	local name
	for name in "${mc_names[@]}"; do
		at_least "$(grep -c 'Established DTLS connection' "$T/$name/log")" "$1" || return 1
	done
}

run() {
	workers=$1 bpf=$2 text="workers=$1 bpf=$2"
	server_start workers="$workers" bpf="$bpf"
	if [ "$bpf" = true ] && ! bpf_is_on; then
		echo "skip $text: this kernel or container allows no eBPF"
		server_stop
		return
	fi
	ok "$text: occtl tells whether eBPF is used" equal "$(bpf_is_on && echo true || echo false)" "$bpf"
	connect_all
	sessions_are_spread
	traffic "$text"
	if [ "$bpf" = true ]; then
		few_are_handed "$text"
	else
		ok "$text: $handed packets were handed over" more $handed 0
		reconnect_all "$text, new tunnels" 2
		traffic "$text, new tunnels"
	fi
	quiet_counters
	[ "$workers,$bpf" != 2,true ] || after_deaths
	mc_stop_all
	ok "$text: all are gone" wait_until 5 users_are 0
	server_stop
}

# The maps outlive the keeper and the workers; a new keeper goes on to fill them.
after_deaths() {
	kill -s KILL "$(pid_of keeper)"
	ok "$text: a new keeper" wait_until 10 is_ready keeper
	traffic "$text, new keeper"
	few_are_handed "$text, new keeper"
	reconnect_all "$text, new keeper" 2
	traffic "$text, new keeper, new tunnels"
	few_are_handed "$text, new keeper, new tunnels"
	kill -s KILL "$(pid_of worker0)"
	ok "$text: a new worker" wait_until 10 is_ready worker0
	ok "$text, new worker: all sessions are back" wait_until 20 users_are $clients
	reconnect_all "$text, new worker" 3
	traffic "$text, new worker, new tunnels"
	few_are_handed "$text, new worker, new tunnels"
}

for workers in 2 4 8; do
	for bpf in true false; do
		run $workers $bpf
	done
done
