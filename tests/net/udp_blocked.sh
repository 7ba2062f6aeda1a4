#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# udp_blocked.sh - UDP stops on the way in mid-transfer: traffic goes on over TLS, and comes back to DTLS when the way is free again.
# Once for so short that only the server notices, once until the client gives DTLS up and begins anew. The network is drawn in lib.sh.
#
# Timers: the server leaves a silent UDP after 4 s; openconnect leaves it after 2 x dpd = 12 s and tries again after 60 s.
. "$(dirname "$0")/lib.sh"

# Silent, as in a network: dropped on arrival, so that no sender gets an error.
block() {
	local ns
	for ns in "$cl" "$gw"; do
		ip netns exec "$ns" nft -f - <<-END
			table inet block {
				chain pre {
					type filter hook prerouting priority -300
					udp dport 443 drop
					udp sport 443 drop
				}
			}
		END
	done
}

unblock() {
	in_cl nft delete table inet block
	in_gw nft delete table inet block
}

tun_packets() { in_cl cat "/sys/class/net/$(oc_value oc TUNDEV)/statistics/rx_packets"; }
# shellcheck disable=SC2016 # awk's
udp_packets() { in_cl awk '$1 == "Udp:" && $2 ~ /[0-9]/ { print $2 }' /proc/net/snmp; }

# grows COMMAND: what it prints becomes more, by about the rate of the stream of pings.
grows() {
	local before
	before=$("$1")
	sleep 1
	more "$("$1")" $((before + 3))
}

dtls_is_up_times() { more "$(grep -c 'Established DTLS connection' "$T/oc/log")" $(($1 - 1)); }
iperf_is_done() { not is_alive "$1"; }

short_block() {
	ok "the stream runs over UDP" grows udp_packets
	block
	ok "blocked: the stream comes to the client over TLS" wait_until 10 grows tun_packets
	ok "blocked: nothing comes over UDP" not grows udp_packets
	! is_ours || ok "the server says that it fell back" stat_above dtls_fallbacks 0
	unblock
	ok "unblocked: the stream is on UDP again" wait_until 10 grows udp_packets
	ok "both ways" pings "$cl" $host4
	! is_ours || ok "without a new handshake" stat_is dtls_handshakes 1
	ok "and without a reconnect" equal "$(oc_times oc reconnect)" 0
}

# The last second of the transfer is as fast as it was paced; -b 4M.
transfer_is_alive() {
	json "[round(i['sum']['bits_per_second'] / 1e6, 1) for i in d['intervals']]" <"$T/iperf.json"
	more "$(json "int(d['intervals'][-2]['sum']['bits_per_second'])" <"$T/iperf.json")" 2000000
}

long_block() {
	local iperf
	spawn "$cl" "$T/iperf.json" iperf3 -J -c $host4 -b 4M -t 30 -O 0
	iperf=$spawned
	sleep 3
	block
	ok "the client gives DTLS up" wait_until 20 has "$T/oc/log" 'DTLS Dead Peer Detection detected dead peer'
	ok "blocked: both ways over TLS" wait_until 5 pings "$cl" $host4
	ok "blocked: both ways over TLS, IPv6" wait_until 5 pings "$cl" $host6
	ok "blocked: nothing comes over UDP" not grows udp_packets
	wait_until 40 iperf_is_done "$iperf" >"$T/last" || fail "iperf3 does not end"
	ok "the transfer lived through it" wait "$iperf"
	ok "and ends at its pace" transfer_is_alive
	ok "on the same TLS connection" equal "$(oc_times oc reconnect)" 0
	ok "the session is the same" users_are 1
	unblock
	ok "unblocked: the client begins DTLS anew" wait_until 90 dtls_is_up_times 2
	ok "the stream is on UDP again" wait_until 10 grows udp_packets
	ok "both ways" pings "$cl" $host4
	ok "both ways, IPv6" pings "$cl" $host6
	ok "occtl shows its DTLS cipher" more "$(user test "len(u['DTLS cipher'])")" 5
	! is_ours || ok "the server counts the second handshake" stat_above dtls_handshakes 1
}

spawn "$host" "$T/iperf3.log" iperf3 -s
server_start workers=2 dpd=6 switch-to-tcp-timeout=4
oc_connect oc
spawn "$host" "$T/stream.log" ping -n -q -i 0.1 "$(oc_ip4 oc)"
stream=$spawned
short_block
long_block
end "$stream" INT || true
oc_stop oc
ok "the session is gone" wait_until 5 users_are 0
nothing_died
server_stop
