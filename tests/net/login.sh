#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# login.sh - dialects of the login: forms without XML, groups, banners; rekeying and timers of the session that follows. The network
# is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"

is_ours || skip "checks our own events and counters"

ping_host() {
	ok "$1: ping to the host" wait_until 10 pings "$cl" $host4
}

group_is() { equal "$(user test "u['Groupname']")" "$1"; }

dialects() {
	oc_connect plainform --no-xmlpost --no-dtls --authgroup "The staff"
	ping_host plainform
	oc_stop plainform
	ok "plainform: the session is gone" wait_until 5 users_are 0

	oc_connect grouped --no-dtls --authgroup "The staff"
	ok "grouped: the group of the label" group_is staff
	ok "grouped: the banner is shown" has "$T/grouped/log" "Mind the gap"
	ok "grouped: the banner before the login too" has "$T/grouped/log" "Members only"
	oc_stop grouped
	ok "grouped: the session is gone" wait_until 5 users_are 0

	oc_start stranger --no-dtls --authgroup guests
	ok "stranger: a group the user is not in: refused" wait_until 20 not oc_is_alive stranger
	ok "stranger: no session" users_are 0
}

reconnects_more() { more "$(oc_times "$1" reconnect)" "$2"; }

rekeying() {
	oc_connect renewing
	ok "renewing: the client makes a new tunnel when it is time" wait_until 90 reconnects_more renewing 0
	ok "renewing: it is one session" wait_until 5 users_are 1
	ping_host renewing
	ok "renewing: DTLS is up again" wait_until 20 stat_above dtls_handshakes 1
	ok "renewing: one login" stat_is auth_ok 1
	oc_stop renewing
}

# The server renews the keys of TLS 1.3 by itself, again and again, and the client does not notice.
key_update() {
	local before
	oc_connect updating --no-dtls
	before=$(stat tls_rekeys)
	ok "updating: the server renews the keys" wait_until 20 stat_above tls_rekeys $((before + 2))
	ping_host updating
	ok "updating: the client did not reconnect" equal "$(oc_times updating reconnect)" 0
	oc_stop updating
}

timers() {
	oc_connect idle --no-dtls
	ok "idle: the server ends it" wait_until 20 not oc_is_alive idle
	ok "idle: and says so" has "$T/idle/log" "server disconnect"
	ok "idle: the session is gone" wait_until 5 users_are 0

	oc_connect busy --no-dtls
	spawn "$cl" "$T/busy.ping" ping -i 0.5 $host4
	ok "busy: pings do not keep it" wait_until 20 not oc_is_alive busy
	ok "busy: the session is gone" wait_until 5 users_are 0
}

session_timeout() {
	oc_connect timed --no-dtls
	ok "timed: the server ends it when its time is up" wait_until 25 not oc_is_alive timed
	ok "timed: its cookie is gone too" wait_until 5 cookies_are 0
}
cookies_are() { equal "$(in_occtl show status | json "d['Sec-mod client entries']")" "$1"; }

# The client's machine vanishes: DPD finds it.
dead_peer() {
	oc_connect silent --no-dtls
	ip -n "$cl" link set o0 down
	ok "silent: DPD ends the session of a client that is gone" wait_until 30 stat_above dpd_timeouts 0
	ok "silent: the session is gone" wait_until 5 users_are 0
	ip -n "$cl" link set o0 up
	ip -n "$cl" addr add $cl6/64 dev o0 nodad 2>/dev/null || true
	oc_kill silent
}

add_user test -g staff
server_start '+select-group=staff[The staff]' '+select-group=guests' 'banner="Mind the gap"' \
	'pre-login-banner="Members only"'
dialects
server_stop
server_start rekey-time=12 rekey-method=new-tunnel
rekeying
server_stop
server_start rekey-time=2 rekey-method=ssl
key_update
server_stop
server_start idle-timeout=5
timers
server_stop
server_start session-timeout=8
session_timeout
server_stop
server_start dpd=3
dead_peer
server_stop
