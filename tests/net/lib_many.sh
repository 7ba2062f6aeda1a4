# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# lib_many.sh - many clients that need no TUN device, and a look into the processes of the server. Sourced after lib.sh.
#
# A client is a real openconnect with --script-tun; its inner end is tests/net/tunping.c, which pings the host behind the
# server while the file $T/go exists and keeps one line of figures in $T/NAME/tp.
#
#   mc_cookies 20; mc_start c1 "${cookies[0]}"; mc_wait 1; traffic_on; ...; traffic_off; mc_sum lost
readonly tunping=$BUILD_DIR/tests/tunping
[ -x "$tunping" ] || skip "no $tunping; run: make build"
# openconnect and its inner end talk through a datagram socket: room for more than ten packets
in_cl sysctl -qw net.unix.max_dgram_qlen=1000

is_sanitized() { [ "$slow" -gt 1 ]; }
now_ms() { /usr/bin/python3 -c 'import time; print(time.monotonic_ns() // 10**6)'; }

# {{ clients }}

# mc_cookies N: logs in N times on a few connections at once; the cookies are in the array $cookies,
# and the server's last answer to a login in $T/complete.xml.
cookies=()
mc_cookies() {
	in_cl /usr/bin/python3 - "$here" "$T/ca.pem" "$gw4" "$oc_user" "$oc_password" "$1" "$T/complete.xml" >"$T/cookies" 2>"$T/last" <<-'END' ||
		import sys
		from concurrent.futures import ThreadPoolExecutor
		here, ca, to, user, password, n, xml = sys.argv[1:]
		sys.dont_write_bytecode = True
		sys.path.insert(0, here)
		import vpn
		def login(_):
		    client = vpn.Client(to, ca=ca, timeout=60)
		    answers, cookie = client.login(user, [password])
		    client.close()
		    if not cookie:
		        raise SystemExit(f"no cookie: {answers[-1].status} {answers[-1].body[:300]!r}")
		    open(xml, "wb").write(answers[-1].body)
		    return cookie
		with ThreadPoolExecutor(8) as pool:
		    print("\n".join(pool.map(login, range(int(n)))))
	END
		fail "$1 logins"
	mapfile -t cookies <"$T/cookies"
	[ "${#cookies[@]}" = "$1" ] || fail "$1 logins give ${#cookies[@]} cookies"
}

# mc_start NAME COOKIE [OPTION of openconnect...]; $mc_rate pings a second, $mc_size bytes in each.
mc_names=()
mc_rate=50 mc_size=56
mc_start() {
	local name=$1 cookie=$2
	shift 2
	mkdir -p "$T/$name"
	rm -f "$T/$name/tp" "$T/$name/log"
	oc_start "$name" --cookie="webvpn=${cookie#webvpn=}" --script-tun \
		--script "exec '$tunping' --to $host4 --rate $mc_rate --size $mc_size --while '$T/go' --state '$T/$name/tp'" "$@"
	mc_names+=("$name")
}

# mc_lines [NAME...]: "NAME state" of each of these clients, or of all, that has one.
mc_lines() {
	[ $# -gt 0 ] || set -- "${mc_names[@]}"
	local name line
	for name in "$@"; do
		! { read -r line <"$T/$name/tp"; } 2>/dev/null || echo "$name $line"
	done
}

# mc_in PHASE: how many clients are in this phase of tunping: wait, send, drain, done.
mc_in() { mc_lines | grep -c " phase=$1 " || true; }
mc_are_in() { equal "$(mc_in "$1")" "${#mc_names[@]}"; }
mc_dtls_n() { equal "$(grep -l 'Established DTLS connection' "${mc_names[@]/#/$T/}" -r --include=log | wc -l)" "$1"; }

# mc_wait [N]: all are up, N of them with DTLS.
mc_wait() {
	wait_until 30 mc_are_in wait || return 1
	[ -z "${1:-}" ] || wait_until 20 mc_dtls_n "$1"
}

# tp NAME FIELD: phase, round, ip, sent, got, lost, again, blocked, gap_ms, gap_at_ms, last_ms, served
tp() { mc_fold '{ print }' "$2" "$1"; }

# mc_sum FIELD [NAME...], mc_max FIELD [NAME...], ...: over these clients, or all.
mc_fold() {
	local fold=$1 field=$2
	shift 2
	mc_lines "$@" | sed "s/.* $field=\([^ ]*\) .*/\1/" | awk "$fold"
}
mc_sum() { mc_fold '{ n += $1 } END { print n + 0 }' "$@"; }
mc_max() { mc_fold '$1 > n { n = $1 } END { print n + 0 }' "$@"; }
mc_min() { mc_fold 'NR == 1 || $1 < n { n = $1 } END { print n + 0 }' "$@"; }
mc_ips() { mc_fold '{ print }' ip "$@" | sort; }

traffic_on() {
	touch "$T/go"
	wait_until 20 mc_are_in send >"$T/last" || fail "the clients do not begin to send"
}

# replies_above N NAME...: each of them has had more than N replies in this round.
replies_above() {
	local name
	for name in "${@:2}"; do
		[ "$(tp "$name" got)" -gt "$(($1))" ] || { echo "$name: $(cat "$T/$name/tp")"; return 1; }
	done
}

traffic_off() {
	rm -f "$T/go"
	wait_until 20 mc_are_in done >"$T/last" || fail "the clients do not finish"
}

# mc_no_loss TEXT [NAME...]: each packet that was sent in this round was answered, once.
mc_no_loss() {
	local text=$1
	shift
	ok "$text: of $(mc_sum sent "$@") packets none is lost" equal "$(mc_sum lost "$@")" 0
	ok "$text: none is answered twice" equal "$(mc_sum again "$@")" 0
	ok "$text: none had to wait for the client" equal "$(mc_sum blocked "$@")" 0
	ok "$text: packets were sent" more "$(mc_min sent "$@")" 5
}

# mc_stop_all: all say goodbye at once.
mc_stop_all() {
	local name
	for name in "${mc_names[@]}"; do
		kill -s INT "$(oc_pid "$name")" 2>/dev/null || true
	done
	mc_reap
}
mc_none_alive() {
	local name
	for name in "${mc_names[@]}"; do
		not oc_is_alive "$name" || return 1
	done
}
# mc_reap: all have ended by themselves.
mc_reap() {
	wait_until 15 mc_none_alive >"$T/last" || fail "a client does not end"
	mc_names=()
}

# mc_of_worker N: names of the clients whose session this worker has, found by their address.
mc_of_worker() {
	local ips name ip _
	ips=" $(users "' '.join(u['IPv4'] for u in d if u['Worker'] == $1)") "
	while read -r name _ _ ip _; do
		[[ $ips != *" ${ip#ip=} "* ]] || echo "$name"
	done < <(mc_lines)
}

# {{ processes of the server }}

# pid_of NAME: supervisor, keeper, control, worker0, ...
pid_of() { in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'] == '$1'][0]"; }
restarts_of() { in_occtl show status | json "[p['restarts'] for p in d['Processes'] if p['name'] == '$1'][0]"; }
is_ready() { equal "$(in_occtl show status | json "[p['ready'] for p in d['Processes'] if p['name'] == '$1'][0]")" True; }
status_is() { equal "$(in_occtl show status | json "d['$1']")" "$2"; }
fds_of() { find "/proc/$1/fd" -mindepth 1 | wc -l; }
# heap and stacks: nothing that is shared with others
memory_kb() { awk '/^Anonymous:/ { print $2 }' "/proc/$1/smaps_rollup"; }
log_times() { grep -c -e "$1" "$T/server.log" || true; }
log_has_more() { at_least "$(log_times "$1")" "$2"; }
# is_gone PID: no such process, or one that only waits for its parent
is_gone() {
	local state
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || true
	[ -z "$state" ] || [ "$state" = Z ]
}

# within MS TEXT COMMAND...: it succeeds before so many milliseconds are over, counted from now.
within() {
	local limit=$(($1 * slow)) text=$2 begun
	shift 2
	begun=$(now_ms)
	wait_until 30 "$@" >"$T/last" || fail "$text"
	ok "$text after $(($(now_ms) - begun)) ms" at_most $(($(now_ms) - begun)) "$limit"
}
