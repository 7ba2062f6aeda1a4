#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# clients.sh - the dialogues of Cisco's clients on each platform, of openconnect new and old, and of others, played byte for byte
# (tests/clients/), in every manner that must not matter: cut to single bytes, headers in another order, a connection for each
# request. Each header and element of each answer is checked. The network is drawn in lib.sh.
#
#   DIALOGUES="ios android" MANNERS=plain ./clients.sh   some of it
#   SERVER=ocserv ./clients.sh                           where Debian's ocserv answers otherwise, as a list
. "$(dirname "$0")/lib.sh"

read -ra dialogues <<<"${DIALOGUES:-}"
readonly play=$here/../clients/play.py

# plays TEXT SERVER [OPTION...]: the dialogues for this configuration.
plays() {
	local text=$1 server=$2 compare=()
	shift 2
	is_ours || compare=(--compare)
	if in_cl /usr/bin/python3 "$play" --to $gw4 --to6 $gw6 --ca "$T/ca.pem" --user test --password "$password" \
		--server "$server" "${compare[@]}" "$@" "${dialogues[@]}"; then
		echo "ok   $text"
	else
		fail "$text"
	fi
}

add_user test -g staff,guests

server_start '+select-group=staff[The staff]' '+select-group=guests[Our guests]' 'banner="Mind the gap"' \
	'pre-login-banner="Members only"' +dns=203.0.113.2 +dns=2001:db8:2::2 +nbns=203.0.113.3 +split-dns=example.test \
	+split-dns=corp.example.test default-domain=example.test +no-route=203.0.113.128/255.255.255.128 \
	'+included-http-headers=Strict-Transport-Security: max-age=31536000' '+custom-header=X-Custom: yes' \
	idle-timeout=1200 mobile-idle-timeout=1200 session-timeout=36000
plays "split tunnel, in every manner" split --jobs 8 --manners "${MANNERS:-all}"
nothing_died
server_stop

server_start -route +dns=203.0.113.2 +dns=2001:db8:2::2
plays "default route, in every manner" all --jobs 8 --manners "${MANNERS:-all}"
nothing_died
server_stop

server_start cisco-svc-client-compat=true
plays "IP phones" svc
nothing_died
server_stop

server_start dtls-prestandard=true
plays "the DTLS of before the standard" prestandard
nothing_died
server_stop

server_start cookie-timeout=8
plays "life of the cookie after each kind of end" life --jobs 0
nothing_died
server_stop
