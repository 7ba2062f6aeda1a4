#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# hostile.sh - a client that has logged in and then does what it likes, on TLS and on DTLS: each frame is dropped or ends the session, and
# is counted; the server does not grow, and the session beside it loses nothing. The cases are in hostile.py, the network in lib.sh.
. "$(dirname "$0")/lib.sh"

is_ours || skip "the counters are ours"

hostile() { in_cl /usr/bin/python3 "$here/hostile.py" "$BUILD_DIR/tests/rawtunnel" "$cookie" "$@"; }

# counts COUNTER CASE=N...: each case is dealt with rightly, and counted at least N times: both channels together, so that one alone is too
# few. An empty counter: nothing must be counted, the tunnel lives.
counts() {
	local counter=$1 name before
	shift
	for name in "$@"; do
		[ -z "$counter" ] || before=$(stat "$counter")
		ok "${name%=*}" hostile case "${name%=*}"
		[ -z "$counter" ] ||
			ok "${name%=*}: counted as $counter, ${name#*=} times" wait_until 3 stat_above "$counter" $((before + ${name#*=} - 1))
		tried+=("${name%=*}")
	done
}

worker_pids() { in_occtl show status | json "'\n'.join(str(p['pid']) for p in d['Processes'] if p['name'].startswith('worker'))"; }
# KB that are the workers' own or their part of what is shared
pss() { worker_pids | while read -r pid; do cat "/proc/$pid/smaps_rollup"; done | awk '/^Pss:/ { sum += $2 } END { print sum }'; }
cpu_ms() { worker_pids | while read -r pid; do cat "/proc/$pid/stat"; done | awk '{ sum += $14 + $15 } END { print sum * 10 }'; }

no_loss() {
	awk -F 'icmp_seq=| ttl' '/icmp_seq=/ { if (last && $2 != last + 1) { print "lost: " last + 1 " to " $2 - 1; bad = 1 }; last = $2 }
		END { print last " answers"; exit bad || last < 50 }' "$1"
}

all_cases() {
	counts '' nothing_at_all goodbye_over_udp one_byte_records many_frames_a_record records_of_a_handshake probes_of_all_sizes dpd_flood
	counts rx_unknown_type unknown_types=54 compressed_not_agreed=6
	counts rx_spoofed packets_spoofed=14 compressed_and_spoofed=4
	counts rx_malformed packets_malformed=20 packets_giant=4 compressed_and_malformed=8
	counts rx_bad_frame frame_longer_than_any=1 frame_bad_magic=1 frame_bad_tail=1
	counts rx_bad_compressed lzs_bombs=8 lzs_malformed=12 lz4_bombs=6 lz4_malformed=10
	counts dtls_bad_record records_forged=100
	counts dtls_replayed records_replayed=50
	counts dtls_hello_limited handshake_storm=1
}

# A client that asks and never reads: what waits for it is bounded.
unread() {
	local before after sent
	before=$(pss)
	HOLD=3 hostile case dpd_flood_unread >"$T/unread.txt" &
	sent=$!
	ok "a client that never reads sends what the sockets take" wait_until 60 has "$T/unread.txt" .
	after=$(pss)
	[ "$slow" != 1 ] || ok "and the workers keep little for it: $before KB, then $after KB" more $((before + 1024)) "$after"
	wait "$sent" || fail "dpd_flood_unread"
	tried+=(dpd_flood_unread)
}

# keys VERSION LETTER: s_client's commands, a hundred times, in a tunnel.
renewals() {
	local version=$1 letter=$2 i
	{
		printf 'CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: x\r\nCookie: webvpn=%s\r\n\r\n' "$cookie"
		sleep 1
		for ((i = 0; i < 100; i++)); do
			echo "$letter"
			sleep 0.01
		done
		sleep 1
	} | in_cl timeout 30 openssl s_client -connect $gw4:443 "$version" -servername x >"$T/renewals.txt" 2>&1 || true
}

key_storms() {
	local before after broken
	before=$(cpu_ms)
	renewals -tls1_3 K
	ok "TLS 1.3: the tunnel was open" has "$T/renewals.txt" 'X-CSTP-Version'
	ok "TLS 1.3: a hundred key updates were sent" [ "$(grep -c KEYUPDATE "$T/renewals.txt")" -ge 90 ]
	after=$(cpu_ms)
	[ "$slow" != 1 ] || ok "TLS 1.3: they cost $((after - before)) ms" more 1500 $((after - before))
	before=$(stat tls_handshakes)
	broken=$(stat tls_broken)
	renewals -tls1_2 R
	ok "TLS 1.2: the tunnel was open" has "$T/renewals.txt" 'X-CSTP-Version'
	ok "TLS 1.2: the client asked for new handshakes" has "$T/renewals.txt" RENEGOTIATING
	ok "TLS 1.2: none was made" equal "$(stat tls_handshakes)" $((before + 1))
	ok "TLS 1.2: the first ended the connection, and is counted as tls_broken" stat_is tls_broken $((broken + 1))
}

tried=()
add_user test2
server_start workers=2 strap=false compression=true cookie-timeout=300 dpd=60
oc_user=test2
oc_connect beside
oc_user=test
oc_cookie
cookie=${oc_cookie##*webvpn=}
processes=$(server_pids)
spawn "$host" "$T/beside/ping" ping -n -i 0.2 -W $((2 * slow)) "$(oc_ip4 beside)"
stream=$spawned

all_cases
unread
ok "no case of hostile.py was forgotten" equal "$(printf '%s\n' "${tried[@]}" | sort)" "$(hostile list | sort)"
key_storms

n=150
[ "$slow" = 1 ] || n=50
ok "a first round, to warm up" hostile repeat 50
memory=$(pss)
ok "$n hostile clients in turn" hostile repeat $n
then=$(pss)
[ "$slow" != 1 ] || ok "memory of the workers: $memory KB, then $then KB" more $((memory + 1024)) "$then"

end "$stream" INT || true
ok "the session beside it lost no packet" no_loss "$T/beside/ping"
ok "its client noticed nothing" equal "$(oc_times beside reconnect) $(grep -c 'Established DTLS' "$T/beside/log")" '0 1'
ok "no process was restarted" equal "$(server_pids)" "$processes"
oc_stop beside
nothing_died
server_stop
