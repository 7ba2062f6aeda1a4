#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# badinput.sh - what no client should send, before TLS, in HTTP, in the login, in the tunnel, on UDP, and too slowly: each ends in
# a clean close and a counter. Beside it all an openconnect must not lose a packet, no process may end, and none may grow. The
# network is drawn in lib.sh, the cases are in badinput.py.
. "$(dirname "$0")/lib.sh"

readonly limit=5 # auth-timeout

bad() { in_cl /usr/bin/python3 "$here/badinput.py" "$@"; }

# counts COUNTER CASE...: each of the cases is dealt with rightly, and each is counted there. An empty COUNTER: none has to.
counts() {
	local counter=$1 name before
	shift
	for name in "$@"; do
		[ -z "$counter" ] || ! is_ours || before=$(stat "$counter")
		ok "$name" bad case "$name"
		if [ -n "$counter" ] && is_ours; then
			ok "$name: counted as $counter" wait_until 3 stat_above "$counter" "$before"
		fi
		tried+=("$name")
	done
}

all_cases() {
	counts http_refused head_too_large head_too_many_fields head_without_end target_too_long body_too_large body_huge \
		body_overflow body_negative chunks_too_large chunk_size_bad length_and_chunked length_twice length_twice_equal \
		encoding_unknown field_folded field_with_nul version_unknown method_other http2_preface pipelined \
		xml_deep xml_entities xml_external_entity tls_then_garbage
	counts '' xml_malformed xml_user_long form_binary cookie_context_long head_truncated body_truncated tcp_nothing tls_no_record \
		tls_record_broken
	counts connect_refused cookie_long connect_elsewhere
	counts tls_failed tls_garbage tls_plain_http tls_huge_record tls_hello_broken
	counts rx_bad_frame frame_bad_magic frame_garbage frame_too_long
	counts rx_unknown_type frame_unknown_type
	counts rx_spoofed packet_spoofed
	counts rx_malformed packet_malformed
	counts sessions_closed bye_with_binary frame_cut_off
	counts '' frame_bad_tail frame_compressed frame_empty frame_cut_in_pieces
	ok "no case of badinput.py was forgotten" equal "$(printf '%s\n' "${tried[@]}" | sort)" "$(bad list | sort)"
}

slow_clients() {
	local kind took before
	for kind in slow_tls slow_head slow_body slow_silence slow_login; do
		! is_ours || before=$(stat http_timeout)
		took=$(bad slow $kind)
		ok "$kind: closed after $took s" [ "$took" -ge $((limit - 1)) -a "$took" -le $((limit + 3 * slow)) ]
		! is_ours || ok "$kind: counted as http_timeout" stat_above http_timeout "$before"
	done
}

idle_connections() {
	local before=0
	! is_ours || before=$(stat http_timeout)
	spawn "$cl" "$T/idle.txt" /usr/bin/python3 "$here/badinput.py" idle 500 $((limit + 15 * slow))
	wait_until 20 has "$T/idle.txt" connected >"$T/last" || fail "500 connections"
	ok "500 idle connections: another client logs in" equal "$(vpn login test2 "$password" | cut -c1-3)" 200
	ok "500 idle connections: the running session goes on" pings "$cl" $host4
	ok "500 idle connections: all are closed in time" wait_until $((limit + 20)) has "$T/idle.txt" '^500$'
	! is_ours || ok "500 idle connections: all are counted" stat_above http_timeout $((before + 499))
}

udp_garbage() {
	local name
	bad udp
	is_ours || return 0
	for name in udp_malformed udp_unknown; do
		ok "UDP garbage: counted as $name" stat_above $name 100
	done
	ok "UDP garbage: no handshake began" stat_is dtls_handshakes 1
}

# {{ what it must not do }}

workers() { in_occtl show status | json "'\n'.join(str(p['pid']) for p in d['Processes'] if p['name'].startswith('worker'))"; }
# KB; without the shared counters, of which each new session touches the next slot
memory() { workers | while read -r pid; do cat "/proc/$pid/status"; done | awk '/^RssAnon/ { sum += $2 } END { print sum }'; }
descriptors() { workers | while read -r pid; do find "/proc/$pid/fd" -type l; done | wc -l; }
descriptors_are() { equal "$(descriptors)" "$1"; }

# A thousand once all caches are warm. Under a sanitizer freed memory is kept on purpose.
repetitions() {
	local memory_before=0 descriptors_before=0 memory_after n=1000
	[ "$slow" = 1 ] || n=300
	ok "a first round, to warm up" bad repeat 300
	if is_ours; then
		memory_before=$(memory)
		descriptors_before=$(descriptors)
	fi
	ok "$n bad clients" bad repeat $n
	is_ours || return 0
	ok "they leave no descriptor" wait_until $((limit + 5)) descriptors_are "$descriptors_before"
	memory_after=$(memory)
	[ "$slow" != 1 ] || ok "memory of the workers: $memory_before KB, then $memory_after KB" more $((memory_before + 1024)) "$memory_after"
}

# No number missing between the first and the last answer: the end of ping may have met one on its way.
no_loss() {
	awk -F 'icmp_seq=| ttl' '/icmp_seq=/ { if (last && $2 != last + 1) { print "lost: " last + 1 " to " $2 - 1; bad = 1 }; last = $2 }
		END { print last " answers"; exit bad || last < 100 }' "$1"
}

tried=()
add_user test2
server_start workers=2 auth-timeout=$limit cookie-timeout=30
oc_connect beside
processes=$(server_pids)
spawn "$host" "$T/beside/ping" ping -n -i 0.2 -W $((2 * slow)) "$(oc_ip4 beside)"
stream=$spawned

all_cases
slow_clients
idle_connections
udp_garbage
repetitions

end "$stream" INT || true
ok "the session beside it lost no packet" no_loss "$T/beside/ping"
ok "its client noticed nothing" equal "$(oc_times beside reconnect) $(grep -c 'Established DTLS' "$T/beside/log")" '0 1'
ok "no process was restarted" equal "$(server_pids)" "$processes"
ok "a right login works" equal "$(vpn login test "$password" | cut -c1-3)" 200
! is_ours || ok "no worker says a password or cookie" not grep -e "$password" -e 'webvpn=' "$T/server.log"
oc_stop beside
ok "all sessions are gone" wait_until 10 users_are 0
nothing_died
server_stop
