# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# lib.sh - what every test of this folder stands on: a network of its own, a server, clients, assertions
#
#        cl                             gw                              host
#   198.51.100.2 o0 ---- veth ---- o0 198.51.100.1                        
#   2001:db8:1::2                     2001:db8:1::1
#                                     server, port 443
#                                     203.0.113.1 o1 ---- veth ---- o0 203.0.113.2
#                                     2001:db8:2::1                    2001:db8:2::2
#   inner 10.77.0.x  ==== tunnel ==== vpns                             routes to 10.77/16 and fd77::/48 via gw
#         fd77::x
#
# The namespaces carry the pid of the test in their names; devices live inside of them only: tests may run side by side.
# All of it is gone when the test ends.
#
#   BUILD_DIR=build/asan ./tunnel.sh   the build under test; "asan" or "tsan" in its name makes deadlines longer
#   SERVER=ocserv ./tunnel.sh          try the test itself on Debian's ocserv; what only ours can do is left out
#   OPENCONNECT=/opt/bin/openconnect ./tunnel.sh   another client than the one of the PATH
#   KEEP=1 ./tunnel.sh                 leave the folder with logs and configuration
#
# Each assertion prints a line. The first that fails prints the ends of the logs, and the test exits 1; 77: it cannot run here.
set -euo pipefail
umask 022
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE_DIR=${SOURCE_DIR:-$(cd "$here/../.." && pwd)}
BUILD_DIR=${BUILD_DIR:-$SOURCE_DIR/build/release}
SERVER=${SERVER:-ours}
OPENCONNECT=${OPENCONNECT:-openconnect}
readonly here SOURCE_DIR BUILD_DIR SERVER OPENCONNECT

readonly cl=ocm-cl-$$ gw=ocm-gw-$$ host=ocm-host-$$
readonly gw4=198.51.100.1 cl4=198.51.100.2 gw6=2001:db8:1::1 cl6=2001:db8:1::2
readonly host4=203.0.113.2 host6=2001:db8:2::2
# shellcheck disable=SC2034 # for the tests
readonly url4=https://$gw4/ url6="https://[$gw6]/"
readonly password='correct horse' # of every user that add_user makes

case $(basename "$BUILD_DIR") in
*[at]san*) readonly slow=4 ;;
*) readonly slow=1 ;;
esac

T=
pids=()
spawned=
server_pid=
server_n=0
said=0

# {{ words }}

skip() {
	echo "skipped: $*"
	exit 77
}

context() {
	local f
	[ -n "$T" ] || return 0
	# Of the clients' logs the two that were written last.
	for f in "$T/last" "$T/server.log" $(find "$T" -path '*/*/log' -printf '%T@ %p\n' | sort -rn | head -n 2 | cut -d' ' -f2); do
		[ -s "$f" ] || continue
		echo "---- the end of ${f#"$T"/}"
		tail -n "${CONTEXT:-30}" "$f"
	done
	[ -z "$server_pid" ] || is_alive "$server_pid" || echo "---- the server is not running"
}

fail() {
	said=1
	echo "FAIL $*"
	context
	exit 1
}

# ok TEXT COMMAND...: an assertion.
ok() {
	local text=$1
	shift
	if "$@" >"$T/last" 2>&1; then
		echo "ok   $text"
	else
		fail "$text   [$*]"
	fi
}

not() { ! "$@"; }
equal() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }
has() { grep -q -e "$2" "$1" || { echo "no '$2' in $1"; return 1; }; }
more() { [ "$1" -gt "$2" ] || { echo "$1 is not more than $2"; return 1; }; }
at_most() { [ "$1" -le "$2" ] || { echo "$1 is more than $2"; return 1; }; }
at_least() { [ "$1" -ge "$2" ] || { echo "$1 is less than $2"; return 1; }; }
is_ours() { [ "$SERVER" = ours ]; }

# wait_until SECONDS COMMAND...: try again and again; fails at the deadline, with the output of the last try.
wait_until() {
	local end=$((SECONDS + $1 * slow)) out
	shift
	until out=$("$@" 2>&1); do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "not in time: $*"
			echo "$out"
			return 1
		fi
		sleep 0.1
	done
}

# {{ processes }}

is_alive() { kill -0 "$1" 2>/dev/null; }

# spawn NAMESPACE LOG COMMAND...: in the background, $spawned is its number; standard input from $spawn_input.
spawn_input=/dev/null
spawn() {
	local ns=$1 log=$2
	shift 2
	ip netns exec "$ns" "$@" <"$spawn_input" >>"$log" 2>&1 &
	spawned=$!
	pids+=("$spawned")
}

# end PID [SIGNAL] [SECONDS]: the exit status is that of the process.
end() {
	kill -s "${2:-TERM}" "$1" 2>/dev/null || true
	if ! wait_until "${3:-10}" not is_alive "$1" >/dev/null; then
		echo "process $1 does not end"
		kill -s KILL "$1" 2>/dev/null || true
		return 99
	fi
	wait "$1"
}

in_cl() { ip netns exec "$cl" "$@"; }
in_gw() { ip netns exec "$gw" "$@"; }
in_host() { ip netns exec "$host" "$@"; }

# {{ the network }}

make_namespace() {
	ip netns add "$1"
	ip netns exec "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.disable_ipv6=0 \
		net.ipv6.conf.default.disable_ipv6=0 net.ipv4.ping_group_range='0 0'
	ip -n "$1" link set lo up
}

# address NAMESPACE DEVICE ADDRESS...
address() {
	local ns=$1 dev=$2 a
	shift 2
	for a in "$@"; do
		case $a in
		*:*) ip -n "$ns" addr add "$a" dev "$dev" nodad ;;
		*) ip -n "$ns" addr add "$a" dev "$dev" ;;
		esac
	done
	ip -n "$ns" link set "$dev" up
}

make_network() {
	local ns
	for ns in "$cl" "$gw" "$host"; do
		make_namespace "$ns"
	done
	ip link add o0 netns "$cl" type veth peer name o0 netns "$gw"
	ip link add o1 netns "$gw" type veth peer name o0 netns "$host"
	address "$cl" o0 $cl4/24 $cl6/64
	address "$gw" o0 $gw4/24 $gw6/64
	address "$gw" o1 203.0.113.1/24 2001:db8:2::1/64
	address "$host" o0 $host4/24 $host6/64
	ip -n "$host" route add 10.77.0.0/16 via 203.0.113.1
	ip -n "$host" route add fd77::/48 via 2001:db8:2::1
	in_gw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# nat TO: outgoing UDP gets this source, as from a NAT that has just lost its table.
nat() {
	in_cl nft -f - <<-END
		table ip nat {
			chain post {
				type nat hook postrouting priority srcnat
			}
		}
		flush chain ip nat post
		add rule ip nat post udp dport 443 snat to $1
	END
	# All entries of this namespace; that of the TLS connection is made again at its next packet.
	in_cl /usr/bin/python3 -c '
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)            # NETLINK_NETFILTER
body = struct.pack("BBH", socket.AF_INET, 0, 0)
s.send(struct.pack("IHHII", 16 + len(body), 1 << 8 | 2, 5, 1, 0) + body)  # IPCTNL_MSG_CT_DELETE, REQUEST | ACK
error = struct.unpack_from("i", s.recv(4096), 16)[0]
assert error == 0, error'
}

# {{ files }}

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# make_certificate NAME SUBJECT: NAME.pem and NAME-key.pem, signed by the test's authority.
make_certificate() {
	new_key "$T/$1-key.pem"
	openssl req -new -key "$T/$1-key.pem" -subj "$2" -out "$T/$1.csr"
	openssl x509 -req -in "$T/$1.csr" -CA "$T/ca.pem" -CAkey "$T/ca-key.pem" -CAcreateserial -sha256 -days 2 \
		-out "$T/$1.pem" -extfile <(
			echo "basicConstraints=critical,CA:FALSE"
			echo "keyUsage=critical,digitalSignature"
			echo "extendedKeyUsage=serverAuth"
			echo "subjectAltName=DNS:vpn.example.test,DNS:localhost,IP:127.0.0.1,IP:$gw4,IP:$gw6"
		) 2>>"$T/openssl.txt"
}

# certificate NAME HOST ALGORITHM...: NAME.pem and NAME-key.pem, signed by the test's authority.
certificate() {
	local name=$1 cn=$2
	shift 2
	openssl genpkey -algorithm "$@" -out "$T/$name-key.pem" 2>>"$T/openssl.txt"
	openssl req -new -key "$T/$name-key.pem" -subj "/CN=$cn/O=$name" -out "$T/$name.csr"
	openssl x509 -req -in "$T/$name.csr" -CA "$T/ca.pem" -CAkey "$T/ca-key.pem" -CAcreateserial -sha256 -days 2 \
		-out "$T/$name.pem" -extfile <(
			echo "basicConstraints=critical,CA:FALSE"
			echo "keyUsage=critical,digitalSignature"
			echo "subjectAltName=DNS:$cn"
		) 2>>"$T/openssl.txt"
}

make_authority() {
	new_key "$T/ca-key.pem"
	openssl req -x509 -new -key "$T/ca-key.pem" -sha256 -days 2 -subj "/CN=test authority" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out "$T/ca.pem"
}

ocpasswd() {
	if is_ours; then
		"$BUILD_DIR/bin/ocpasswd" "$@"
	else
		command ocpasswd "$@"
	fi
}

# add_user NAME [OPTION...]
add_user() {
	local name=$1
	shift
	printf '%s\n%s\n' "$password" "$password" | ocpasswd -c "$T/ocpasswd" "$@" "$name" >>"$T/ocpasswd.txt" 2>&1
}

# Lines at the end of each configuration: sections of virtual hosts.
config_tail=
# make_config FILE [CHANGE...]: key=value sets, +key=value adds a line, -key leaves it out.
make_config() {
	local file=$1 change key
	shift
	local -A set=(
		[auth]="\"plain[passwd=$T/ocpasswd]\"" [tcp-port]=443 [udp-port]=443
		[server-cert]=$T/server.pem [server-key]=$T/server-key.pem
		[use-occtl]=true [occtl-socket-file]=$T/occtl.socket [pid-file]=$T/server.pid
		[max-clients]=0 [max-same-clients]=0 [keepalive]=300 [dpd]=60 [mobile-dpd]=300
		[cookie-timeout]=300 [device]=vpns [ipv4-network]=10.77.0.0/24 [ipv6-network]=fd77::/64
		[workers]=1 [log-level]=3 [state-dir]=$T/state [max-ban-score]=0
	)
	local added=("route=203.0.113.0/24" "route=2001:db8:2::/64")
	is_ours || { set[socket-file]=$T/ocserv.socket; set[run-as-user]=nobody; }
	for change in "$@"; do
		key=${change%%=*}
		case $change in
		-*)
			unset "set[${key#-}]"
			drop_added "${key#-}"
			;;
		+*) added+=("${change#+}") ;;
		*) set[$key]=${change#*=} ;;
		esac
	done
	is_ours || unset 'set[workers]' 'set[bpf]' 'set[isolate-workers]' 'set[state-dir]'
	{
		for key in "${!set[@]}"; do
			echo "$key = ${set[$key]}"
		done | sort
		for change in "${added[@]}"; do
			echo "${change%%=*} = ${change#*=}"
		done
		[ -z "$config_tail" ] || printf '%s\n' "$config_tail"
	} >"$file"
}

# Of make_config: the lines of this key that were added so far, the default routes among them.
drop_added() {
	local i
	for i in "${!added[@]}"; do
		[[ ${added[i]} != "$1="* ]] || unset "added[$i]"
	done
}

# {{ the server }}

server_program() {
	if is_ours; then
		echo "$BUILD_DIR/bin/ocserv-modern"
	else
		command -v ocserv
	fi
}

server_answers() {
	in_gw timeout 5 openssl s_client -connect $gw4:443 -brief </dev/null && in_occtl show status
}

# server_start [CHANGE...]: as in make_config. It knows nothing of the sessions of the one before, unless state_stays is set.
state_stays=
server_start() {
	[ -n "$state_stays" ] || rm -rf "$T/state"
	server_n=$((server_n + 1))
	make_config "$T/server.conf" "$@"
	[ ! -e "$T/server.log" ] || mv "$T/server.log" "$T/server.$((server_n - 1)).log"
	spawn "$gw" "$T/server.log" "$(server_program)" -f -c "$T/server.conf"
	server_pid=$spawned
	wait_until 20 server_is_up_or_dead >"$T/last" || fail "the server is not ready"
	is_alive "$server_pid" || fail "the server ended at start"
}

server_is_up_or_dead() { ! is_alive "$server_pid" || server_answers; }

no_report() {
	! grep -n -e 'ERROR: AddressSanitizer' -e 'ERROR: LeakSanitizer' -e 'runtime error:' -e 'WARNING: ThreadSanitizer' \
		-e 'AddressSanitizer:' -e 'assert\($\|[^i]\)' -e 'Assertion .* failed' "$T"/server*.log
}

# Of tests that kill none on purpose. ocserv forks for each client and says nothing of this kind.
nothing_died() {
	! is_ours || ok "no process of it died" not grep -n -e 'child.died' -e 'child.violation' "$T/server.log"
}

gw_is_empty() { [ -z "$(ip netns pids "$gw")" ]; }
no_tun() { ! ip -n "$gw" -o link | grep ': vpns'; }

# In order: it ends by SIGTERM with status 0 and leaves nothing behind.
server_stop() {
	local status=0
	end "$server_pid" TERM 20 || status=$?
	server_pid=
	ok "the server ends by SIGTERM" equal "$status" 0
	ok "no process of it is left" wait_until 5 gw_is_empty
	ok "its device is gone" wait_until 5 no_tun
	ok "no sanitizer has complained" no_report
}

# Commands of occtl, the answer is JSON.
in_occtl() {
	if is_ours; then
		in_gw "$BUILD_DIR/bin/occtl" -s "$T/occtl.socket" --json "$@"
	else
		in_gw occtl -s "$T/occtl.socket" --json "$@"
	fi
}

# json EXPRESSION: Python over the document d on standard input.
json() {
	/usr/bin/python3 -c '
import json, sys
text = sys.stdin.read()
d = json.loads(text) if text.strip() else []
print(eval(sys.argv[1]))' "$1"
}

# users EXPRESSION: over the list of connected sessions.
users() { in_occtl show users | json "$1"; }
users_n() { users 'len(d)'; }
users_are() { equal "$(users_n)" "$1"; }
# user NAME EXPRESSION: over u, the first session of this user.
user() { users "[$2 for u in d if u['Username'] == '$1'][0]"; }

# stat NAME: a counter of the server, all workers together. Ours only.
stat() { in_occtl show stats | json "d['total']['$1']"; }
stat_is() { equal "$(stat "$1")" "$2"; }
stat_above() { more "$(stat "$1")" "$2"; }

# pids of all processes of the server, one line.
server_pids() {
	if is_ours; then
		in_occtl show status | json "' '.join(p['name'] + ':' + str(p['pid']) for p in d['Processes'])"
	else
		pgrep -P "$server_pid" -f sec-mod
	fi
}

# {{ clients }}

# oc_start NAME [OPTION...]: an openconnect; with a cookie among the options it does not log in.
# $oc_user, $oc_url, $oc_password: who, where.
oc_user="test"
oc_url=$url4
oc_password=$password
oc_start() {
	local name=$1
	shift
	mkdir -p "$T/$name"
	rm -f "$T/$name/up"
	echo "$oc_password" >"$T/$name/stdin"
	local login=(--user "$oc_user" --passwd-on-stdin)
	[[ " $*" != *" --cookie="* ]] || login=()
	spawn_input=$T/$name/stdin
	OC_STATE=$T/$name spawn "$cl" "$T/$name/log" "$OPENCONNECT" -v --timestamp --non-inter --cafile "$T/ca.pem" \
		--script "bash '$here/vpnc-script'" --reconnect-timeout 60 "${login[@]}" "$@" "$oc_url"
	spawn_input=/dev/null
	echo "$spawned" >"$T/$name/pid"
}

oc_pid() { cat "$T/$1/pid"; }
oc_is_alive() { is_alive "$(oc_pid "$1")"; }
oc_is_up() { [ -s "$T/$1/up" ]; }
oc_is_up_or_dead() { oc_is_up "$1" || not oc_is_alive "$1"; }
oc_has_dtls() { has "$T/$1/log" 'Established DTLS connection'; }
# oc_value NAME VARIABLE: what the script was told: INTERNAL_IP4_ADDRESS, TUNDEV, ...
oc_value() { sed -n "s/^$2=//p" "$T/$1/up"; }
oc_ip4() { oc_value "$1" INTERNAL_IP4_ADDRESS; }
oc_ip6() { oc_value "$1" INTERNAL_IP6_ADDRESS; }
# times that the script was called for this reason
oc_times() { grep -c "^$2\$" "$T/$1/reasons" || true; }

oc_wait() {
	wait_until 20 oc_is_up_or_dead "$1" && oc_is_up "$1"
}

# oc_connect NAME [OPTION...]: with the assertion that the tunnel opens, and DTLS unless --no-dtls.
oc_connect() {
	oc_start "$@"
	ok "$1: the tunnel opens" oc_wait "$1"
	[[ " $* " == *" --no-dtls "* ]] || ok "$1: DTLS is up" wait_until 15 oc_has_dtls "$1"
}

# As Ctrl-C: the client says goodbye.
oc_stop() {
	end "$(oc_pid "$1")" INT 10 || true
}

# The client vanishes without a word.
oc_kill() {
	end "$(oc_pid "$1")" KILL 5 2>/dev/null || true
}

# oc_cookie: log in only; $oc_cookie is the cookie.
oc_cookie() {
	local out
	out=$(in_cl "$OPENCONNECT" --authenticate --non-inter --cafile "$T/ca.pem" --user "$oc_user" --passwd-on-stdin "$oc_url" \
		<<<"$oc_password" 2>"$T/last") || fail "openconnect --authenticate"
	oc_cookie=$(sed -n "s/^COOKIE='\(.*\)'\$/\1/p" <<<"$out")
	[ -n "$oc_cookie" ] || fail "openconnect --authenticate gives no cookie: $out"
}

# vpn ARGUMENT...: our own small client, see vpn.py.
vpn() { in_cl /usr/bin/python3 "$here/vpn.py" --ca "$T/ca.pem" "$@"; }

# pings NAMESPACE ADDRESS [OPTION...]
pings() {
	local ns=$1 to=$2
	shift 2
	ip netns exec "$ns" ping -n -q -c 3 -i 0.2 -W $((2 * slow)) "$@" "$to"
}

# {{ life }}

cleanup() {
	local status=$? ns p
	trap - EXIT
	set +e
	[ "$status" = 0 ] || [ "$status" = 77 ] || [ "$said" = 1 ] || { echo "FAIL a command failed (status $status)"; context; }
	disown -a # the shell has no remarks about each, then
	for p in "${pids[@]}"; do
		kill -s KILL "$p" 2>/dev/null
	done
	for ns in "$cl" "$gw" "$host"; do
		# Ours alone live there: children of what was killed above.
		for p in $(ip netns pids "$ns" 2>/dev/null); do
			kill -s KILL "$p" 2>/dev/null
		done
		ip netns del "$ns" 2>/dev/null
	done
	if [ -n "${KEEP:-}" ]; then
		echo "kept: $T"
	else
		rm -rf "$T"
	fi
	exit "$status"
}

need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "no $program; run: sudo scripts/setup.sh test"
	done
}

setup() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	need ip "$OPENCONNECT" iperf3 ping python3 openssl nft
	[ -c /dev/net/tun ] || skip "no /dev/net/tun"
	[ -x "$(server_program)" ] || skip "no $(server_program); run: make build"
	T=$(mktemp -d -t ocm-net.XXXXXX)
	trap cleanup EXIT
	trap 'exit 1' INT TERM
	chmod 711 "$T"
	make_network
	make_authority
	make_certificate server "/CN=vpn.example.test"
	add_user test
}

setup
