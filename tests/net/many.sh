#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# many.sh - 200 clients at once over 2 workers, half of them with DTLS: each has its own address, all have traffic at the same
# time, no packet is lost. Then all are gone and nothing is left: sessions, cookies, addresses, descriptors, memory. Twice; the
# pool has 253 addresses, so that the second round needs those of the first again. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_many.sh"

readonly clients=200 batch=25
readonly seconds=4
mc_rate=10

processes() { server_pids | tr ' ' '\n' | grep -v '^$'; }

# each FUNCTION: "name figure" for each process of the server
each() {
	local p
	for p in $(processes); do
		echo "${p%%:*} $("$1" "${p##*:}")"
	done
}

# A client of its own first: what the server opens or allocates once is not counted as a leak.
warm_up() {
	mc_cookies 1
	mc_start warm "${cookies[0]}"
	ok "a first client" mc_wait 1
	ok "occtl disconnects it" in_occtl disconnect user test
	mc_reap
	ok "its session is gone" wait_until 5 status_is "Sec-mod client entries" 0
}

connect_all() {
	local i k name
	mc_cookies $clients
	for ((i = 0; i < clients; i += batch)); do
		for ((k = i; k < i + batch && k < clients; k++)); do
			name=m/$k # a folder deeper: on failure not every log is shown
			if ((k % 2)); then mc_start "$name" "${cookies[k]}" --no-dtls; else mc_start "$name" "${cookies[k]}"; fi
		done
		ok "$((i + batch)) clients are up" mc_wait
	done
	ok "half of them has DTLS" mc_wait $((clients / 2))
}

check_all() {
	local name w i
	for ((i = 0; i < 20; i++)); do
		users_n >"$T/last" # so that buffers for answers are no growth later
	done
	ok "occtl shows $clients sessions" users_are $clients
	ok "all have an IPv4 address of their own" equal "$(mc_ips | uniq | wc -l)" $clients
	ok "... the one that occtl shows" equal "$(users "'\n'.join(u['IPv4'] for u in d)" | sort)" "$(mc_ips)"
	ok "all have an IPv6 address of their own" equal "$(users "len(set(u['IPv6'] for u in d))")" $clients
	for w in 0 1; do
		ok "worker $w has $(mc_of_worker $w | wc -l) of them" more "$(mc_of_worker $w | wc -l)" $((clients / 5))
	done
	for name in tls_failed dtls_failed rx_bad_frame rx_malformed rx_spoofed dtls_bad_record tun_errors tx_queue_full; do
		ok "counter $name is 0" stat_is $name 0
	done
}

traffic_of_all() {
	local rx tx sent
	rx=$(stat rx_packets)
	tx=$(stat tx_packets)
	traffic_on
	sleep $seconds # the length of the measurement, not a wait
	traffic_off
	sent=$(mc_sum sent)
	mc_no_loss "$clients clients"
	ok "each sent at least half of its rate" at_least "$(mc_min sent)" $((seconds * mc_rate / 2))
	ok "the server counts them" at_least $(($(stat rx_packets) - rx)) "$sent"
	ok "... and the replies" at_least $(($(stat tx_packets) - tx)) "$sent"
}

all_are_gone() {
	ok "no session is left" wait_until 5 users_are 0
	ok "no session is active" status_is "Active sessions" 0
	ok "no cookie is left, and so no address" wait_until 90 status_is "Sec-mod client entries" 0
	ok "counter: all that were opened are closed" equal "$(stat sessions_closed)" "$(stat sessions_opened)"
	ok "descriptors of all processes are as before: $(tr '\n' ' ' <"$T/fds")" wait_until 5 same_fds
}
same_fds() { each fds_of | diff "$T/fds" -; }

# round NUMBER COMMAND...: how the clients leave
round() {
	local number=$1
	shift
	connect_all
	check_all
	traffic_of_all
	each memory_kb >"$T/memory.full.$number"
	"$@"
	all_are_gone
	each memory_kb >"$T/memory.$number"
	echo "     round $number, KB after, with all clients: $(paste -d' ' "$T/memory.$number" <(cut -d' ' -f2 "$T/memory.full.$number") | tr '\n' ';')"
}

# What is left of two rounds fits into what the first one needed while it was there: an allocator keeps some pages or others,
# but 100 sessions that a worker lost would show. Control keeps pages of its longest answers, as many as the allocator likes.
no_growth() {
	local name kb first
	if is_sanitized; then
		echo "skip growth of memory: a sanitizer keeps freed memory on purpose, and finds leaks itself"
		return
	fi
	while read -r name kb; do
		first=$(awk -v n="$name" '$1 == n { print $2 }' "$T/memory.full.1")
		[ "$name" != control ] || first=$((first + 1024))
		ok "$name: $kb KB after the second round, at most $first KB and 5 %" at_most "$kb" $((first * 105 / 100))
	done <"$T/memory.2"
}

leave_by_themselves() { mc_stop_all; }
leave_by_admin() {
	ok "occtl disconnects $clients sessions" equal "$(in_occtl disconnect user test | json "d['sessions']")" $clients
	mc_reap
}

# a login whose answer is lost leaves a cookie that nobody uses: it must be gone before the end
server_start workers=2 cookie-timeout=60
warm_up
each fds_of >"$T/fds"
round 1 leave_by_themselves
round 2 leave_by_admin
no_growth
server_stop
