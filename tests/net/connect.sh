#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# connect.sh - what each kind of client is told when it opens its tunnel, and that openconnect in its many ways gets packets through
# afterwards: families, sizes, compression, mobile systems. And how long a cookie lives after each kind of goodbye. The network is drawn
# in lib.sh; connect.py speaks for the clients that are not here.
. "$(dirname "$0")/lib.sh"

is_ours || skip "the answers are ours"
readonly names=(dns=203.0.113.53 +dns=2001:db8:2::53 nbns=203.0.113.54 split-dns=corp.example +split-dns=lab.example
	'default-domain=example.com corp.example' +no-route=0.0.0.0/32 +no-route=192.0.2.128/25 +no-route=2001:db8:9::/48
	client-bypass-protocol=true keepalive=300 dpd=60 mobile-dpd=300 idle-timeout=400 mobile-idle-timeout=500 session-timeout=7200
	listen-host-is-dyndns=true 'proxy-url="http://proxy.example/%{U}.pac?g=%{G}"' 'custom-header="X-Custom: user=%{U} group=%{G}"'
	'included-http-headers="X-Frame-Options: deny"' 'banner="Welcome, be good"' compression=true)

as() { in_cl /usr/bin/python3 "$here/connect.py" "$@"; }

# {{ headers }}

all_kinds() {
	local kind
	for kind in $(as list); do
		ok "$kind is told what it needs${1:+ ($1)}" as check "$kind" "$@"
	done
}

# {{ cookies }}

status_is() { equal "$(as status "$1")" "$2"; }

# Life of a cookie by the reason of the end; the numbers are in the tunnel protocol, the 15 s are session_life.c's.
goodbyes() {
	local reason
	local -A cookie
	for reason in b0 b0627965 91 d1 70 none drop; do
		cookie[$reason]=$(as bye $reason) || fail "a goodbye with $reason"
		ok "after a goodbye with $reason the cookie is good at once" status_is "${cookie[$reason]}" 200
	done
	for reason in b0 91 d1 70 none; do
		cookie[$reason]=$(as bye $reason) || fail "a goodbye with $reason"
	done
	sleep 17
	ok "17 s after the user's own disconnect (0xb0) it is dead" status_is "${cookie[b0]}" 401
	for reason in 91 d1 70 none; do
		ok "17 s after a goodbye with $reason it is good" status_is "${cookie[$reason]}" 200
	done
}

administrator() {
	oc_cookie
	oc_start held --no-dtls "--cookie=$oc_cookie"
	ok "a tunnel for the administrator to end" oc_wait held
	in_occtl disconnect user test >"$T/last"
	ok "the client of a disconnected session ends" wait_until 10 not oc_is_alive held
	ok "its cookie is dead at once" status_is "${oc_cookie##*webvpn=}" 401
}

# {{ timers }}

# waits NAME KIND SECONDS [answer]: in the background; what came of it is in $T/wait.NAME, the cookie in $cookie_of.
declare -A cookie_of waiting
waits() {
	local name=$1
	shift
	cookie_of[$name]=$(as login) || fail "a login for $name"
	as wait "${cookie_of[$name]}" "$@" >"$T/wait.$name" &
	waiting[$name]=$!
}

# waited NAME TEXT PATTERN
waited() {
	wait "${waiting[$1]}" || fail "$1 has no tunnel"
	ok "$2: $(cat "$T/wait.$1")" has "$T/wait.$1" "$3"
}

timers() {
	local most=$((5 + slow))
	server_start idle-timeout=3 mobile-idle-timeout=0 dpd=60 keepalive=2
	waits desktop openconnect 9 answer
	waits mobile cisco_android 9 answer
	waited desktop "idle-timeout ends an idle desktop, and says so" "^closed [3-$most] .*5\$"
	waited mobile "mobile-idle-timeout rules a mobile, which is kept alive" "^open 9 7 7"
	ok "the cookie of an idle session stays good" status_is "${cookie_of[desktop]}" 200
	server_stop
	server_start dpd=2 mobile-dpd=300 mobile-idle-timeout=4
	waits desktop openconnect 12
	waits answering openconnect 12 answer
	waits mobile cisco_iphone 12
	waited desktop "a silent desktop is asked, and let go without a word" "^closed [6-9] 3 .*3\$"
	waited answering "one that answers stays" "^open 12 3"
	waited mobile "mobile-idle-timeout ends an idle mobile, which nobody asked" "^closed [4-7] 5\$"
	ok "the cookie of a lost connection stays good" status_is "${cookie_of[desktop]}" 200
	server_stop
	server_start session-timeout=4 persistent-cookies=true
	waits late openconnect 9 answer
	waited late "session-timeout ends any session, and says so" "^closed [345] 5\$"
	ok "after session-timeout the cookie is dead, persistent or not" status_is "${cookie_of[late]}" 401
	server_stop
}

# Never "none", which Cisco's clients refuse, nor 0.
rekeying() {
	server_start rekey-method=ssl rekey-time=7200
	ok "rekey-method ssl over TLS 1.3: the server renews" equal "$(as rekey 1.3)" "ssl 31536000 "
	read -r method seconds _ < <(as rekey 1.2)
	ok "rekey-method ssl over TLS 1.2: by a new tunnel ($method, $seconds s)" \
		[ "$method" = new-tunnel -a "$seconds" -ge 7170 -a "$seconds" -le 7230 ]
	server_stop
	server_start rekey-time=0
	for version in 1.2 1.3; do
		ok "rekey-time 0 over TLS $version: a time that never comes" equal "$(as rekey $version)" "ssl 31536000 "
	done
	server_stop
}

# {{ openconnect }}

# transfers NAME: a file that packs well and one that does not, both ways, byte for byte.
transfers() {
	local kind
	for kind in text noise; do
		ok "$1: $kind comes down whole" in_cl curl -sS --max-time 20 -o "$T/down" "http://$host4:8080/$kind"
		ok "$1: $kind is what was sent" cmp "$T/down" "$T/www/$kind"
		spawn "$host" "$T/sink.log" socat -u TCP-LISTEN:9090,reuseaddr "CREATE:$T/up.$kind"
		ok "$1: there is one to send $kind to" wait_until 5 listens 9090
		ok "$1: $kind goes up" in_cl socat -u "FILE:$T/www/$kind" "TCP:$host4:9090"
		ok "$1: $kind arrives whole" wait_until 10 cmp "$T/up.$kind" "$T/www/$kind"
	done
}

listens() { in_host ss -Hltn "sport = :$1" | grep -q .; }

make_files() {
	mkdir -p "$T/www"
	for ((i = 0; i < 20000; i++)); do echo "line $i of a text that says the same again and again"; done >"$T/www/text"
	head -c 700000 /dev/urandom >"$T/www/noise"
	spawn "$host" "$T/http.log" /usr/bin/python3 -m http.server -d "$T/www" 8080
	ok "a server of files" wait_until 10 listens 8080
}

# compressed METHOD CHANNEL: the server permits this method only.
compressed() {
	local method=$1 channel=$2 options=() tx rx
	[ "$channel" = DTLS ] || options=(--no-dtls)
	server_start compression=true "compression-algo-priority=$method"
	oc_connect c --compression=stateless ${options[0]:+"${options[@]}"}
	ok "$method over $channel: occtl says so" equal "$(user test "u.get('CSTP compression')")" "$method"
	[ "$channel" = TLS ] || ok "$method over $channel: and for DTLS" equal "$(user test "u.get('DTLS compression')")" "$method"
	ok "$method over $channel: pings that pack well" pings "$cl" $host4 -s 1200 -p 42
	ok "$method over $channel: pings back" pings "$host" "$(oc_ip4 c)" -s 1200 -p 42
	tx=$(stat tx_compressed) rx=$(stat rx_compressed)
	ok "$method over $channel: $tx packets were sent compressed" more "$tx" 5
	ok "$method over $channel: $rx packets came compressed" more "$rx" 5
	transfers "$method over $channel"
	ok "$method over $channel: many bytes were saved" stat_above tx_compressed_saved 500000
	ok "$method over $channel: none came malformed" stat_is rx_bad_compressed 0
	ok "$method over $channel: nor any of an unknown type" stat_is rx_unknown_type 0
	ok "$method over $channel: the client complains of nothing" not grep -i -e 'decompress.*fail' -e 'unknown packet' "$T/c/log"
	oc_stop c
	nothing_died
	server_stop
}

uncompressed() {
	oc_connect plain --compression=stateless
	ok "compression is off by default" equal "$(user test "u.get('CSTP compression', '') + u.get('DTLS compression', '')")" ''
	ok "pings go uncompressed" pings "$cl" $host4 -s 1200 -p 42
	ok "nothing was compressed" equal "$(stat tx_compressed) $(stat rx_compressed)" '0 0'
	oc_stop plain
}

# in_many_ways TEXT URL OPTION...: a tunnel with these options carries packets of both families.
in_many_ways() {
	local text=$1
	oc_url=$2
	shift 2
	oc_connect way "$@"
	ok "$text: IPv4" pings "$cl" $host4 -s 1000
	case " $* " in
	*--disable-ipv6*) ok "$text: no IPv6 address was given" equal "$(oc_ip6 way)" '' ;;
	*--mtu=1[012]* | *--base-mtu=1[0123]*) ok "$text: no IPv6 below 1280" equal "$(oc_ip6 way)" '' ;;
	*) ok "$text: IPv6" pings "$cl" $host6 -s 1000 ;;
	esac
	way_mtu=$(oc_value way INTERNAL_IP4_MTU)
	ok "$text: a packet of the MTU, $way_mtu" pings "$cl" $host4 -M do -s $((way_mtu - 28))
	oc_stop way
	ok "$text: the session ends" wait_until 5 users_are 0
	oc_url=$url4
}

ways() {
	in_many_ways "plain" "$url4"
	in_many_ways "outer IPv6" "$url6"
	in_many_ways "outer IPv6 without DTLS" "$url6" --no-dtls
	in_many_ways "without IPv6" "$url4" --disable-ipv6
	in_many_ways "mtu 1300" "$url4" --mtu=1300
	ok "mtu 1300: it is kept" [ "$way_mtu" -le 1300 ]
	in_many_ways "mtu 1100" "$url4" --mtu=1100
	in_many_ways "base mtu 1300" "$url4" --base-mtu=1300
	ok "base mtu 1300: it is kept" [ "$way_mtu" -lt 1300 ]
	in_many_ways "base mtu 1400 over TLS" "$url4" --base-mtu=1400 --no-dtls
	for os in linux win mac-intel android apple-ios; do
		in_many_ways "os $os" "$url4" --os=$os
	done
}

make_files
server_start "${names[@]}"
all_kinds
ok "odd sizes in the request give sane ones" as mtu
ok "repeated and broken headers" as repeated
goodbyes
administrator
ok "no sanitizer has complained" no_report
server_stop
# make_config adds its routes always: without them everything goes through the tunnel
server_start "${names[@]}" +route=default
all_kinds default
server_stop

timers
rekeying
server_start
uncompressed
ways
nothing_died
server_stop
for method in lz4 lzs; do
	for channel in TLS DTLS; do
		compressed $method $channel
	done
done
