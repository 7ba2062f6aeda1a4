#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# guard_xdp.sh - floods of forged sources while real users log in and transfer: all get in, nothing of theirs is lost, and the
# counters tell what was dropped and why. Somebody else's XDP program is left alone; without privileges for eBPF the server
# runs and says so. The floods are made by flood.c, the network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"

is_ours || skip "the counters are ours"
flood=$BUILD_DIR/tests/flood
[ -x "$flood" ] || skip "no $flood; run: make build"
ocload=$BUILD_DIR/bin/ocload
[ -x "$ocload" ] || skip "no $ocload; run: make build"
echo "$password" >"$T/password"
mac=$(in_gw cat /sys/class/net/o0/address)
# Answers to forged sources go somewhere: without a route the kernel itself would end a flood of SYN.
ip -n "$gw" route add default via $cl4
ip -n "$gw" -6 route add default via $cl6

status() { in_occtl show status | json "$1"; }
# count NAME: of bpf/guard.def
count() { status "d['Guard in the kernel']['$1']"; }
count_above() { more "$(count "$1")" "$2"; }
layer() { status "[f for f in d['Features'] if f.startswith('$1=')][0]"; }
layer_is() { equal "$(layer "$1")" "$1=$2"; }
layer_has() { layer "$1" | grep -q -e "$2" || { layer "$1"; return 1; }; }
syncookies() { in_gw cat /proc/sys/net/ipv4/tcp_syncookies; }
syncookies_are() { equal "$(syncookies)" "$1"; }
drops() { status "sum(n for k, n in d['Guard in the kernel'].items() if k in ('malformed', 'blocked') or k.endswith('limited'))"; }

log_in() { vpn login test "$password" | grep -q '^200 '; }
# load MODE OPTION...: its result is $T/load.json
load() {
	local mode=$1
	shift
	in_cl "$ocload" "$mode" -q -v --json -s $gw4 --servername localhost --cafile "$T/ca.pem" -u test --password-file "$T/password" \
		--timeout $((20 * slow)) "$@" >"$T/load.json" || { cat "$T/load.json"; return 1; }
}
load_tells() { json "$1" <"$T/load.json"; }
all_get_in() {
	load logins -n 2 -d "${1:-1}" -r $((20 / slow)) --tls || return 1
	at_least "$(load_tells "d['sessions']['opened']")" 2 && equal "$(load_tells "d['sessions']['failed']")" 0
}
# tunnel_works [LEAST]: of 40 pings through the tunnel that has been open since the beginning.
tunnel_works() {
	in_cl ping -n -q -c 40 -i 0.01 -W $((2 * slow)) $host4 >"$T/ping" 2>&1 || true
	at_least "$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$T/ping")" "${1:-36}" || { cat "$T/ping"; return 1; }
}

# Packets a second. As many as the machine can send fill the queue in front of the program, which flood and clients share here,
# and leave the clients no core; the benchmark of the guard measures that.
readonly rate=50000

# under KIND TARGET COUNTER [SECONDS]: logins, new tunnels with DTLS and the old one, while the flood goes on
under() {
	local kind=$1 to=$2 counter=$3 before flooding all
	before=$(count "$counter")
	all=$(drops)
	ID=$id spawn "$cl" "$T/flood.$kind" "$flood" "$kind" o0 "$mac" "$to" 443 60 $rate
	flooding=$spawned
	ok "$kind: the flood is dropped as $counter" wait_until 5 count_above "$counter" $((before + 1000))
	ok "$kind: all who log in are in" all_get_in "${4:-1}"
	echo "     $kind: $(load_tells "'%d logins, %.0f ms each, at most %.0f' % (d['sessions']['opened'], d['latency']['total_ms']['mean'], d['latency']['total_ms']['max'])")"
	ok "$kind: new tunnels have DTLS, also when their port changes" load echo -n 3 -d 2 -r 150 --rebind 1 --max-loss 10
	echo "     $kind: $(load_tells "'%.1f %% lost, answers in %.1f ms, %d changes of port' % (d['traffic']['loss_percent'], d['latency']['echo_ms']['p50'], d['rebinds'])")"
	ok "$kind: the tunnel of before works" tunnel_works
	echo "     $kind: $(sed -n 's/.* \([0-9]*% packet loss\).*/\1/p' "$T/ping") in the tunnel of before"
	ok "$kind: the flood was there all the time" is_alive "$flooding"
	kill -s TERM "$flooding" 2>/dev/null || true
	wait "$flooding" 2>/dev/null || true
	ok "$kind: it is over: nothing is lost" wait_until 10 tunnel_works 40
	echo "     $kind: $(($(drops) - all)) packets were dropped at the card"
}

# {{ native, all floods }}

# A cheap hash: what is tested comes before it.
echo "test:*:$(openssl passwd -5 -salt salt "$password")" >"$T/ocpasswd"
cookies_before=$(syncookies)
server_start "+guard-interfaces=o0" workers=2 ipv4-network=10.77.0.0/16 guard-syn-total=2000 guard-udp-total=100 guard-syn-rate=100 guard-syncookies-rate=3000
if layer_has guard-xdp 'eBPF cannot\|bpf = false\|does not load'; then
	skip "this kernel or container allows no eBPF"
fi
ok "the program stands in the driver" layer_is guard-xdp o0:native
ok "and at the TUN device" layer_has guard-inner 'tcx\|clsact'
oc_connect a
ok "its hello had the id of a session" count_above hello_known 0
ok "its datagrams are those of a known client" wait_until 5 count_above udp_known 0
id=$(sed -n 's/.*X-DTLS-App-ID: \([0-9a-f]*\).*/\1/p' "$T/a/log" | tail -n 1)
under garbage $gw4 malformed
under data $gw4 udp_total_limited
under hello $gw6 udp_total_limited
under replay $gw4 hello_limited
ok "SYN cookies are as they were" syncookies_are "$cookies_before"
under syn $gw4 syn_total_limited 4 # seconds: a SYN comes again after one
ok "SYN cookies are on" syncookies_are 2
ok "logins came in at their second SYN" count_above syn_second 0

# Many connections of one address: its own, nobody else's.
ip -n "$cl" addr add 198.51.100.66/24 dev o0
spawn "$cl" "$T/connections" timeout 20 "$flood" syn o0 "$mac" $gw4 443 20 $rate 198.51.100.66
one=$spawned
ok "one address: its SYN are dropped" wait_until 5 count_above syn_limited 1000
ok "one address: others log in" all_get_in
kill -s TERM "$one" 2>/dev/null || true
wait "$one" 2>/dev/null || true

# What the guard decides is in the kernel's list, too. Connections that are dropped there end by curl's patience.
reaches() { in_cl curl -s -k -o /dev/null --interface "$1" --connect-timeout "${2:-5}" --max-time 10 $url4; }
ok "one address: it is served" wait_until 10 reaches 198.51.100.66
ok "one address is blocked by the administrator" in_occtl block 198.51.100.66
before=$(count blocked)
ok "it gets no answer" not reaches 198.51.100.66 1
ok "because the kernel drops it" count_above blocked "$before"
ok "others are served" reaches $cl4
ok "a larger network with our own tunnel in it is blocked" in_occtl block 198.51.100.0/28
ok "new connections are dropped" not reaches $cl4 1
ok "the tunnel goes on" tunnel_works
keeper=$(status "[p['pid'] for p in d['Processes'] if p['name'] == 'keeper'][0]")
kill -s KILL "$keeper"
ok "a new keeper: the program stays" wait_until 10 layer_is guard-xdp o0:native
ok "a new keeper: blocked is blocked" not reaches 198.51.100.66 1
ok "unblocked" in_occtl unblock 198.51.100.66
ok "it is served again" wait_until 5 reaches 198.51.100.66
ok "unblocked, the network, too" in_occtl unblock 198.51.100.0/28
ok "a new keeper: logins" wait_until 15 log_in
ok "a new keeper: the tunnel works" tunnel_works
ok "what clients sent was counted inside, too" count_above inner 100
ok "and none of it was spoofed" equal "$(count inner_spoofed)" 0

oc_stop a
server_stop
ok "the program went with the server" not eval "ip -n $gw link show o0 | grep xdp"
ok "SYN cookies are as they were" syncookies_are "$cookies_before"

# {{ killed, generic, foreign, without }}

server_start "+guard-interfaces=auto" guard-xdp=generic
ok "generic, all interfaces with an address" layer_is guard-xdp "o0:generic o1:generic"
oc_connect b
ok "generic: the tunnel works" tunnel_works
oc_stop b
kill -s KILL "$server_pid"
wait "$server_pid" 2>/dev/null || true
ok "the program goes with a server that is killed" wait_until 5 not eval "ip -n $gw link show o0 | grep xdp"
ok "and its processes" wait_until 10 gw_is_empty

# The least program that there is: it lets everything pass.
in_gw /usr/bin/python3 "$here/foreign_xdp.py" o0
ok "somebody else's program is there" has <(ip -n "$gw" -d link show o0) xdp
foreign=$(ip -n "$gw" -d link show o0 | grep -o 'prog/xdp id [0-9]*')
server_start "+guard-interfaces=o0" "+guard-interfaces=nosuch0"
ok "it is left alone, and occtl says so" layer_has guard-xdp 'o0:off (.*another program'
ok "an interface that is not there is named" layer_has guard-xdp 'nosuch0:off (no such interface)'
ok "somebody else's program is there still" equal "$(ip -n "$gw" -d link show o0 | grep -o 'prog/xdp id [0-9]*')" "$foreign"
ok "a login works" log_in
server_stop
ok "somebody else's program is there after us" equal "$(ip -n "$gw" -d link show o0 | grep -o 'prog/xdp id [0-9]*')" "$foreign"
ip -n "$gw" link set o0 xdp off

server_program() { echo "$T/no_bpf"; }
printf '#!/bin/sh\nexec setpriv --bounding-set -bpf,-sys_admin,-perfmon %s/bin/ocserv-modern "$@"\n' "$BUILD_DIR" >"$T/no_bpf"
chmod 755 "$T/no_bpf"
server_start "+guard-interfaces=o0"
ok "without privileges: the server runs and says so" layer_has guard-xdp 'off (.*eBPF cannot be used'
ok "without privileges: the same of the TUN device" layer_has guard-inner 'off (.*eBPF cannot be used'
ok "without privileges: a line in the log" has "$T/server.log" 'guard.off layer=guard-xdp'
ok "without privileges: logins" log_in
oc_connect c
ok "without privileges: the tunnel works" tunnel_works
oc_stop c
server_stop
