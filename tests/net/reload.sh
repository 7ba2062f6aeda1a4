#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# reload.sh - SIGHUP and occtl reload while clients have traffic: a new certificate, new settings for new sessions, broken files
# that are refused whole. From the first to the last reload no session is dropped and no packet is lost.
# The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_many.sh"

readonly conf=$T/server.conf

# The subjects of the certificates that six new connections get, each once: mostly both workers are asked.
presented() {
	local i
	for i in {1..6}; do
		in_gw openssl s_client -connect $gw4:443 </dev/null 2>/dev/null | sed -n 's/^subject=//p'
	done | sort -u
}
presents() { equal "$(presented)" "$1"; }

# hup TEXT: SIGHUP, and the new generation is in force
hup() {
	local n
	n=$(log_times 'reload\.done')
	kill -s HUP "$server_pid"
	ok "$1: SIGHUP, the new configuration is in force" wait_until 10 log_has_more 'reload\.done' $((n + 1))
	ok "$1: in both workers" wait_until 5 log_has_more 'worker[01].*config\.in_force' $((2 * (n + 2)))
}

# hup_refused TEXT PATTERN...: SIGHUP, and each pattern is in the log since then; occtl says the same and exits 1.
hup_refused() {
	local text=$1 kept pattern
	shift
	kept=$(log_times 'reload\.kept')
	wc -l <"$T/server.log" >"$T/lines"
	kill -s HUP "$server_pid"
	ok "$text: SIGHUP is refused" wait_until 10 log_has_more 'reload\.kept' $((kept + 1))
	tail -n +"$(($(cat "$T/lines") + 1))" "$T/server.log" >"$T/since"
	not in_occtl reload >"$T/occtl" 2>&1 || fail "$text: occtl reload exits 0"
	for pattern in "$@"; do
		ok "$text: the log tells $pattern" has "$T/since" "$pattern"
		ok "$text: occtl reload exits 1 and tells it too" has "$T/occtl" "$pattern"
	done
	ok "$text: the old configuration is in force" still_the_old
}
still_the_old() { presents "CN = new.example.test" && new_session_sees after && equal "$(users_n)" $clients; }

# new_session_sees NAME: a new session has the settings of the second configuration.
new_session_sees() {
	local log=$T/$1/log
	mc_cookies 1
	mc_start "$1" "${cookies[0]}"
	mc_names=("${mc_names[@]:0:$clients}")
	wait_until 10 has "$log" 'DTLS initialised\|Configured as' || return 1
	oc_stop "$1"
	has "$T/complete.xml" '<banner>hello</banner>' && has "$log" 'X-CSTP-DNS: 192.0.2.53' && wait_until 5 users_are $clients
}

new_certificate() {
	ok "the first certificate is presented" presents "CN = vpn.example.test"
	make_certificate server "/CN=new.example.test"
	hup "new certificate"
	ok "new certificate: each new connection gets it" presents "CN = new.example.test"
	ok "new certificate: all sessions are there" users_are $clients
}

new_settings() {
	make_config "$conf" "${base[@]}" banner='"hello"' dns=192.0.2.53
	hup "new banner and DNS"
	ok "new banner and DNS: a new session has them" new_session_sees later
	ok "new banner and DNS: the old ones were told nothing" not grep -q 'hello' "$T/c0/log"
	ok "new banner and DNS: all sessions are there" users_are $clients
}

good() { make_config "$conf" "${base[@]}" banner='"hello"' dns=192.0.2.53 "$@"; }
line() { grep -n -m 1 -e "$1" "$conf" | cut -d: -f1; }

broken_files() {
	good
	printf 'no-such-option = 1\ndpd = many\n' >>"$conf"
	hup_refused "unknown option, bad value" "server.conf:$(line no-such-option)" "server.conf:$(line 'dpd = many')"
	good -server-cert +server-cert="$T/nothing.pem"
	hup_refused "no certificate" "nothing.pem"
	head -n 3 "$T/server.pem" >"$T/cut.pem"
	good -server-cert +server-cert="$T/cut.pem"
	hup_refused "half a certificate" "cut.pem"
	new_key "$T/other-key.pem"
	good server-key="$T/other-key.pem"
	hup_refused "a key that does not fit" "other-key.pem"
	good auth="\"plain[passwd=$T/nobody]\""
	hup_refused "no password file" "nobody"
	: >"$conf"
	hup_refused "an empty file" "server.conf"
	rm "$conf"
	hup_refused "no file" "server.conf"
}

by_occtl() {
	good
	ok "occtl reload of a good file exits 0 and says so" occtl_reloads
	good workers=3
	ok "an option that needs a restart: occtl reload exits 0" in_occtl reload
	ok "and the log tells it" has "$T/server.log" 'reload.restart_needed.*workers'
	good
}

occtl_reloads() { in_occtl reload >"$T/occtl" && has "$T/occtl" 'was reloaded'; }

# Signals faster than the server can follow: none is lost that came last, nothing is left open.
many_times() {
	local i fds
	fds=$(fds_of "$server_pid")
	for i in {1..30}; do
		good dns=192.0.2."$i"
		kill -s HUP "$server_pid"
	done
	good
	ok "after 30 signals occtl reload works" wait_until 20 in_occtl reload
	ok "the last settings are in force" new_session_sees final
	ok "the supervisor has as many descriptors as before" wait_until 5 equal_fds "$fds"
}
equal_fds() { equal "$(fds_of "$server_pid")" "$1"; }

readonly clients=6 base=(workers=2)
server_start "${base[@]}"
mc_cookies $clients
for ((i = 0; i < clients; i++)); do
	if ((i % 2)); then mc_start "c$i" "${cookies[i]}" --no-dtls; else mc_start "c$i" "${cookies[i]}"; fi
done
ok "$clients clients are up" mc_wait $((clients / 2))
traffic_on
new_certificate
new_settings
broken_files
by_occtl
many_times
traffic_off
mc_no_loss "from the first to the last reload"
ok "no session was replaced" equal "$(log_times 'session\.replaced')" 0
ok "no process died" not grep -q 'child\.died' "$T/server.log"
mc_stop_all
server_stop
