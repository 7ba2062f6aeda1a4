#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tickets.sh - TLS sessions are resumed by tickets: at any worker, after a worker died, in TLS 1.2 and 1.3; not at another virtual
# host, not with a changed ticket, not where it is switched off; no early data. Also what else a handshake settles: ALPN,
# renegotiation, OCSP stapling, the hybrid key exchange. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"

is_ours || skip "checks our own events and counters"
need gnutls-cli

readonly alpha=alpha.example.test

# client OPTION...: the words of a handshake are in $T/client. A moment for the tickets of TLS 1.3.
client() {
	sleep 0.3 | in_cl timeout 10 openssl s_client -connect $gw4:443 "$@" >"$T/client" 2>&1
}
new_session() {
	rm -f "$T/session"
	wait_until 10 ticket_comes "$@"
}
ticket_comes() { client -sess_out "$T/session" "$@" && has "$T/client" '^New,' && [ -s "$T/session" ]; }
resumes() { client -sess_in "$T/session" "$@" && has "$T/client" '^Reused,'; }
begins_anew() { client -sess_in "$T/session" "$@" && has "$T/client" '^New,'; }

# times that worker $1 has resumed one
resumed_by() { in_occtl show stats | json "d['workers'][$1]['tls_resumed']"; }
resumed() { stat tls_resumed; }
resumed_is() { equal "$(resumed)" "$1"; }

# Connections go to either worker by chance: until each has resumed the session that one of them made.
resumed_by_both() {
	local i
	for i in {1..30}; do
		resumes "$@" || return 1
		[ "$(resumed_by 0)" = 0 ] || [ "$(resumed_by 1)" = 0 ] || return 0
	done
	echo "worker0 $(resumed_by 0), worker1 $(resumed_by 1)"
	return 1
}

everywhere() {
	ok "TLS 1.2: a session with a ticket" new_session -tls1_2
	ok "TLS 1.2: both workers resume it" resumed_by_both -tls1_2
	ok "TLS 1.3: a session with a ticket" new_session -tls1_3
	ok "TLS 1.3: it is resumed" resumes -tls1_3
	ok "TLS 1.3: and again" resumes -tls1_3
	ok "GnuTLS resumes too" in_cl gnutls-cli --x509cafile "$T/ca.pem" -r -p 443 $gw4 </dev/null
}

not_elsewhere() {
	ok "alpha: a session of its own" new_session -tls1_3 -servername $alpha
	ok "alpha: is resumed there" resumes -tls1_3 -servername $alpha
	ok "alpha: not at the default host" begins_anew -tls1_3 -servername other.example.test
	ok "TLS 1.2: a session of alpha" new_session -tls1_2 -servername $alpha
	ok "TLS 1.2: is resumed there" resumes -tls1_2 -servername $alpha
	ok "TLS 1.2: not at the default host" begins_anew -tls1_2 -servername other.example.test
	ok "TLS 1.2: not at a virtual host without tickets" begins_anew -tls1_2 -servername none.example.test
	ok "a host without tickets gives none" client -tls1_3 -servername none.example.test
	ok "... in TLS 1.3" not has "$T/client" 'New Session Ticket arrived\|Post-Handshake'
}

# One bit of the ticket is another: a full handshake, no error.
spoilt() {
	ok "spoilt: a session" new_session -tls1_2
	/usr/bin/python3 "$here/spoil.py" "$T/session"
	ok "spoilt: a changed ticket begins anew" begins_anew -tls1_2
}

survives() {
	local pid
	ok "a session before a worker dies" new_session -tls1_3
	for pid in $(server_pids | tr ' ' '\n' | sed -n 's/^worker[01]://p'); do
		kill -s KILL "$pid"
	done
	ok "both workers are new" wait_until 10 both_new
	ok "its ticket is good at their successors" wait_until 10 resumes -tls1_3
	pid=$(server_pids | tr ' ' '\n' | sed -n 's/^keeper://p')
	kill -s KILL "$pid"
	ok "a new keeper has new keys: a full handshake" wait_until 10 begins_anew -tls1_3
	ok "and new tickets" wait_until 10 new_session -tls1_3
	ok "that are resumed" resumes -tls1_3
}
both_new() { [ "$(grep -c 'worker[01].*config\.in_force' "$T/server.log")" -ge 4 ] && server_answers; }

# RFC 8446 8: early data can be replayed.
early_data() {
	printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' >"$T/early"
	ok "early: a session" new_session -tls1_3
	openssl sess_id -in "$T/session" -noout -text >"$T/early.txt" 2>&1 || true
	ok "early: the ticket permits none" has "$T/early.txt" 'Max Early Data: 0'
	ok "early: what is sent anyway is not taken" not early_taken
}
early_taken() {
	client -sess_in "$T/session" -tls1_3 -early_data "$T/early" || true
	has "$T/client" 'Early data was accepted'
}

alpn() {
	ok "ALPN: http/1.1 out of several" client -alpn h2,http/1.1
	ok "... is chosen" has "$T/client" 'ALPN protocol: http/1.1'
	ok "ALPN: only h2: goes on without" client -alpn h2
	ok "... chosen is none" has "$T/client" 'No ALPN negotiated'
	ok "ALPN: the same in TLS 1.2" client -tls1_2 -alpn http/1.1,h2
	ok "... is chosen" has "$T/client" 'ALPN protocol: http/1.1'
}

renegotiation() {
	{
		sleep 0.5
		echo R
		sleep 1
	} | in_cl timeout 10 openssl s_client -connect $gw4:443 -tls1_2 >"$T/client" 2>&1 || true
	ok "secure renegotiation is indicated" has "$T/client" 'Secure Renegotiation IS supported'
	ok "a client's renegotiation is refused" has "$T/client" 'no renegotiation\|unexpected message\|handshake failure\|unexpected eof'
	ok "... and was asked for" has "$T/client" RENEGOTIATING
	ok "the server goes on" client -tls1_2
}

# The key exchange that quantum computers do not break; Debian 12's OpenSSL and GnuTLS do not have it, ocload does.
hybrid() {
	echo "$password" >"$T/password"
	spawn "$cl" "$T/ocload.log" "$BUILD_DIR/bin/ocload" idle -q -s "$gw4" --tls -n 1 -d 30 --insecure -u test --password-file "$T/password"
	local pid=$spawned
	ok "X25519MLKEM768 is agreed" wait_until 20 hybrid_is_used
	end "$pid" INT 10 || true
	ok "ocload is gone" wait_until 10 users_are 0
}
hybrid_is_used() { user test "u['TLS ciphersuite']" | tee "$T/suite" | grep -q MLKEM768; }

# respond NAME DAYS STATUS: an OCSP response of the test's authority for server.pem
respond() {
	local serial status=$3
	serial=$(openssl x509 -in "$T/server.pem" -noout -serial | sed 's/.*=//')
	if [ "$status" = V ]; then
		printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=s\n' "$serial" >"$T/index.txt"
	else
		printf 'R\t491231235959Z\t250101000000Z\t%s\tunknown\t/CN=s\n' "$serial" >"$T/index.txt"
	fi
	openssl ocsp -issuer "$T/ca.pem" -cert "$T/server.pem" -reqout "$T/ocsp.req" >/dev/null 2>&1
	openssl ocsp -index "$T/index.txt" -CA "$T/ca.pem" -rsigner "$T/ca.pem" -rkey "$T/ca-key.pem" -reqin "$T/ocsp.req" \
		-respout "$T/$1.new" "${2:+-nmin}" "${2:-}" >/dev/null 2>&1 ||
		openssl ocsp -index "$T/index.txt" -CA "$T/ca.pem" -rsigner "$T/ca.pem" -rkey "$T/ca-key.pem" \
			-reqin "$T/ocsp.req" -respout "$T/$1.new" >/dev/null 2>&1
	mv "$T/$1.new" "$T/$1"
}
staples() { client -status "$@" && has "$T/client" 'Cert Status: good'; }
staples_none() { client -status "$@" && has "$T/client" 'OCSP response: no response sent'; }

stapling() {
	ok "OCSP: stapled in TLS 1.3" wait_until 5 staples -tls1_3
	ok "OCSP: stapled in TLS 1.2" staples -tls1_2
	ok "OCSP: not to who does not ask" client -tls1_3
	ok "OCSP: GnuTLS verifies it" in_cl gnutls-cli --x509cafile "$T/ca.pem" -p 443 $gw4 </dev/null
	ok "OCSP: not with another certificate" staples_none -tls1_3 -servername $alpha
	ok "OCSP: the response has expired: none, a warning" wait_until 90 has "$T/server.log" 'ocsp.expired'
	ok "OCSP: TLS 1.3 goes on without" staples_none -tls1_3
	ok "OCSP: TLS 1.2 goes on without" staples_none -tls1_2
	respond ocsp.der 60 V
	ok "OCSP: renewed, it is read by itself" wait_until 60 staples -tls1_3
	respond ocsp.der 60 R
	kill -s HUP "$server_pid"
	ok "OCSP: a response that says revoked is refused" wait_until 10 has "$T/server.log" 'says that the certificate is revoked'
	ok "OCSP: ... the good one stays" staples -tls1_3
}

alpha_section() {
	cat <<-END
		[vhost:$alpha]
		server-cert = $T/alpha.pem
		server-key = $T/alpha-key.pem
		[vhost:none.example.test]
		tls-priorities = "NORMAL:%NO_TICKETS"
	END
}

make_certificate alpha "/CN=$alpha"
respond ocsp.der 1 V
config_tail=$(alpha_section)
server_start workers=2 ocsp-response="$T/ocsp.der"
everywhere
not_elsewhere
spoilt
early_data
alpn
renegotiation
hybrid
stapling
nothing_died
survives
server_stop
