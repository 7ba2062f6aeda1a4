# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# lib_auth.sh - logins of several steps, and 50 others that must not notice. Sourced after lib.sh.
#
# The others have a password file of their own, which is the method of auth; the method under test is that of enable-auth, which a
# name unknown to the file comes to.
is_ours || skip "several methods at once, and our own log"

# auth_start METHOD [CHANGE...]
auth_start() {
	local method=$1
	shift
	make_config "$T/server.conf" "auth=\"plain[passwd=$T/others]\"" "+enable-auth=\"$method\"" ipv4-network=10.77.0.0/16 "$@"
	server_n=$((server_n + 1))
	[ ! -e "$T/server.log" ] || mv "$T/server.log" "$T/server.$((server_n - 1)).log"
	spawn "$gw" "$T/server.log" "${auth_wrapper[@]}" "$(server_program)" -f -c "$T/server.conf"
	server_pid=$spawned
	wait_until 20 server_is_up_or_dead >"$T/last" || fail "the server is not ready"
	is_alive "$server_pid" || fail "the server ended at start"
}
# what the server is started by
auth_wrapper=()

# dialog USER ANSWER...: what the server said is in $T/said, a line a step.
dialog() {
	in_cl /usr/bin/python3 "$here/dialog.py" --ca "$T/ca.pem" "$@" >"$T/said" 2>&1
	cat "$T/said"
}
said_is() {
	local line want=$1
	shift
	line=$(dialog "$@" | tail -n 1)
	case $line in
	"$want"*) ;;
	*) echo "'$line' is not '$want...'"; return 1 ;;
	esac
}
# enters USER ANSWER..., stays_out USER ANSWER...: where it ends
enters() { said_is "OK " "$@"; }
stays_out() { not enters "$@"; }
log_has() { has "$T/server.log" "$1"; }

# {{ the others: 50 logins at a time, again and again }}

# a scheme that costs little: it is not the hash that is measured
echo "other:*:$(openssl passwd -5 -salt test "$password")" >"$T/others"
chmod 600 "$T/others"
echo "$password" >"$T/others.password"

others_begin() {
	spawn "$cl" "$T/others.json" "$BUILD_DIR/bin/ocload" logins --server $gw4 --cafile "$T/ca.pem" \
		--user other --password-file "$T/others.password" -n 50 -r 15 -d 9 --timeout 60 --json --quiet
	others_pid=$spawned
	sleep 0.5
}

# others_fine TEXT: all of them got in, and nine of ten within the time that a plain login takes on a busy machine, which is far less
# than any deadline of a back end.
others_fine() {
	local status=0
	wait "$others_pid" || status=$?
	ok "$1: the 50 others got in" equal "$status" 0
	ok "$1: none of them failed" others_are "d['failures'] == {} and d['sessions']['opened'] >= 50"
	ok "$1: none of them waited" others_are "d['latency']['login_ms']['p90'] < $((8000 * slow))"
	rm -f "$T/others.json"
}
others_are() { equal "$(json "$1" <"$T/others.json")" True || { cat "$T/others.json"; return 1; }; }
