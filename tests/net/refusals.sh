#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# refusals.sh - who may not in is told so by the right HTTP status, and after each refusal a right login works. The network is
# drawn in lib.sh. The statuses are those of protocol.md 4.4 and 11.
. "$(dirname "$0")/lib.sh"

# login PASSWORD...: the lines of vpn.py, joined: "200 form|200 form|401 |"
login() { vpn login "$user" "$@" | sed 's/^200 [A-Za-z0-9+/=]\{20,\}$/200 cookie/' | tr '\n' '|'; }
login_is() {
	local want=$1
	shift
	equal "$(login "$@")" "$want"
}

# opens COOKIE STATUS
opens() { [[ $(vpn connect "$1") == "$2 "* ]]; }
cookie_of() { vpn login "$1" "$password" | sed -n 's/^200 \([^ ]\{20,\}\)$/\1/p'; }

# oc_refused NAME: it ends by itself with an error.
oc_refused() {
	wait_until 20 not oc_is_alive "$1" || return 1
	! wait "$(oc_pid "$1")"
}

# A client of XML is told by a document without a form; ocserv says 401.
refusal='200 '
is_ours || refusal='401 '

user="test"
right_login() {
	oc_connect "$1" --no-dtls
	ok "$1: ping to the host" pings "$cl" $host4
}

wrong_password() {
	if is_ours; then # Debian's ocserv forgets that the second was right
		ok "one wrong password, then the right one on the same connection" login_is '200 form|200 cookie|' wrong "$password"
		ok "an empty password" login_is '200 form|200 cookie|' '' "$password"
	fi
	ok "three wrong passwords: the end" login_is "200 form|200 form|$refusal|" wrong 'also wrong' "${password}x"
	ok "an unknown user: the end after three" eval "user=nobody login_is '200 form|200 form|$refusal|' a b c"
	oc_password=wrong
	oc_start wrong
	ok "openconnect with a wrong password ends with an error" oc_refused wrong
	oc_password=$password
	right_login after_wrong
	oc_stop after_wrong
	ok "it is gone" wait_until 5 users_are 0
}

locked_user() {
	user=locked
	ok "a locked user: the end after three right passwords" login_is "200 form|200 form|$refusal|" "$password" "$password" "$password"
	oc_user=locked
	oc_start locked
	ok "openconnect of a locked user ends with an error" oc_refused locked
	ocpasswd -c "$T/ocpasswd" -u locked
	ok "unlocked: the user logs in, without a reload" wait_until 5 login_is '200 cookie|' "$password"
	right_login after_locked
	ocpasswd -c "$T/ocpasswd" -l locked
	ok "locked: the session goes on" pings "$cl" $host4
	ok "locked again: no login" wait_until 5 login_is '200 form|' "$password"
	oc_stop after_locked
	ok "it is gone" wait_until 5 users_are 0
	oc_user="test"
	user="test"
}

no_cookie_left() { equal "$(in_occtl show status | json "d['Sec-mod client entries']")" 0; }

wrong_cookies() {
	local cookie
	ok "CONNECT without a login: 401" opens 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' 401
	cookie=$(cookie_of test)
	if is_ours; then # Debian's ocserv closes without a word
		ok "CONNECT with an empty cookie: 401" opens '' 401
		ok "CONNECT with no base64: 401" opens '%%%%' 401
		ok "CONNECT with a part of a cookie: 401" opens "${cookie:0:20}" 401
		ok "CONNECT with a cookie and more: 401" opens "${cookie}AAAA" 401
	fi
	ok "CONNECT with the cookie itself: 200" opens "$cookie" 200
}

# The server has cookie-timeout=3.
expired_cookie() {
	oc_cookie
	if is_ours; then
		ok "cookies expire" wait_until 25 no_cookie_left
	else
		sleep 20
	fi
	ok "CONNECT with an expired cookie: 401" opens "$oc_cookie" 401
	oc_start expired --cookie="$oc_cookie"
	ok "openconnect with an expired cookie ends with an error" oc_refused expired
	oc_cookie
	right_login_by_cookie
}

right_login_by_cookie() {
	oc_connect by_cookie --no-dtls --cookie="$oc_cookie"
	ok "by_cookie: ping to the host" pings "$cl" $host4
	oc_stop by_cookie
	ok "it is gone" wait_until 5 users_are 0
}

# The server has max-same-clients=1.
same_clients() {
	local cookie
	oc_connect first --no-dtls
	cookie=$(cookie_of test)
	ok "a second session of the user: 401" opens "$cookie" 401
	ok "the first one goes on" pings "$cl" $host4
	oc_user=other
	right_login other
	oc_user="test"
	ok "another user's does not count" users_are 2
	oc_stop other
	oc_stop first
	ok "both are gone" wait_until 5 users_are 0
	ok "then the second may in" opens "$(cookie_of test)" 200
	# A reconnect replaces its own session and is not a second one. The old client is stopped: it must not come back in turn.
	oc_cookie
	oc_connect before --no-dtls --cookie="$oc_cookie"
	kill -s STOP "$(oc_pid before)"
	oc_connect again --no-dtls --cookie="$oc_cookie"
	ok "it has the address of the one it replaced" equal "$(oc_ip4 again)" "$(oc_ip4 before)"
	ok "and replaced it" wait_until 5 users_are 1
	oc_kill before
	ok "again: ping to the host" wait_until 5 pings "$cl" $host4 -I "$(oc_value again TUNDEV)"
	oc_stop again
	ok "it is gone" wait_until 5 users_are 0
}

# The server has ipv4-network 10.77.1.0/30: itself and one client.
exhausted_pool() {
	local cookie
	oc_connect only --no-dtls
	cookie=$(cookie_of other)
	if is_ours; then # Debian's ocserv says 401
		ok "no address left: 503" opens "$cookie" 503
		ok "X-Reason says it" eval "vpn connect '$cookie' | grep -i address"
	fi
	ok "the first one goes on" pings "$cl" $host4
	ok "occtl disconnect" in_occtl disconnect user test
	ok "the client ends" wait_until 10 not oc_is_alive only
	ok "then the address is free: 200" wait_until 5 opens "$cookie" 200
	ok "occtl disconnect" wait_until 5 users_are 0
}

# The server has max-clients=1.
max_clients() {
	local cookie
	oc_connect one --no-dtls
	if is_ours; then
		cookie=$(cookie_of other)
		ok "one session too many: $1" opens "$cookie" "$1"
	fi
	ok "the first one goes on" pings "$cl" $host4
	oc_stop one
	ok "it is gone" wait_until 5 users_are 0
	oc_user=other
	right_login later
	oc_user="test"
	oc_stop later
}

add_user locked
ocpasswd -c "$T/ocpasswd" -l locked
add_user other

server_start
wrong_password
locked_user
wrong_cookies
if is_ours; then
	ok "failed logins are counted" stat_above auth_failed 6
	ok "refused tunnels are counted" stat_above connect_refused 4
fi
nothing_died
server_stop

server_start cookie-timeout=3
expired_cookie
nothing_died
server_stop

server_start max-same-clients=1
same_clients
nothing_died
server_stop

server_start ipv4-network=10.77.1.0/30 -ipv6-network
exhausted_pool
nothing_died
server_stop

server_start max-clients=1
max_clients 503
nothing_died
server_stop
