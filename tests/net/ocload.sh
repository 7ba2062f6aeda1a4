#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ocload.sh - each mode of the load generator against the server, over DTLS and TLS: packets arrive, none is damaged. The network
# is drawn in lib.sh; the peer of ocload runs in host.
. "$(dirname "$0")/lib.sh"

ocload=$BUILD_DIR/bin/ocload
[ -x "$ocload" ] || skip "no $ocload; run: make build"

# load MODE [OPTION...]: its result is $T/result.json
load() {
	local mode=$1
	shift
	in_cl "$ocload" "$mode" -q -v --json -s $gw4 --servername localhost --cafile "$T/ca.pem" -u test --password-file "$T/password" \
		--timeout $((30 * slow)) -d 2 "$@" >"$T/result.json"
}
result() { json "$1" <"$T/result.json"; }
result_is() { equal "$(result "$1")" True; }

# Everything that was sent came, once, in order and whole. The rate is low: the machine may be busy.
arrives() {
	local name=$1
	shift
	ok "$name" load "$@" --to "$host4" -r 500
	ok "$name: packets arrive" result_is "d['traffic']['received'] > 100"
	ok "$name: none is damaged" result_is "d['traffic']['corrupt'] == 0"
	ok "$name: none comes twice" result_is "d['traffic']['twice'] == 0"
	ok "$name: no session is lost" result_is "d['sessions']['lost'] == 0 and d['failures'] == {}"
}

channel() {
	arrives "up, $*" up "$@"
	arrives "down, $*" down "$@"
	arrives "echo, $*" echo "$@"
	ok "echo, $*: latency is told" result_is "0 < d['latency']['echo_ms']['p50'] <= d['latency']['echo_ms']['max']"
}

echo "$password" >"$T/password"
spawn "$host" "$T/peer.log" "$ocload" peer --pool 10.77.0.0/16
server_start

ok "logins" load logins -n 2
ok "logins: some" result_is "d['logins_per_s'] > 0"
ok "logins with DTLS" load logins -n 2 --dtls
ok "idle" load idle -n 5
ok "idle: all are held" result_is "d['sessions']['held'] == 5"
channel --tls
for cipher in aes128 aes256 chacha; do
	channel --dtls --cipher $cipher
done
arrives "up, three clients and two flows" up -n 3 -f 2 -t 2
arrives "down, three clients and two flows" down -n 3 -f 2 -t 2
arrives "up, the smallest" up -l 60
arrives "down, odd size, one by one" down -l 1399 -b 1

# A wrong password is told as such, and by the exit status.
echo wrong >"$T/password"
ok "a wrong password: status 1" not load idle
ok "logins with a wrong password: status 3" not load logins
ok "the cause is told" result_is "d['failures'].get('auth', 0) > 0 and d['sessions']['opened'] == 0"

ok "all sessions are gone" wait_until 5 users_are 0
server_stop
