#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# startup_errors.sh - a server that cannot start says why and what to do: the file, the line, the option. It ends by itself with
# status 1 and leaves nothing behind. Only the namespace gw of lib.sh is used.
# shellcheck disable=SC2016,SC2119 # for eval; server_start takes changes or none
. "$(dirname "$0")/lib.sh"
is_ours || skip "only ours promises these messages"

readonly said_file=$T/said

# run [OPTION...]: the server with $T/server.conf; its words go to $said_file. 0 if it ended by itself with status 1.
run() {
	local status=0
	: >"$said_file"
	spawn "$gw" "$said_file" "${wrapper[@]}" "$(server_program)" -c "$T/server.conf" "$@"
	wait_until 15 not is_alive "$spawned" || { kill -s KILL "$spawned"; return 1; }
	wait "$spawned" || status=$?
	cat "$said_file"
	equal "$status" 1
}
wrapper=()

# says WORD...: all of them in one of its lines, errors of the whole program included.
says() {
	local line word
	while read -r line; do
		for word in "$@"; do
			[[ ${line,,} == *"${word,,}"* ]] || continue 2
		done
		return 0
	done <"$said_file"
	echo "no line has all of: $*"
	cat "$said_file"
	return 1
}

# fails TEXT WORD...: -f ends with 1 and one line that has these words; nothing is left behind.
fails() {
	local text=$1
	shift
	ok "$text: the server ends with status 1" run -f
	ok "$text: it says: $*" says "$@"
	ok "$text: nothing is left" eval 'gw_is_empty && no_tun'
}

# tests_too TEXT WORD...: so does -t.
tests_too() {
	local text=$1
	shift
	ok "$text: -t ends with status 1" run -t
	ok "$text: -t says: $*" says "$@"
}

both() {
	fails "$@"
	tests_too "$@"
}

# Line numbers of the problems are those of the file.
at() { grep -n "^$1" "$T/server.conf" | head -n 1 | cut -d: -f1; }

certificates() {
	make_config "$T/server.conf" server-cert="$T/none.pem"
	both "certificate missing" none.pem server-cert
	make_config "$T/server.conf" server-key="$T/none-key.pem"
	both "key missing" none-key.pem server-key
	make_certificate other "/CN=other.example.test"
	make_config "$T/server.conf" server-key="$T/other-key.pem"
	both "key of another certificate" other-key.pem server.pem match
	echo "no certificate" >"$T/text.pem"
	make_config "$T/server.conf" server-cert="$T/text.pem"
	both "certificate that is none" text.pem
	make_config "$T/server.conf" server-key="$T/text.pem"
	both "key that is none" text.pem
	: >"$T/empty.pem"
	make_config "$T/server.conf" server-cert="$T/empty.pem"
	both "certificate empty" empty.pem
	make_config "$T/server.conf" -server-key
	both "certificate without a key" server-key
	make_config "$T/server.conf" server-cert="$T"
	both "certificate is a folder" "$T" server-cert
}

passwords() {
	make_config "$T/server.conf" auth="\"plain[passwd=$T/nobody]\""
	both "password file missing" nobody ocpasswd
	printf 'test:*:\nno colon here\n' >"$T/malformed"
	make_config "$T/server.conf" auth="\"plain[passwd=$T/malformed]\""
	# Some of its users may be right: they get in, and each wrong line is named.
	ok "password file malformed: -t ends" eval 'run -t || true'
	ok "password file malformed: -t names the line" says malformed 2
	make_config "$T/server.conf" auth="\"kerberos\""
	both "method that is none" auth kerberos server.conf:
	make_config "$T/server.conf" -auth
	both "no method" auth
}

ports() {
	spawn "$gw" "$T/holder" /usr/bin/python3 -c '
import socket, time
t = socket.create_server(("", 443)); u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("", 444))
print("ready", flush=True); time.sleep(1000)'
	local holder=$spawned
	wait_until 10 has "$T/holder" ready >"$T/last" || fail "a program that holds the ports"
	make_config "$T/server.conf"
	ok "TCP port taken: the server ends with status 1" run -f
	ok "TCP port taken: it names port, holder and option" says 443 tcp-port python
	make_config "$T/server.conf" tcp-port=445 udp-port=444
	ok "UDP port taken: the server ends with status 1" run -f
	ok "UDP port taken: it names port, holder and option" says 444 udp-port python
	make_config "$T/server.conf" +listen-host=192.0.2.77
	ok "address of another machine: the server ends with status 1" run -f
	ok "address of another machine: it names it" says 192.0.2.77 listen-host
	end "$holder" || true
	ok "nothing is left" eval 'gw_is_empty && no_tun'
}

devices() {
	make_config "$T/server.conf"
	wrapper=(unshare -m sh -c 'mount -t tmpfs none /dev/net && exec "$@"' sh)
	fails "no /dev/net/tun" /dev/net/tun
	ok "no /dev/net/tun: it says what to do" grep -qiE 'modprobe|mknod|load|module|CONFIG_TUN' "$said_file"
	wrapper=()
	make_config "$T/server.conf" device=averyverylongname
	both "device name too long" device averyverylongname server.conf:
	make_config "$T/server.conf" ipv4-network=10.77.0.0/32
	both "pool without room" server.conf:"$(at ipv4-network)" ipv4-network
}

configuration() {
	make_config "$T/server.conf" tcp-port=99999 dpd=soon use-occtl=maybe ipv4-network=10.77.0.300/24 \
		+max-client=5 +route=1.2.3.4/99 rekey-method=sometimes
	both "many errors" server.conf:"$(at tcp-port)" tcp-port 99999
	for key in tcp-port dpd use-occtl ipv4-network max-client route rekey-method; do
		case $key in
		route) line=$(grep -n 1.2.3.4/99 "$T/server.conf" | cut -d: -f1) ;;
		max-client) line=$(at 'max-client =') ;;
		*) line=$(at "$key") ;;
		esac
		ok "many errors: $key is named with its line" says "server.conf:$line:" "$key"
	done
	ok "many errors: the right name for max-client" says max-client max-clients
	make_config "$T/server.conf" +limit-worker-memory=100
	ok "planned option: -t passes" eval '! run -t && grep -q limit-worker-memory "$said_file"'
	ok "planned option: one warning with file and line" says "server.conf:$(at limit-worker-memory)" limit-worker-memory warning
	rm "$T/server.conf"
	both "no configuration" server.conf
	head -c 3000 /dev/urandom >"$T/server.conf"
	both "configuration of garbage" server.conf:
	: >"$T/server.conf"
	both "empty configuration" auth
	ok "unknown switch" eval 'run --such-a-thing && grep -q -- --help "$said_file"'
}

good() {
	local status=0
	make_config "$T/server.conf"
	in_gw "$(server_program)" -t -c "$T/server.conf" >"$said_file" 2>&1 || status=$?
	ok "a right configuration: -t exits 0" equal $status 0
	ok "and makes no device" no_tun
	server_start
	ok "and the server runs" server_answers
	ok "-t beside a running server: 0" in_gw "$(server_program)" -t -c "$T/server.conf"
	ok "a second server: it ends with status 1" run -f
	ok "a second server: it says why" grep -qE 'ocserv.*(pid|running)|tcp-port|running' "$said_file"
	ok "the first one lives" server_answers
	server_stop
}

certificates
passwords
ports
devices
configuration
good
