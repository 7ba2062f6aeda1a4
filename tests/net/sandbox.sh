#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# sandbox.sh - what an attacker would have who took over a process: no capability, a user of its own, no file, no call that opens
# anything (tests/net/inject.c makes a running process try), and in a worker's memory no private key. In a sanitizer build the
# run-time needs some of these calls: there the rest is tried, and Landlock is, which seccomp hides in a release build.
# The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_many.sh"

readonly inject=$BUILD_DIR/tests/inject
readonly secret=pass-$$-$RANDOM-$RANDOM-$RANDOM
need setpriv
[ -x "$inject" ] || skip "no $inject; run: make build"

status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
number_of() { status_of "$1" "$2" | cut -f 1; } # Uid, Gid: the real one

# {{ from outside }}

closed_from_outside() {
	local name=$1 pid=$2 set uid
	uid=$(number_of "$pid" Uid)
	ok "$name: seccomp filters its calls" equal "$(status_of "$pid" Seccomp)" 2
	ok "$name: no new privileges" equal "$(status_of "$pid" NoNewPrivs)" 1
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		ok "$name: $set is empty" equal "$(status_of "$pid" $set)" 0000000000000000
	done
	ok "$name: its user is $uid, four times" equal "$(status_of "$pid" Uid | tr '\t' ' ')" "$uid $uid $uid $uid"
	ok "$name: that is not root" not equal "$uid" 0
	ok "$name: nor is its group" not equal "$(number_of "$pid" Gid)" 0
	ok "$name: no further group" equal "$(status_of "$pid" Groups | tr -d ' ')" ""
	ok "$name: no core file" has "/proc/$pid/limits" '^Max core file size  *0  *0 '
	ok "$name: no file is open" equal "$(open_files "$pid")" ""
	is_sanitized || ok "$name: not dumpable, root owns its /proc" equal "$(command stat -c %u "/proc/$pid/mem")" 0
}
open_files() {
	find "/proc/$1/fd" -lname '/*' ! -lname /dev/null ! -lname "$T/state/state.db*" ! -lname /dev/net/tun ! -lname '/memfd:*' -printf '%l\n'
}

# as_user_of PID COMMAND...: as an ordinary process of the same user, outside of the sandbox
as_user_of() {
	local uid gid
	uid=$(number_of "$1" Uid)
	gid=$(number_of "$1" Gid)
	shift
	setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"
}

from_outside() {
	local users name
	for name in worker0 worker1 keeper control metrics; do
		closed_from_outside "$name" "$(pid_of "$name")"
	done
	users=$(for name in worker0 keeper control metrics; do
		number_of "$(pid_of "$name")" Uid
	done | sort -u | wc -l)
	ok "workers, keeper, control and metrics are four users" equal "$users" 4
	if ! is_sanitized; then
		ok "worker 0: no further process" has "/proc/$(pid_of worker0)/limits" '^Max processes  *0  *0 '
		ok "the user of the workers cannot look into a worker" not as_user_of "$(pid_of worker0)" cat "/proc/$(pid_of worker1)/maps"
		ok "the user of the workers cannot look into the keeper" not as_user_of "$(pid_of worker0)" cat "/proc/$(pid_of keeper)/maps"
	fi
}

# {{ from inside }}

# What sanitizers need: see sandbox.c.
is_open_in_sanitizers() {
	is_sanitized || return 1
	case $1 in openat | ptrace | clone | vfork | kill | process_vm_readv | mmap | prctl | prlimit64) return 0 ;; esac
	return 1
}

# dies NAME CALL [ARGUMENT...]: the process is killed by SIGSYS, and another takes its place.
dies() {
	local name=$1 pid out
	shift
	if is_open_in_sanitizers "$1"; then
		echo "skip $name: $1 is open in a sanitizer build"
		return
	fi
	wait_until 20 is_ready "$name" >"$T/last" || fail "$name is not there"
	pid=$(pid_of "$name")
	out=$(injected "$pid" "$@") || fail "$name: inject $*: $out"
	if [[ $out == *"no call"* ]]; then
		echo "skip $name: this machine has no call $1"
		return
	fi
	ok "$name: $1: $out" equal "$out" "dies 31 SYS"
	ok "$name: the log tells it" wait_until 5 has "$T/server.log" "child.died name=$name pid=$pid signal=31"
}

# returns NAME VALUE CALL [ARGUMENT...]
returns() {
	local name=$1 value=$2 pid out
	shift 2
	pid=$(pid_of "$name")
	out=$(injected "$pid" "$@") || fail "$name: inject $*: $out"
	ok "$name: $1 $out" equal "$out" "returns $value"
	ok "$name: it goes on" equal "$(pid_of "$name")" "$pid"
}

# It works only where a process stopped in a call: a busy one is tried again.
injected() {
	local i out
	for i in 1 2 3 4 5 6 7 8 9 10; do
		! out=$("$inject" "$@" 2>&1) || { echo "$out"; return 0; }
		[[ $out != *"no call"* ]] || { echo "$out"; return 0; }
	done
	echo "$out"
	return 1
}

# What each process would need to reach further; the program and file named exist.
readonly calls="open @/etc/passwd 0
openat -100 @/etc/passwd 0
openat2 -100 @/etc/passwd 0 24
creat @/tmp/x 420
socket 2 1 0
socketpair 1 1 0 0
connect 3 0 0
bind 3 0 0
execve @/bin/true 0 0
execveat -100 @/bin/true 0 0 0
ptrace 16 1
clone 17
fork
vfork
kill 1 0
process_vm_readv 1 0 0 0 0 0
mmap 0 4096 7 34 -1 0
bpf 5 0 0
perf_event_open 0 0 -1 -1 0
unshare 268435456
setns 3 0
mount @none @/tmp @tmpfs 0 0
chroot @/
setuid 0
keyctl 0 0 0
memfd_create @x 0
prctl 4 1
prlimit64 0 7 @0123456789abcdef 0"

from_inside() {
	local n=0 line name
	local -a words
	returns worker0 "$(pid_of worker0)" getpid
	returns worker0 -38 io_uring_setup 4 0
	if is_sanitized; then
		for name in worker0 keeper control metrics; do
			returns $name -13 openat -100 @/etc/passwd 0 # EACCES: that is Landlock
			returns $name -13 openat -100 "@$T/server-key.pem" 0
		done
	else
		returns worker0 -38 clone3 0 0
	fi
	# one call a worker, so that none has to wait for its back-off
	while read -r line; do
		read -ra words <<<"$line"
		dies "worker$((n % workers))" "${words[@]}"
		n=$((n + 1))
	done <<<"$calls"
	for name in keeper control metrics; do
		dies $name openat -100 @/etc/passwd 0
		dies $name socket 2 1 0
		dies $name execve @/bin/true 0 0
		dies $name clone 17
	done
	ok "the server is still there" is_alive "$server_pid"
	ok "the keeper is back" wait_until 20 is_ready keeper
	ok "control is back" wait_until 20 is_ready control
	ok "metrics is back" wait_until 20 is_ready metrics
	ok "a login works" wait_until 5 login_works
}
login_works() {
	in_cl timeout 5 /usr/bin/python3 "$here/vpn.py" --ca "$T/ca.pem" login test "$password" | tee "$T/last" | grep -q '^200 .\{10\}'
}

# {{ memory }}

# find_in PID FILE-OF-NEEDLES: names of the needles (lines "NAME HEX") that the present pages of this process hold.
find_in() {
	/usr/bin/python3 - "$@" <<-'END'
		import os, struct, sys
		pid, file = sys.argv[1:]
		needles = [line.split() for line in open(file)]
		needles = [(name, bytes.fromhex(text)) for name, text in needles]
		page = os.sysconf("SC_PAGESIZE")
		found, total = {}, 0
		mem = open(f"/proc/{pid}/mem", "rb", buffering=0)
		present = open(f"/proc/{pid}/pagemap", "rb", buffering=0)
		for line in open(f"/proc/{pid}/maps"):
		    span, rights, _, _, inode = line.split()[:5]
		    if rights[0] != "r" or "[v" in line:
		        continue
		    begin, end = (int(x, 16) for x in span.split("-"))
		    present.seek(begin // page * 8)
		    raw = present.read((end - begin) // page * 8)
		    pages = [x >> 62 != 0 for x, in struct.iter_unpack("<Q", raw)] + [False]
		    at = 0
		    while at < len(pages) - 1:
		        if not pages[at]:
		            at += 1
		            continue
		        stop = pages.index(False, at)
		        mem.seek(begin + at * page)
		        data = mem.read((stop - at) * page)
		        total += len(data)
		        for name, needle in needles:
		            if needle in data:
		                found[name] = found.get(name, 0) + 1
		        at = stop
		print(f"{total >> 10} KB", file=sys.stderr)
		print(" ".join(f"{name}:{n}" for name, n in sorted(found.items())))
	END
}

# key_needles FILE: lines "NAME HEX" of a private key: its secret numbers as they stand in a file (DER) and as limbs of a big
# number (the bytes the other way round), each in pieces of 16 bytes, and the lines of the PEM text.
key_needles() {
	openssl pkey -in "$1" -noout -text | /usr/bin/python3 -c '
import re, sys
text = re.sub(r"\n +", "", sys.stdin.read())
secret = ("priv", "privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient")
for name, digits in re.findall(r"^(\w+):((?:[0-9a-f]{2}:)+[0-9a-f]{2})", text, re.M):
    if name not in secret:
        continue
    number = bytes.fromhex(digits.replace(":", "")).lstrip(b"\0")
    for i in range(0, len(number) - 15, 16):
        print(f"{name}.der", number[i:i + 16].hex())
        print(f"{name}.limbs", number[i:i + 16][::-1].hex())
for line in open(sys.argv[1]).read().split("\n")[1:-2]:
    if len(line) >= 32:
        print("pem", line.encode().hex())
' "$1"
}

has_key() { grep -q "$1" <<<"$2" || { echo "no $1 in: $2"; return 1; }; }

# handshakes TYPE: some new connections, of which the key signs each
handshakes() {
	local _
	for _ in {1..12}; do
		in_gw openssl s_client -connect $gw4:443 </dev/null >"$T/s_client" 2>&1
		has "$T/s_client" "Peer signature type: $1" || return 1
	done
}

make_rsa() {
	(
		new_key() { openssl genrsa -out "$1" 2048 2>"$T/openssl.txt"; }
		make_certificate rsa "/CN=vpn.example.test"
	)
}

# in_memory TYPE CERTIFICATE SECRET: after handshakes and logins the numbers named SECRET are in the keeper only.
in_memory() {
	local w pid found
	ok "$1: handshakes" handshakes "$1"
	oc_user=secretary oc_password=$secret
	mc_cookies 8
	oc_user=test oc_password=$password
	for w in 0 1 2 3; do
		mc_start "m$w" "${cookies[w]}"
	done
	ok "$1: clients with DTLS, too" mc_wait 4
	key_needles "$T/$2-key.pem" >"$T/needles"
	ok "$1: $(wc -l <"$T/needles") pieces of the key are looked for" at_least "$(wc -l <"$T/needles")" 6
	found=$(find_in "$(pid_of keeper)" "$T/needles" 2>"$T/size")
	ok "$1: keeper: $(cat "$T/size") searched, the key is there" has_key "$3" "$found"
	# what a worker must have, so that the search itself is seen to work
	openssl x509 -in "$T/$2.pem" -outform DER | tail -c +100 | head -c 32 | xxd -p -c 64 | sed 's/^/certificate /' >"$T/public"
	echo "password $(printf %s "$secret" | xxd -p -c 200)" >"$T/password"
	for w in 0 1; do
		pid=$(pid_of worker$w)
		ok "$1: worker $w: its certificate is found" has_key certificate "$(find_in "$pid" "$T/public" 2>"$T/size")"
		ok "$1: worker $w: $(cat "$T/size") searched, no piece of the key" equal "$(find_in "$pid" "$T/needles" 2>"$T/size")" ""
		ok "$1: worker $w: no password of a login" equal "$(find_in "$pid" "$T/password" 2>"$T/size")" ""
	done
	ok "$1: control: no piece of the key" equal "$(find_in "$(pid_of control)" "$T/needles" 2>"$T/size")" ""
	mc_stop_all
}

rsa_in_memory() {
	make_rsa
	server_start workers=2 server-cert="$T/rsa.pem" server-key="$T/rsa-key.pem"
	in_memory RSA rsa 'prime1\.'
	server_stop
}

need xxd
printf '%s\n%s\n' "$secret" "$secret" | ocpasswd -c "$T/ocpasswd" secretary >>"$T/ocpasswd.txt" 2>&1
server_start workers=2 "metrics-socket=$T/metrics.socket"
from_outside
if is_sanitized; then
	echo "skip search for keys in memory: the allocator of the sanitizer keeps what was freed"
else
	in_memory ECDSA server 'priv\.'
fi
server_stop
is_sanitized || rsa_in_memory

# as many as there are calls to try
workers=$(wc -l <<<"$calls")
server_start workers="$workers" "metrics-socket=$T/metrics.socket"
from_inside
server_stop
