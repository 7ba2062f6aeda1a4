#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# dtls13.sh - DTLS 1.3 between ocload and the server: packets in both directions arrive whole; a client whose port or address
# changes goes on without a new handshake, with eBPF steering and without; lost ends of a handshake are repeated; what is replayed
# or made up changes nothing. The network is drawn in lib.sh; the peer of ocload runs in host, a NAT stands between cl and o0.
. "$(dirname "$0")/lib.sh"
is_ours || skip "only ocserv-modern speaks it"

ocload=$BUILD_DIR/bin/ocload
[ -x "$ocload" ] || skip "no $ocload; run: make build"
readonly clients=6 other4=198.51.100.9
readonly cipher_13='(DTLS1.3)-(ECDHE-PSK)-(AES-128-GCM)'

# load NAME MODE [OPTION...]: its result is $T/NAME.json
load() {
	local name=$1 mode=$2
	shift 2
	in_cl "$ocload" "$mode" -q -v --json -s $gw4 --servername localhost --cafile "$T/ca.pem" -u test --password-file "$T/password" \
		--timeout $((30 * slow)) --dtls-version 1.3 "$@" >"$T/$name.json"
}
# begin NAME MODE [OPTION...]: the same in the background, $load_pid
begin() {
	load "$@" 2>"$T/$1.log" &
	load_pid=$!
}
finish() { wait "$load_pid"; }
result_is() { equal "$(json "$2" <"$T/$1.json")" True; }

whole() {
	local t="d['traffic']"
	ok "$1: packets arrive" result_is "$2" "$t['received'] > 100"
	ok "$1: none is damaged, none comes twice" result_is "$2" "$t['corrupt'] == 0 and $t['twice'] == 0"
	ok "$1: no session is lost" result_is "$2" "d['sessions']['lost'] == 0 and d['failures'] == {}"
}
# A few may be on their way to the old port when it changes. Under sanitizers a socket's buffer may fill up: one of a hundred.
few_lost() {
	local most=$3
	[ "$slow" = 1 ] || most="$3 + d['traffic']['sent'] // 100"
	ok "$1: at most $most of them are lost" result_is "$2" "d['traffic']['sent'] - d['traffic']['received'] <= $most"
}

all_speak_13() { equal "$(users "[u.get('DTLS cipher') for u in d] == ['$cipher_13'] * $1")" True; }
dtls_is_up() { all_speak_13 1; }
bpf_is_on() { in_occtl show status | json "'bpf-steering=on' in d['Features']" | grep -q True; }
quiet_counters() {
	local name
	for name in udp_malformed dtls_failed dtls_bad_record tun_errors; do
		ok "$text: counter $name is 0" stat_is $name 0
	done
	# the last packets of a session may come when it is over
	ok "$text: counter dtls_cid_unknown is low" at_most "$(stat dtls_cid_unknown)" 8
}

# {{ traffic }}

both_ways() {
	local mode n=0
	for mode in up down; do
		begin $mode $mode --to $host4 -n $clients -r 400 -d 5 "$@"
		ok "$text: $mode: all speak DTLS 1.3" wait_until 20 all_speak_13 $clients
		ok "$text: $mode ends well" finish
		whole "$text: $mode" $mode
		few_lost "$text: $mode" $mode 0
		n=$((n + clients))
		ok "$text: $mode: each has made one handshake" stat_is dtls13_handshakes $n
		ok "$text: all are gone" wait_until 10 users_are 0
	done
}

ports_change() {
	local mode hands moved handed
	for mode in up down; do
		hands=$(stat dtls_handshakes)
		moved=$(stat dtls_rebinds)
		handed=$(stat handover_out)
		ok "$text: ports change, $mode" load $mode $mode --to $host4 -n $clients -r 400 -d 4 --rebind 1
		whole "$text: ports change, $mode" $mode
		ok "$text: ports change, $mode: 3 times or more, each" result_is $mode "d['rebinds'] >= 3 * $clients"
		few_lost "$text: ports change, $mode" $mode 20
		ok "$text: ports change, $mode: the server has followed" more "$(stat dtls_rebinds)" $((moved + 2 * clients))
		ok "$text: ports change, $mode: no new handshake" stat_is dtls_handshakes $((hands + clients))
		handed=$(($(stat handover_out) - handed))
		[ "$bpf" != true ] || [ "$mode" != up ] ||
			ok "$text: ports change: $handed packets handed over, a record tells its worker" not more $handed 40
	done
}

run() {
	local workers=$1
	bpf=$2 text="workers=$workers bpf=$bpf"
	server_start workers="$workers" bpf="$bpf"
	if [ "$bpf" = true ] && ! bpf_is_on; then
		echo "skip $text: this kernel or container allows no eBPF"
		server_stop
		return
	fi
	both_ways
	ports_change
	quiet_counters
	nothing_died
	server_stop
}

# {{ an address that changes under the client }}

address_changes() {
	local moved
	ip -n "$cl" addr replace $other4/24 dev o0
	begin nat up --to $host4 -r 500 -d 8
	ok "NAT: DTLS is up" wait_until 20 dtls_is_up
	moved=0
	for to in $cl4:40001 $cl4:40002 $other4:40003 $other4:40004; do
		sleep 1
		nat $to
		moved=$((moved + 1))
		ok "NAT: $to: the server has followed" wait_until 5 stat_is dtls_rebinds $moved
	done
	ok "NAT: the client ends well" finish
	in_cl nft delete table ip nat
	whole "NAT" nat
	few_lost "NAT" nat 20
	ok "NAT: one handshake" stat_is dtls_handshakes 1
	ok "NAT: never back to TLS" stat_is dtls_fallbacks 0
	ok "NAT: the session is gone" wait_until 10 users_are 0
}

roaming_denied() {
	begin denied up --to $host4 -r 200 -d 5
	ok "deny-roaming: DTLS is up" wait_until 20 dtls_is_up
	nat $cl4:40011
	ok "deny-roaming: another port is the same client" wait_until 5 stat_is dtls_rebinds 1
	nat $other4:40012
	ok "deny-roaming: another address is not" wait_until 5 stat_above dtls_roaming_denied 10
	ok "deny-roaming: it does not move" stat_is dtls_rebinds 1
	finish || true # its packets are lost
	in_cl nft delete table ip nat
	ip -n "$cl" addr del $other4/24 dev o0
	ok "deny-roaming: the session is gone" wait_until 20 users_are 0
}

# {{ lost records }}

# Of epoch 3, without a connection id: the server's acknowledgement of the client's last flight, above all.
acknowledgement_lost() {
	in_gw nft -f - <<-END
		table ip lossy {
			chain out {
				type filter hook output priority filter
				udp sport 443 @th,64,8 & 0xe3 == 0x23 drop
			}
		}
	END
	begin lossy up --to $host4 -r 200 -d 3
	ok "lost ACK: the server is ready, the client is not" wait_until 20 stat_above dtls_handshakes "$1"
	sleep 1.5
	in_gw nft delete table ip lossy
	ok "lost ACK: the client ends well" finish
	whole "lost ACK" lossy
	ok "lost ACK: it had to be sent again" result_is lossy "d['latency']['dtls_ms']['max'] > 900"
	ok "lost ACK: one handshake" stat_is dtls_handshakes $(($1 + 1))
}

# Each datagram of the handshake may be lost once or more.
lossy_handshake() {
	in_gw nft -f - <<-END
		table ip lossy {
			chain in {
				type filter hook input priority filter
				udp dport 443 numgen random mod 100 < 20 drop
			}
			chain out {
				type filter hook output priority filter
				udp sport 443 numgen random mod 100 < 20 drop
			}
		}
	END
	ok "a fifth is lost: handshakes end well" load lossy idle -n 8 -d 1 --dtls --timeout 120
	ok "a fifth is lost: all are up" result_is lossy "d['dtls13'] == 8 and d['sessions']['held'] == 8"
	in_gw nft delete table ip lossy
	ok "a fifth is lost: the sessions are gone" wait_until 20 users_are 0
}

# {{ strangers }}

datagrams() {
	local ns=$1
	shift
	ip netns exec "$ns" /usr/bin/python3 "$here/datagrams.py" "$@"
}
# Datagrams as another host would send them.
strike() { datagrams "$cl" send $gw4 $other4; }

# flip OFFSET: in each line of digits, the lowest bit of that byte
flip() {
	/usr/bin/python3 -c '
import sys
for line in sys.stdin:
    b = bytearray.fromhex(line)
    b[int(sys.argv[1])] ^= 1
    print(b.hex())' "$1"
}

strangers() {
	local hands bad unknown replayed handed
	ip -n "$cl" addr replace $other4/24 dev o0
	datagrams "$cl" capture 3 >"$T/seen" 2>"$T/tap.log" &
	wait_until 5 has "$T/tap.log" ready || fail "no tap"
	begin victim up --to $host4 -r 50 -d 14 -b 1
	ok "victim: DTLS is up" wait_until 20 dtls_is_up
	sleep 3
	grep '^16' "$T/seen" >"$T/hellos"
	grep '^3' "$T/seen" | tail -n 20 >"$T/records"
	ok "victim: two hellos and records were seen" test "$(wc -l <"$T/hellos")-$(wc -l <"$T/records")" = 2-20
	hands=$(stat dtls_handshakes)
	strike <"$T/hellos"
	datagrams "$cl" send $gw4 <"$T/hellos"
	for _ in 1 2 3 4 5; do tail -n 1 "$T/hellos" | strike; done
	ok "replayed hellos: they are counted" wait_until 5 stat_above dtls_hellos 8
	ok "replayed hellos: no handshake ends" stat_is dtls_handshakes "$hands"

	replayed=$(stat dtls_replayed)
	strike <"$T/records"
	ok "replayed records: counted" wait_until 5 stat_is dtls_replayed $((replayed + 20))
	bad=$(stat dtls_bad_record)
	flip 30 <"$T/records" | strike
	ok "damaged records: refused" wait_until 5 more "$(($(stat dtls_bad_record) + $(stat dtls_replayed)))" $((bad + replayed + 39))
	unknown=$(stat dtls_cid_unknown)
	flip 8 <"$T/records" | strike
	ok "another connection id: of nobody" wait_until 5 stat_is dtls_cid_unknown $((unknown + 20))
	handed=$(stat handover_out)
	printf '3b%s\n' ff00000000000000112233445566778899aabbccddeeff 0 00 ff >"$T/odd"
	sed -i '/^3b0$/d' "$T/odd"
	strike <"$T/odd"
	ok "a worker that does not exist, and cut ids: malformed" wait_until 5 stat_above udp_malformed 1
	# An identity of nobody: the digits of the identity are the 64 before the last 39 bytes.
	flip $(($(head -n 1 "$T/hellos" | tr -d '\n' | wc -c) / 2 - 60)) <"$T/hellos" | head -n 1 | strike
	ok "an identity of nobody: unknown" wait_until 5 stat_above udp_unknown 0
	ok "the victim has not moved" stat_is dtls_rebinds 0
	ok "the victim ends well" finish
	whole "victim" victim
	few_lost "victim" victim 0
	ok "the victim has made no other handshake" stat_is dtls_handshakes "$hands"
	ip -n "$cl" addr del $other4/24 dev o0
	ok "the victim is gone" wait_until 10 users_are 0
}

# {{ what is agreed on }}

negotiation() {
	ok "a client of both versions gets 1.3" load both idle --dtls --dtls-version auto -d 1
	ok "so it says" result_is both "d['dtls13'] == 1 and d['sessions']['opened'] == 1"
	ok "a client of 1.2 gets 1.2" load old idle --dtls --dtls-version 1.2 -d 1
	ok "so it says" result_is old "d['dtls13'] == 0 and d['sessions']['opened'] == 1"
	ok "ChaCha20" load chacha up --to $host4 -r 500 -d 2 --cipher chacha
	ok "it is ChaCha20" result_is chacha "d['cipher'] == 'CHACHA20-POLY1305' and d['dtls13'] == 1"
	whole "ChaCha20" chacha
	ok "the largest packet" load large up --to $host4 -r 300 -d 2 -l 1443
	whole "the largest packet" large
	ok "one byte more does not fit" not load large up --to $host4 -r 300 -d 1 -l 1444
}

alone() { load only idle --dtls -d 1 2>"$T/only.txt"; }
switched_off() {
	ok "dtls13=false: both versions offered, 1.2 it is" load both idle --dtls --dtls-version auto -d 1
	ok "so it says" result_is both "d['dtls13'] == 0 and d['sessions']['opened'] == 1"
	ok "dtls13=false: 1.3 alone gets no DTLS" not alone
	ok "and says why" has "$T/only.txt" 'no session could be opened: DTLS handshake 1'
}

echo "$password" >"$T/password"
spawn "$host" "$T/peer.log" "$ocload" peer --pool 10.77.0.0/16

run 2 true
# What these add is in eBPF and in numbers; sanitizers see the same code.
if [ "$slow" = 1 ]; then
	run 2 false
	run 4 true
fi

text="one worker"
server_start
negotiation
nothing_died
server_stop

server_start workers=2
address_changes
acknowledgement_lost 1
lossy_handshake
nothing_died
server_stop

ip -n "$cl" addr replace $other4/24 dev o0
server_start workers=2 deny-roaming=true
roaming_denied
nothing_died
server_stop

server_start workers=2 dpd=30
strangers
nothing_died
server_stop

server_start dtls13=false
switched_off
nothing_died
server_stop
