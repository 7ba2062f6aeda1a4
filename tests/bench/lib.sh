# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# lib.sh - the ground of run.sh: a network, servers and clients that stay up side by side, and the clocks they are measured by
#
#        cl                             gw                              host
#   198.51.100.2 o0 ---- veth ---- o0 198.51.100.1
#   all clients                       all servers
#                                     203.0.113.1 o1 ---- veth ---- o0 203.0.113.2
#   inner 10.70+n.x ==== tunnel ====                                    203.0.113.(10+n), one for each subject: the client
#                                                                       routes this address alone through its tunnel
#
# A subject is one tunnel: veth (none at all), nulltun, ours-dtls, ... A server is a process tree in a cgroup of its own: that is
# where its CPU time and its memory are read, children that have ended included. Servers stay on $server_cpus, all else on $load_cpus.
set -euo pipefail
umask 022
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE_DIR=${SOURCE_DIR:-$(cd "$here/../.." && pwd)}
BUILD_DIR=${BUILD_DIR:-$SOURCE_DIR/build/release}
readonly here SOURCE_DIR BUILD_DIR

readonly cl=ocm-bcl-$$ gw=ocm-bgw-$$ host=ocm-bhost-$$
readonly gw4=198.51.100.1 cl4=198.51.100.2
readonly password='correct horse'
readonly bin=$BUILD_DIR/bin tools=$BUILD_DIR/tests
# where a section leaves its results; run.sh sets them
results=/dev/null
facts=/dev/null

# The last core is the server's: interrupts of a small machine come to the first one.
cpus=$(nproc)
if [ "$cpus" -gt 1 ]; then
	server_cpus=${SERVER_CPUS:-$((cpus - 1))} load_cpus=${LOAD_CPUS:-0$([ "$cpus" = 2 ] || echo "-$((cpus - 2))")}
else
	server_cpus=0 load_cpus=0
fi
readonly cpus server_cpus load_cpus

T=
cgroup=
pids=()
spawned=

say() { echo "bench: $*" >&2; }
die() { say "$*"; exit 1; }

# {{ processes }}

is_alive() { kill -0 "$1" 2>/dev/null; }
in_cl() { taskset -c "$load_cpus" ip netns exec "$cl" "$@"; }
in_gw() { ip netns exec "$gw" "$@"; }
in_host() { taskset -c "$load_cpus" ip netns exec "$host" "$@"; }

# wait_until SECONDS COMMAND...
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# spawn NAMESPACE CPUS GROUP LOG COMMAND...: in the background, $spawned is its number; GROUP - for none.
spawn_input=/dev/null
spawn() {
	local ns=$1 on=$2 group=$3 log=$4
	shift 4
	(
		if [ "$group" != - ]; then
			mkdir -p "$cgroup/$group"
			echo "$BASHPID" >"$cgroup/$group/cgroup.procs"
		fi
		exec taskset -c "$on" ip netns exec "$ns" "$@"
	) <"$spawn_input" >>"$log" 2>&1 &
	spawned=$!
	pids+=("$spawned")
	disown "$spawned" # no remark of the shell when it is killed
}

# end PID [SIGNAL]
end() {
	kill -s "${2:-TERM}" "$1" 2>/dev/null || true
	wait_until 15 eval "! kill -0 $1" || kill -s KILL "$1" 2>/dev/null || true
}

# {{ the clocks }}

# cpu_us SERVER: microseconds of all its processes, living and dead.
cpu_us() {
	if [ -r "$cgroup/$1/cpu.stat" ]; then
		sed -n 's/^usage_usec //p' "$cgroup/$1/cpu.stat"
	else
		echo 0
	fi
}

# pss_kb SERVER: summed over all its processes.
pss_kb() {
	local p sum=0 n
	while read -r p; do
		n=$(sed -n 's/^Pss: *\([0-9]*\).*/\1/p' "/proc/$p/smaps_rollup" 2>/dev/null || true)
		sum=$((sum + ${n:-0}))
	done <"$cgroup/$1/cgroup.procs"
	echo "$sum"
}

now_us() { echo "${EPOCHREALTIME/./}"; }

# emit SUBJECT METRIC VALUE: one result of the section that runs; medians are made by report.py.
emit() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$results"; }
fact() { printf '%s\t%s\n' "$1" "$2" >>"$facts"; }

calc() { awk "BEGIN { printf \"%.6g\", $1 }"; }

# json FILE EXPRESSION: Python over the document d.
json() {
	/usr/bin/python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$1" "$2"
}

# {{ the network }}

make_namespace() {
	ip netns add "$1"
	ip netns exec "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	ip -n "$1" link set lo up
}

make_network() {
	local ns i
	for ns in "$cl" "$gw" "$host"; do
		make_namespace "$ns"
	done
	ip link add o0 netns "$cl" type veth peer name o0 netns "$gw"
	ip link add o1 netns "$gw" type veth peer name o0 netns "$host"
	ip -n "$cl" addr add $cl4/24 dev o0
	ip -n "$gw" addr add $gw4/24 dev o0
	ip -n "$gw" addr add 203.0.113.1/24 dev o1
	ip -n "$host" addr add 203.0.113.2/24 dev o0
	for ((i = 10; i < 30; i++)); do
		ip -n "$host" addr add "203.0.113.$i/24" dev o0
	done
	ip -n "$cl" link set o0 up
	ip -n "$gw" link set o0 up
	ip -n "$gw" link set o1 up
	ip -n "$host" link set o0 up
	ip -n "$host" route add default via 203.0.113.1
	in_gw sysctl -qw net.ipv4.ip_forward=1
	[ "${RPS:-0}" = 0 ] || steer_packets
}

# mask_of CPUS: 1-2,4 -> 16 (hex)
mask_of() {
	local part first last i mask=0
	for part in ${1//,/ }; do
		first=${part%-*} last=${part#*-}
		for ((i = first; i <= last; i++)); do
			mask=$((mask | 1 << i))
		done
	done
	printf '%x' "$mask"
}

# What a namespace receives is worked on by its own cores, not by those of the sender.
steer_packets() {
	local load server
	load=$(mask_of "$load_cpus") server=$(mask_of "$server_cpus")
	ip netns exec "$cl" sh -c "echo $load >/sys/class/net/o0/queues/rx-0/rps_cpus"
	ip netns exec "$host" sh -c "echo $load >/sys/class/net/o0/queues/rx-0/rps_cpus"
	ip netns exec "$gw" sh -c "echo $server | tee /sys/class/net/o0/queues/rx-0/rps_cpus /sys/class/net/o1/queues/rx-0/rps_cpus >/dev/null"
}

# {{ files }}

# make_certificate NAME PURPOSE: NAME.pem and NAME-key.pem
make_certificate() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$T/$1-key.pem"
	openssl req -new -key "$T/$1-key.pem" -subj "/CN=$1.example.test" -out "$T/$1.csr"
	openssl x509 -req -in "$T/$1.csr" -CA "$T/ca.pem" -CAkey "$T/ca-key.pem" -CAcreateserial -sha256 -days 2 \
		-out "$T/$1.pem" -extfile <(
			echo "basicConstraints=critical,CA:FALSE"
			echo "keyUsage=critical,digitalSignature"
			echo "extendedKeyUsage=$2"
			echo "subjectAltName=DNS:$1.example.test,IP:$gw4"
		) 2>>"$T/openssl.txt"
}

make_files() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$T/ca-key.pem"
	openssl req -x509 -new -key "$T/ca-key.pem" -sha256 -days 2 -subj "/CN=bench authority" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out "$T/ca.pem"
	make_certificate server serverAuth
	make_certificate client clientAuth
	# shellcheck disable=SC2016 # Perl's variables, and the dollars of crypt(3)
	perl -e 'my %salt = (cheap => q($1$bench), yescrypt => q($y$j9T$benchbenchbe));
		print "$_:*:", crypt($ARGV[0], $salt{$_}), "\n" for sort keys %salt' "$password" >"$T/ocpasswd"
	chmod 600 "$T/ocpasswd"
	echo "$password" >"$T/password.txt"
}

# {{ servers }}

declare -A server_pid=()

# port_of SERVER, net_of SERVER
port_of() {
	case $1 in
	ours*) echo 443 ;;
	ocserv*) echo 4443 ;;
	openvpn) echo 1194 ;;
	wireguard-go) echo 51820 ;;
	nulltun) echo 7001 ;;
	nulltun-aes) echo 7002 ;;
	esac
}

vpn_config() {
	local inner=$2 port
	port=$(port_of "$1")
	cat <<-END
		auth = "plain[passwd=$T/ocpasswd]"
		tcp-port = $port
		udp-port = $port
		server-cert = $T/server.pem
		server-key = $T/server-key.pem
		use-occtl = true
		occtl-socket-file = $T/$1-occtl.socket
		pid-file = $T/$1.pid
		max-clients = 0
		max-same-clients = 0
		keepalive = 300
		dpd = 60
		mobile-dpd = 300
		cookie-timeout = 300
		device = $1
		ipv4-network = $inner/16
		route = 203.0.113.0/24
		log-level = 2
	END
}

start_ours() {
	local workers=${1:-1} on=$server_cpus
	[ "$workers" = 1 ] || on=0-$((cpus - 1))
	vpn_config ours 10.80.0.0 >"$T/ours.conf"
	echo "workers = $workers" >>"$T/ours.conf"
	spawn "$gw" "$on" ours "$T/ours.log" "$bin/ocserv-modern" -f -c "$T/ours.conf"
}

start_ocserv() {
	vpn_config ocserv 10.81.0.0 >"$T/ocserv.conf"
	cat >>"$T/ocserv.conf" <<-END
		socket-file = $T/ocserv.socket
		run-as-user = nobody
		max-ban-score = 0
	END
	spawn "$gw" "$server_cpus" ocserv "$T/ocserv.log" ocserv -f -c "$T/ocserv.conf"
}

# start_nulltun NAME [OPTION]
start_nulltun() {
	local name=$1
	shift
	spawn "$gw" "$server_cpus" "$name" "$T/$name.log" "$tools/nulltun" -d "$name" -p "$(port_of "$name")" -l $gw4 "$@"
	wait_until 5 ip -n "$gw" link show "$name"
	device_up "$gw" "$name" "$(inner_of "$name").1/24" 1400
}

start_openvpn() {
	spawn "$gw" "$server_cpus" openvpn "$T/openvpn.log" openvpn --dev-type tun --dev openvpn --topology subnet \
		--server "$(inner_of openvpn).0" 255.255.255.0 --proto udp --port 1194 --ca "$T/ca.pem" --cert "$T/server.pem" \
		--key "$T/server-key.pem" --dh none --data-ciphers AES-128-GCM --keepalive 10 60 --verb 2
}

start_wireguard-go() {
	local inner
	inner=$(inner_of wireguard-go)
	(umask 077 && wg genkey >"$T/wg-server.key" && wg genkey >"$T/wg-client.key")
	spawn "$gw" "$server_cpus" wireguard-go "$T/wireguard-go.log" wireguard-go -f "ocmbs$$"
	wait_until 5 in_gw wg show "ocmbs$$"
	in_gw wg set "ocmbs$$" private-key "$T/wg-server.key" listen-port "$(port_of wireguard-go)" \
		peer "$(wg pubkey <"$T/wg-client.key")" allowed-ips "$inner.2/32"
	device_up "$gw" "ocmbs$$" "$inner.1/24" 1420
}

device_up() {
	ip -n "$1" addr replace "$3" dev "$2"
	ip -n "$1" link set "$2" up mtu "$4"
}

answers_tls() { in_gw timeout 5 openssl s_client -connect "$gw4:$1" -brief </dev/null; }

# server_start NAME [WORKERS]: false if it does not come up.
server_start() {
	local name=$1
	[ -z "${server_pid[$name]:-}" ] || return 0
	case $name in
	ours) start_ours "${2:-1}" ;;
	ocserv) start_ocserv ;;
	openvpn) start_openvpn ;;
	wireguard-go) start_wireguard-go ;;
	nulltun) start_nulltun nulltun ;;
	nulltun-aes) start_nulltun nulltun-aes -a ;;
	none) return 0 ;;
	esac
	server_pid[$name]=$spawned
	case $name in
	ours | ocserv) wait_until 20 answers_tls "$(port_of "$name")" ;;
	openvpn) wait_until 10 grep -q 'Initialization Sequence Completed' "$T/openvpn.log" ;;
	esac
}

server_stop() {
	[ -n "${server_pid[$1]:-}" ] || return 0
	end "${server_pid[$1]}"
	unset "server_pid[$1]"
	wait_until 10 eval "! grep -q . '$cgroup/$1/cgroup.procs'" || true
	rmdir "$cgroup/$1" 2>/dev/null || true
}

# {{ subjects }}

# *-o-dtls, *-o-tls: octun is the client, else openconnect
readonly all_subjects=(veth nulltun nulltun-aes ours-o-dtls ours-o-tls ours-dtls ours-tls ocserv-o-dtls ocserv-o-tls ocserv-dtls ocserv-tls
	wireguard-go openvpn)
declare -A client_pid=()

number_of() {
	local i
	for i in "${!all_subjects[@]}"; do
		[ "${all_subjects[i]}" != "$1" ] || echo "$i"
	done
}
# the address behind the gateway that is reached through this subject
far_of() { echo "203.0.113.$((10 + $(number_of "$1")))"; }
inner_of() { echo "10.70.$(number_of "$1")"; }

server_of() {
	case $1 in
	ours-* | ocserv-*) echo "${1%%-*}" ;;
	veth) echo none ;;
	*) echo "$1" ;;
	esac
}

is_here() {
	[[ $1 != *-o-* ]] || [ -x "$tools/octun" ] || return 1
	case $(server_of "$1") in
	none) ;;
	ours) [ -x "$bin/ocserv-modern" ] ;;
	nulltun*) [ -x "$tools/nulltun" ] ;;
	ocserv) command -v ocserv && command -v openconnect ;;
	wireguard-go) command -v wireguard-go && command -v wg ;;
	*) command -v "$1" ;;
	esac >/dev/null
}

route_to() { ip -n "$cl" route replace "$(far_of "$1")" dev "$2" ${3:+src "$3"}; }

connect_openconnect() {
	local name=$1 options=()
	[[ $name != *-tls ]] || options=(--no-dtls)
	spawn_input=$T/password.txt
	BENCH_UP=$T/$name.up BENCH_TO=$(far_of "$name") spawn "$cl" "$load_cpus" - "$T/$name-client.log" openconnect -v --non-inter \
		--cafile "$T/ca.pem" --interface "$name" --script "bash '$here/vpnc-script'" --user cheap --passwd-on-stdin \
		"${options[@]}" "https://$gw4:$(port_of "$(server_of "$name")")/"
	client_pid[$name]=$spawned
	spawn_input=/dev/null
	wait_until 20 test -s "$T/$name.up" || return 1
	[[ $name != *-dtls ]] || wait_until 15 grep -q 'Established DTLS connection' "$T/$name-client.log"
}

connect_octun() {
	local name=$1 device ip mtu
	device=oct$(number_of "$name")
	spawn "$cl" "$load_cpus" - "$T/$name-client.log" "$tools/octun" "$device" idle "--${name##*-}" --quiet --verbose --user cheap \
		--password-file "$T/password.txt" --cafile "$T/ca.pem" --servername server.example.test \
		--server "$gw4:$(port_of "$(server_of "$name")")"
	client_pid[$name]=$spawned
	wait_until 20 grep -q '^10\.' "$T/$name-client.log" || return 1
	read -r ip mtu < <(grep '^10\.' "$T/$name-client.log")
	device_up "$cl" "$device" "$ip/32" "$mtu"
	route_to "$name" "$device" "$ip"
}

connect_nulltun() {
	local name=$1
	shift
	spawn "$cl" "$load_cpus" - "$T/$name-client.log" "$tools/nulltun" -d "$name" -p "$(port_of "$name")" -c $gw4 "$@"
	client_pid[$name]=$spawned
	wait_until 5 ip -n "$cl" link show "$name" || return 1
	device_up "$cl" "$name" "$(inner_of "$name").2/24" 1400
	route_to "$name" "$name"
}

connect_openvpn() {
	spawn "$cl" "$load_cpus" - "$T/openvpn-client.log" openvpn --client --dev-type tun --dev openvpn --remote $gw4 1194 udp --nobind \
		--ca "$T/ca.pem" --cert "$T/client.pem" --key "$T/client-key.pem" --data-ciphers AES-128-GCM --verb 2
	client_pid[openvpn]=$spawned
	wait_until 30 grep -q 'Initialization Sequence Completed' "$T/openvpn-client.log" || return 1
	route_to openvpn openvpn
}

connect_wireguard-go() {
	spawn "$cl" "$load_cpus" - "$T/wireguard-go-client.log" wireguard-go -f "ocmbc$$"
	client_pid[wireguard-go]=$spawned
	wait_until 5 in_cl wg show "ocmbc$$" || return 1
	in_cl wg set "ocmbc$$" private-key "$T/wg-client.key" peer "$(wg pubkey <"$T/wg-server.key")" \
		allowed-ips 0.0.0.0/0 endpoint "$gw4:$(port_of wireguard-go)" persistent-keepalive 20
	device_up "$cl" "ocmbc$$" "$(inner_of wireguard-go).2/24" 1420
	route_to wireguard-go "ocmbc$$"
}

connect_subject() {
	case $1 in
	veth) ip -n "$cl" route replace "$(far_of veth)" via $gw4 ;;
	nulltun) connect_nulltun nulltun ;;
	nulltun-aes) connect_nulltun nulltun-aes -a ;;
	*-o-*) connect_octun "$1" ;;
	ours-* | ocserv-*) connect_openconnect "$1" ;;
	*) "connect_$1" ;;
	esac
}

reaches() { in_cl ping -n -q -c 1 -W 2 "$(far_of "$1")"; }

# subject_up NAME: its server runs, its client is connected and the far address answers; false if not.
subject_up() {
	if server_start "$(server_of "$1")" && connect_subject "$1" && wait_until 10 reaches "$1"; then
		return
	fi
	say "$1 does not work here, left out; the end of its logs:"
	tail -n 5 "$T/$(server_of "$1").log" "$T/$1-client.log" >&2 || true
	return 1
}

# subjects_up NAME...: those that work are in $subjects.
subjects=()
subjects_up() {
	local name
	subjects=()
	for name in "$@"; do
		[[ " ${SUBJECTS:-$name} " == *" $name "* ]] || continue
		is_here "$name" || continue
		[ -n "${client_pid[$name]:-}" ] && is_alive "${client_pid[$name]}" || subject_up "$name" || continue
		subjects+=("$name")
	done
}

subjects_down() {
	local name
	for name in "${!client_pid[@]}"; do
		end "${client_pid[$name]}" INT
		unset "client_pid[$name]"
	done
	for name in "${!server_pid[@]}"; do
		server_stop "$name"
	done
}

# {{ life }}

cleanup() {
	local status=$? ns p
	trap - EXIT
	set +e
	{
		for p in "${pids[@]}"; do
			kill -s KILL "$p"
		done
		wait
	} 2>/dev/null
	for ns in "$cl" "$gw" "$host"; do
		# Ours alone live there: children of what was killed above.
		for p in $(ip netns pids "$ns" 2>/dev/null); do
			kill -s KILL "$p" 2>/dev/null
		done
		ip netns del "$ns" 2>/dev/null
	done
	sleep 0.2
	find "$cgroup" -mindepth 1 -type d -exec rmdir {} + 2>/dev/null
	rmdir "$cgroup" 2>/dev/null
	if [ -n "${KEEP:-}" ]; then
		say "kept: $T"
	else
		rm -rf "$T"
	fi
	exit "$status"
}

setup_cgroup() {
	local root
	root=$(findmnt -n -t cgroup2 -o TARGET | head -1)
	if [ -z "$root" ]; then
		root=$T/cgroup
		mkdir "$root"
		mount -t cgroup2 none "$root" || die "no cgroup2: CPU time of a process tree cannot be read"
	fi
	cgroup=$root/ocm-bench-$$
	mkdir "$cgroup"
}

setup() {
	local program
	[ "$(id -u)" = 0 ] || die "needs root"
	for program in ip openconnect iperf3 ping python3 openssl perl taskset; do
		command -v "$program" >/dev/null || die "no $program; run: sudo scripts/setup.sh bench"
	done
	[ -x "$bin/ocserv-modern" ] || die "no $bin/ocserv-modern; run: make build"
	ulimit -n 65536 2>/dev/null || true
	T=$(mktemp -d -t ocm-bench.XXXXXX)
	chmod 711 "$T"
	trap cleanup EXIT
	trap 'exit 1' INT TERM
	setup_cgroup
	make_network
	make_files
}
