#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# host.sh - what sessions do to the host: entries of utmp and wtmp, routes by commands of the administrator, sockets in another
# network namespace, statistics that begin anew, scripts that a reload adds. The network is drawn in lib.sh.
#
# The files of utmp are the test's own: it runs in a mount namespace.
[ -n "${OCM_OWN_MOUNTS:-}" ] || OCM_OWN_MOUNTS=1 exec unshare -m --propagation slave bash "$0" "$@"
. "$(dirname "$0")/lib.sh"
is_ours || skip "looks into our log, and our own namespaces"

files=$T/users
mkdir -p "$files"
chmod 755 "$T" "$files"
log_has() { has "$T/server.log" "$1"; }
pid_of() { in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'].startswith('$1')][0]"; }
new_pid() { not equal "$(pid_of "$1")" "$2"; }
reload() { in_occtl reload >/dev/null; }

own_utmp() {
	: >"$T/utmp"
	: >"$T/wtmp"
	mkdir -p /run /var/log
	[ -e /run/utmp ] || touch /run/utmp
	[ -e /var/log/wtmp ] || touch /var/log/wtmp
	mount --bind "$T/utmp" /run/utmp
	mount --bind "$T/wtmp" /var/log/wtmp
}
dump() { utmpdump "$T/$1" 2>>"$T/utmpdump.err"; }
entries() { dump "$1" | grep -c "$2" || true; }
entries_are() { equal "$(entries "$1" "$2")" "$3"; }
who_is_in() { who "$T/utmp"; }

utmp() {
	local id line
	oc_user=bob oc_connect bob --no-dtls
	id=$(user bob "u['ID']")
	line="\[bob *\] \[vpns0:$id *\] \[$cl4"
	ok "utmp: the session is in it" wait_until 5 entries_are utmp "^\[7\].*$line" 1
	ok "utmp: who(1) shows it" has <(who_is_in) "^bob *vpns0:$id .*($cl4)"
	ok "wtmp: its begin" entries_are wtmp "^\[7\].*$line" 1
	oc_user=test oc_connect other --no-dtls
	ok "utmp: two" wait_until 5 entries_are utmp '^\[7\]' 2
	oc_stop bob
	ok "utmp: gone with the session" wait_until 5 entries_are utmp "^\[7\].*bob" 0
	ok "utmp: the other stays" entries_are utmp "^\[7\].*test" 1
	ok "wtmp: its end" entries_are wtmp "^\[8\].*vpns0:$id " 1
	kill -s KILL "$server_pid"
	wait "$server_pid" 2>/dev/null || true
	wait_until 5 gw_is_empty >"$T/last" || fail "its children live on"
	rm -f "$T/occtl.socket"
	oc_kill other
	ok "utmp: what a killed server leaves" entries_are utmp '^\[7\]' 1
	server_start "${config[@]}"
	ok "utmp: the next one clears it" entries_are utmp '^\[7\]' 0
	ok "utmp: and says so" log_has 'utmp.cleared n=1'
}

routes() {
	printf '%s\n' 'iroute = 10.88.0.0/24' 'iroute = fd88::/64' >"$files/bob"
	oc_user=bob oc_connect bob --no-dtls
	ok "commands: the IPv4 route, with its mask" wait_until 5 has "$T/routes" '^add 10.88.0.0/255.255.255.0 10.88.0.0/24 vpns0$'
	ok "commands: the IPv6 route" wait_until 5 has "$T/routes" '^add fd88::/64 fd88::/64 vpns0$'
	ok "commands: the route is there" wait_until 5 has_route 10.88.0.0/24
	ok "commands: nobody else made one" not has_route6 fd88::/64
	oc_stop bob
	ok "commands: removed" wait_until 5 has "$T/routes" '^del 10.88.0.0/255.255.255.0 10.88.0.0/24 vpns0$'
	ok "commands: the route is gone" wait_until 5 not has_route 10.88.0.0/24
	oc_user=bob oc_connect bob --no-dtls
	ok "commands: added again" wait_until 5 has_route 10.88.0.0/24
	server_stop
	ok "commands: at the end all that was added is removed" equal "$(grep -c ^add "$T/routes")" "$(grep -c ^del "$T/routes")"
	oc_kill bob
	rm "$files/bob"
}
has_route() { [ -n "$(ip -n "$gw" route | grep "^$1 dev vpns")" ]; }
has_route6() { [ -n "$(ip -n "$gw" -6 route | grep "^$1 dev vpns")" ]; }

# The sockets are in the namespace "front", to which the client is moved by a second cable.
elsewhere() {
	ip netns add "$front"
	ip link add f0 netns "$cl" type veth peer name f0 netns "$front"
	address "$cl" f0 192.0.2.2/24
	address "$front" f0 192.0.2.1/24
	ip -n "$front" link set lo up
	# server_start asks at the address of the others
	ip -n "$front" link add d0 type dummy
	make_config "$T/server.conf" "listen-netns=$front" route=203.0.113.0/24
	[ ! -e "$T/server.log" ] || mv "$T/server.log" "$T/server.before.log"
	spawn "$gw" "$T/server.log" "$(server_program)" -f -c "$T/server.conf"
	server_pid=$spawned
	ok "netns: the server is ready" wait_until 20 log_has 'server.ready'
	ok "netns: it listens there" has <(ip netns exec "$front" ss -Hlnt) ':443 '
	ok "netns: and not here" equal "$(in_gw ss -Hlntu 'sport = :443')" ""
	ok "netns: the device is here" has <(ip -n "$gw" -o link) ': vpns0'
	oc_url=https://192.0.2.1/ oc_start far --servercert "pin-sha256:$(pin)"
	ok "netns: the tunnel opens" oc_wait far
	ok "netns: DTLS is up" wait_until 15 oc_has_dtls far
	ok "netns: packets go to the host" pings "$cl" $host4
	oc_stop far
	nothing_died
	server_stop
	ip netns del "$front"
	make_config "$T/server.conf" "listen-netns=no-such-namespace"
	ok "netns: a missing one ends the start" not in_gw timeout 10 "$(server_program)" -f -c "$T/server.conf"
	ok "netns: with its name and a cure" has "$T/last" 'listen.netns /run/netns/no-such-namespace: No such file.*ip netns add'
}
pin() { openssl x509 -in "$T/server.pem" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64; }
readonly front=ocm-front-$$
trap 'ip netns del "$front" 2>/dev/null; cleanup' EXIT

statistics() {
	server_start server-stats-reset-time=4
	vpn login test wrong >/dev/null
	ok "statistics: a failure" at_least "$(status 'Total authentication failures')" 1
	ok "statistics: they begin anew" wait_until 10 period_began_later
	ok "statistics: no failure in the new period" wait_until 10 equal_status 'Authentication failures' 0
	ok "statistics: totals go on" at_least "$(status 'Total authentication failures')" 1
}
status() { in_occtl show status | json "d['$1']"; }
equal_status() { equal "$(status "$1")" "$2"; }
period_began_later() { more "$(status raw_last_stats_reset)" "$(status raw_up_since)"; }

scripts_by_reload() {
	printf '#!/bin/sh\nexit 0\n' >"$T/script"
	chmod 755 "$T/script"
	make_config "$T/server.conf" "connect-script=$T/script"
	reload
	ok "a reload that adds the first script says what it lacks" wait_until 5 log_has 'reload.restart_needed scripts: .*NET_RAW'
	nothing_died
	server_stop
}

add_user bob
own_utmp
add='echo add %{R} %{RI} %{D} >>'"$T"'/routes; case %{RI} in *:*) ;; *) ip route add %{RI} dev %{D} ;; esac'
del='echo del %{R} %{RI} %{D} >>'"$T"'/routes; case %{RI} in *:*) ;; *) ip route del %{RI} dev %{D} ;; esac'
config=("config-per-user=$files" use-utmp=true "route-add-cmd=$add" "route-del-cmd=$del")
server_start "${config[@]}"
if command -v utmpdump >/dev/null; then utmp; else echo "left out: no utmpdump"; fi
routes
statistics
scripts_by_reload
elsewhere
