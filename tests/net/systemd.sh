#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# systemd.sh - the server under a service manager (manager.py), with the capabilities of our unit and no other: it takes the sockets
# that it is given, tells when it is ready, how many sessions it has, that it reloads and that it stops; a process that hangs keeps
# it from feeding the watchdog, is replaced, and the watchdog is fed again; between two servers nobody is refused. The network is
# drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
is_ours || skip "ocserv tells nothing"
need setpriv systemd-analyze

readonly unit=$SOURCE_DIR/packaging/systemd/ocserv-modern.service.in record=$T/record
readonly watchdog_ms=18000 beat_ms=1500 # a hanging process is killed after six beats

told() { has "$record" "$1"; }
told_more() { more "$(grep -c -e "$1" "$record")" "$2"; }
last_status() { sed -n 's/^[0-9]* STATUS=//p' "$record" | tail -n 1; }
status_is() { equal "$(last_status)" "$1"; }
real_pid() { sed -n 's/^[0-9]* PID=//p' "$record" | tail -n 1; }
# of a process of the server
pid_of() { in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'] == '$1'][0]"; }
all_ready() { in_occtl show status | json "1 / all(p['ready'] for p in d['Processes'])"; }
feature() { in_occtl show status | json "[f for f in d['Features'] if f.startswith('$1=')][0]"; }
# The longest time between two signs of life, in milliseconds.
longest_gap() {
	awk '$2 == "WATCHDOG=1" { if (last && $1 - last > gap) gap = $1 - last; last = $1 } END { print gap + 0 }' "$record"
}

# The bounding set of the unit in the words of setpriv.
bounding_set() {
	sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr ' ' '\n' | tr '[:upper:]' '[:lower:]' | sed -n 's/^cap_/+/p' | paste -sd, | sed 's/^/-all,/'
}

# managed CHANGE...: the ports of the configuration are others than those of the sockets.
managed() {
	make_config "$T/server.conf" tcp-port=4444 workers=2 bpf=true "$@"
	spawn "$gw" "$T/server.log" /usr/bin/python3 "$here/manager.py" --notify "$T/notify" --record "$record" --watchdog-ms $watchdog_ms \
		--listen "tcp:$gw4:443" --listen "tcp:$gw6:443" --listen "udp:$gw4:443" --listen "udp:$gw6:443" -- \
		/usr/bin/setpriv "--bounding-set=$(bounding_set)" "$(server_program)" -f -c "$T/server.conf"
	server_pid=$spawned
}

begins() {
	managed
	ok "it tells that it is ready" wait_until 30 told ' READY=1$'
	ok "and what it does" status_is "serving 0 sessions with 2 of 2 workers"
	ok "each worker has a socket of its own for each that was given" equal \
		"$(grep -c 'listen\.inherited .* shared=0' "$T/server.log")" 4
	ok "it has opened none by its configuration" not has <(in_gw ss -Hltn) ':4444 '
	ok "with the capabilities of the unit it has eBPF" equal "$(feature bpf-steering)" bpf-steering=on
	ok "and no process of it can do more" equal "$(beyond_the_unit)" 0x0
	oc_connect a
	ok "a session is counted" wait_until 15 status_is "serving 1 session with 2 of 2 workers"
	ok "the watchdog is fed" wait_until 15 told_more ' WATCHDOG=1$' 1
}
# What the bounding set of a process of the server has beyond the unit: a mask.
beyond_the_unit() {
	/usr/bin/python3 - "$(bounding_set)" $(ip netns pids "$gw") <<-'END'
		import re, sys
		header = open("/usr/include/linux/capability.h").read()
		number = {n.lower(): int(i) for n, i in re.findall(r"#define CAP_([A-Z_]+)\s+(\d+)\n", header)}
		unit = sum(1 << number[w[1:]] for w in sys.argv[1].split(",")[1:])
		beyond = 0
		for pid in sys.argv[2:]:
		    try:
		        status = open(f"/proc/{pid}/status").read()
		    except OSError:
		        continue
		    if "python3" not in status.split("\n")[0]:  # the manager
		        beyond |= int(re.search(r"CapBnd:\s*(\w+)", status)[1], 16) & ~unit
		print(hex(beyond))
	END
}

reloads() {
	local n
	n=$(grep -c ' READY=1$' "$record")
	kill -s HUP "$(real_pid)"
	ok "SIGHUP: it tells that it reloads" wait_until 10 told ' RELOADING=1$'
	ok "with the time, as systemd wants it" told ' MONOTONIC_USEC=[0-9]\{6,\}$'
	ok "and that it is ready again" wait_until 20 told_more ' READY=1$' "$n"
	echo 'auth = "nonsense"' >>"$T/server.conf"
	kill -s HUP "$(real_pid)"
	ok "a reload is refused: the status says so" wait_until 20 status_is \
		"serving 1 session with 2 of 2 workers; the last reload was refused"
	sed -i '$d' "$T/server.conf"
	kill -s HUP "$(real_pid)"
	ok "the next is not: nor does the status" wait_until 20 status_is "serving 1 session with 2 of 2 workers"
}

hangs() {
	local keeper worker n
	keeper=$(pid_of keeper) worker=$(pid_of worker1)
	ok "until now the watchdog had no long wait: $(longest_gap) ms" at_most "$(longest_gap)" $((watchdog_ms / 2))
	kill -s STOP "$keeper" "$worker"
	ok "keeper and a worker hang: the log names them" wait_until 20 has "$T/server.log" 'child\.silent name=keeper'
	ok "and ends them" wait_until 30 has "$T/server.log" 'child\.killed name=keeper .*not answered'
	ok "both" wait_until 10 has "$T/server.log" 'child\.killed name=worker1 .*not answered'
	n=$(grep -c ' WATCHDOG=1$' "$record")
	ok "all are back" wait_until 20 all_ready
	ok "the watchdog is fed again" wait_until 20 told_more ' WATCHDOG=1$' "$n"
	ok "it was not, meanwhile: for $(longest_gap) ms" more "$(longest_gap)" $((3 * beat_ms))
	ok "but never for so long that a manager would end the server" at_most "$(longest_gap)" $watchdog_ms
	ok "the client is there, or comes back" wait_until 30 users_are 1
	ok "and has traffic" wait_until 20 pings "$cl" "$host4" -I "$(oc_value a TUNDEV)"
}

# The sockets outlive the server: who knocks meanwhile waits.
restarts() {
	kill -s TERM "$(real_pid)"
	ok "SIGTERM: it tells that it stops" wait_until 20 told ' STOPPING=1$'
	ok "and how long that may take" told ' EXTEND_TIMEOUT_USEC=[0-9]\{7,\}$'
	ok "it ends with status 0" wait_until 20 told ' EXIT=0$'
	ok "the status line was the last of it" equal "$(last_status)" "stopping"
	spawn "$cl" "$T/waits" timeout 60 openssl s_client -connect $gw4:443 -brief
	knocker=$spawned
	ok "somebody knocks while there is no server, and waits" wait_until 10 waits_in_line
	kill -s USR1 "$server_pid"
	ok "the next server is ready" wait_until 30 told_more ' READY=1$' "$(grep -c ' READY=1$' "$record")"
	ok "who has waited is served" wait_until 20 has "$T/waits" 'CONNECTION ESTABLISHED'
	wait "$knocker" || true
	ok "the client comes back without a login" wait_until 60 users_are 1
}
waits_in_line() { has <(in_gw ss -Htn state established "( sport = :443 )") "$cl4:"; }

# The unit itself, as far as it can be judged without a systemd that runs.
unit_is_good() {
	local dir=$T/unit
	mkdir -p "$dir"
	sed "s|@SBINDIR@|$BUILD_DIR/bin|" "$unit" >"$dir/ocserv-modern.service"
	cp "$SOURCE_DIR/packaging/systemd/ocserv-modern.socket" "$dir"
	ok "systemd-analyze takes the unit" systemd-analyze verify --man=no "$dir/ocserv-modern.service" "$dir/ocserv-modern.socket"
	ok "and has nothing to say of it" not grep ocserv-modern "$T/last"
	score=$(systemd-analyze security --offline=true "$dir/ocserv-modern.service" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
	ok "its exposure is low: $score" at_most "${score/./}" 45
	# another version of systemd counts otherwise
	! systemd-analyze --version | grep -q '^systemd 252 ' ||
		ok "and what the guide says" has "$SOURCE_DIR/docs/guide/systemd.md" "exposure of \*\*$score\*\*"
}

unit_is_good
begins
reloads
hangs
restarts
oc_stop a
server_stop
