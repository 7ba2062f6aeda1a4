#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# proxy.sh - behind a real haproxy: PROXY headers in both versions, routing by SNI; and headers that are refused. The network is
# drawn in lib.sh; haproxy runs beside the server and the clients connect to its ports:
#
#   client --> 198.51.100.1:8441 haproxy send-proxy-v2 --> 127.0.0.1:443 server
#                          :8442 haproxy send-proxy    --> same
#                          :8443 haproxy by SNI: alpha -> send-proxy-v2, others are dropped
#                          :8444 haproxy without a header
. "$(dirname "$0")/lib.sh"

is_ours || skip "checks our own events and counters"
need haproxy

readonly alpha=alpha.example.test
readonly v2_signature='\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a'

haproxy_config() {
	cat <<-END
		global
		    log stdout format raw local0
		defaults
		    mode tcp
		    timeout connect 5s
		    timeout client 1h
		    timeout server 1h
		listen v2
		    bind $gw4:8441
		    bind [$gw6]:8441
		    server s 127.0.0.1:443 send-proxy-v2 check check-send-proxy inter 500
		listen v1
		    bind $gw4:8442
		    bind [$gw6]:8442
		    server s 127.0.0.1:443 send-proxy
		frontend sni
		    bind $gw4:8443
		    tcp-request inspect-delay 5s
		    tcp-request content accept if { req.ssl_hello_type 1 }
		    use_backend alpha if { req.ssl_sni -i $alpha }
		backend alpha
		    server s 127.0.0.1:443 send-proxy-v2-ssl-cn
		listen none
		    bind $gw4:8444
		    server s 127.0.0.1:443
	END
}

haproxy_start() {
	haproxy_config >"$T/haproxy.cfg"
	spawn "$gw" "$T/haproxy.log" haproxy -db -f "$T/haproxy.cfg"
	haproxy_pid=$spawned
	ok "haproxy listens" wait_until 10 haproxy_listens
}
haproxy_listens() { in_gw ss -ltnH | grep -q ":8444"; }

# Headers of our own, straight to the server: raw BYTES (as of printf); what the server answers is in $T/raw.
# The connection is held open: it is the server that ends it.
raw() { (printf '%b' "$1"; sleep 8) | in_gw timeout 12 nc 127.0.0.1 443 >"$T/raw" 2>/dev/null; }
# ... and then TLS over the same connection
tls_after() { in_gw /usr/bin/python3 "$here/after.py" 127.0.0.1 "$1"; }

no_connection() { [ -z "$(in_gw ss -tnH state established 'sport = :443' dst 127.0.0.1)" ]; }
refused() {
	local before
	before=$(stat proxy_refused)
	raw "$2" &
	local pid=$!
	ok "refused: $1" wait_until 8 stat_above proxy_refused "$before"
	ok "... the connection is closed" wait_until 2 no_connection
	wait "$pid" || true
	ok "... without an answer" equal "$(wc -c <"$T/raw")" 0
}

through() {
	local name=$1 port=$2
	oc_url=https://$gw4:$port/ oc_connect "$name" --no-dtls
	ok "$name: the client's address is known" equal "$(user test "u['Remote IP']")" $cl4
	ok "$name: ping to the host" wait_until 10 pings "$cl" $host4
	oc_stop "$name"
	ok "$name: the session is gone" wait_until 5 users_are 0
}
through6() {
	local name=$1 port=$2
	oc_url="https://[$gw6]:$port/" oc_connect "$name" --no-dtls
	ok "$name: the client's IPv6 address is known" equal "$(user test "u['Remote IP']")" $cl6
	ok "$name: and the one it connected to" equal "$(user test "u['Local Device IP']")" $gw6
	oc_stop "$name"
	ok "$name: the session is gone" wait_until 5 users_are 0
}

by_name() {
	oc_url=https://$alpha:8443/ oc_connect named --no-dtls --resolve "$alpha:$gw4"
	ok "named: haproxy and the server agree on the virtual host" equal "$(user test "u['vhost']")" $alpha
	ok "named: the client's address is known" equal "$(user test "u['Remote IP']")" $cl4
	oc_stop named
	ok "named: the session is gone" wait_until 5 users_are 0
}

# UDP goes past the balancer and is found by its session id. The client takes the UDP port of the answer at the balancer's address.
with_dtls() {
	oc_url=https://$gw4:8441/ oc_connect direct
	ok "direct: DTLS goes past the balancer" wait_until 10 stat_above dtls_handshakes 0
	oc_stop direct
	ok "direct: the session is gone" wait_until 5 users_are 0
}

without_header() {
	local before
	before=$(stat proxy_refused)
	ok "a client without a header is refused" not in_cl timeout 5 openssl s_client -connect $gw4:8444 -brief </dev/null
	ok "... and counted" wait_until 5 stat_above proxy_refused "$before"
	ok "... also one that comes directly" not in_cl timeout 5 openssl s_client -connect $gw4:443 -brief </dev/null
}

headers() {
	local before
	before=$(stat proxy_headers)
	ok "LOCAL: TLS goes on" tls_after "$v2_signature\x20\x00\x00\x00"
	ok "LOCAL with addresses and more: they are skipped" tls_after \
		"$v2_signature\x20\x11\x00\x10\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x02abcd"
	ok "TLVs are skipped" tls_after "$v2_signature\x21\x11\x00\x13\xc0\x00\x02\x07\xc6\x33\x64\x01\x01\x00\x01\xbb\x04\x00\x04abcd"
	ok "version 1" tls_after 'PROXY TCP6 2001:db8::7 2001:db8::1 1 443\r\n'
	ok "four more were accepted" stat_above proxy_headers $((before + 3))
	refused "UNKNOWN" 'PROXY UNKNOWN\r\n'
	refused "UNSPEC" "$v2_signature\x21\x00\x00\x00"
	refused "UNIX" "$v2_signature\x21\x31\x00\xd8"
	refused "a header longer than any" "$v2_signature\x21\x11\xff\xff"
	refused "HTTP" 'GET / HTTP/1.1\r\n\r\n'
	refused "a header that does not end in time" 'PROXY TCP4 192.0.2.7'
	refused "nothing at all" ''
}

# server_start asks over TLS; here it answers only behind a header
server_answers() { tls_after "$v2_signature\x20\x00\x00\x00" && in_occtl show status; }

certificate alpha $alpha EC -pkeyopt ec_paramgen_curve:P-256
config_tail="[vhost:$alpha]
server-cert = $T/alpha.pem
server-key = $T/alpha-key.pem"
server_start workers=2 listen-proxy-proto=true
haproxy_start
through v2 8441
through v1 8442
through6 v2_six 8441
through6 v1_six 8442
by_name
with_dtls
without_header
headers
ok "haproxy's health checks are accepted" not grep -n 'is DOWN' "$T/haproxy.log"
nothing_died
end "$haproxy_pid" TERM 10 || true
server_stop
