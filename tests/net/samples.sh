#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# samples.sh - the sample configurations of Debian's ocserv: each starts unchanged once the files that it names exist, and a client
# logs in; then each line that a sample has as a comment, taken into it: what ocserv takes, ours takes. The network is drawn in lib.sh.
#
# The server sees them under their own paths: its /etc/ocserv and /run are others, in a mount namespace of its own.
. "$(dirname "$0")/lib.sh"
is_ours || skip "it is about ours"
command -v ocserv >/dev/null || skip "no ocserv; run: sudo scripts/setup.sh test"

# What ocserv's package has. In Debian 12 the sample is the configuration file itself.
samples() {
	find /etc/ocserv /usr/share/doc/ocserv -name '*.conf*' -o -name 'sample.config*' 2>/dev/null | sort
}

# The files that samples name.
make_files() {
	local etc=$T/etc
	rm -rf "$etc"
	mkdir -p "$etc"
	cp -a /etc/ocserv/. "$etc"
	cp "$T/ocpasswd" "$etc/passwd"
	chmod 644 "$etc/passwd"
	cp "$T/server.pem" "$etc/server-cert.pem"
	cp "$T/server-key.pem" "$etc/server-key.pem"
	cp "$T/ca.pem" "$etc/ca.pem"
	mkdir -p "$T/radiusclient"
	printf '%s\n' 'authserver 127.0.0.1' 'acctserver 127.0.0.1' 'servers /etc/radiusclient/servers' \
		'dictionary /etc/radiusclient/dictionary' >"$T/radiusclient/radiusclient.conf"
	echo '127.0.0.1 secret' >"$T/radiusclient/servers"
	: >"$T/radiusclient/dictionary"
	chmod -R go-w "$T/radiusclient"
	chmod 600 "$T/radiusclient/servers"
	echo 'HOTP test - 00' >"$T/sample.otp"
}

# inside COMMAND...: where these files are in their places; exec, so that the number of the process is that of the command.
cat >"$T/inside" <<-END
	mount -t tmpfs none /mnt
	mkdir -p /mnt/upper /mnt/work
	mount -t overlay none -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
	cp -a "$T/radiusclient" /etc/radiusclient
	mount --bind "$T/etc" /etc/ocserv
	mount -t tmpfs none /run
	mount -t tmpfs none /var/lib
	cd "$T"
	exec "\$@"
END
inside() { in_gw unshare -m bash "$T/inside" "$@"; }

# text FILE: of a sample
text() { case $1 in *.gz) zcat "$1" ;; *) cat "$1" ;; esac; }
# The lines that a sample has as comments, but which both servers demand.
with_certificate() { sed '0,/^#server-cert = /s//server-cert = /; 0,/^#server-key = /s//server-key = /'; }

refuses() { ! "$@" >"$T/said" 2>&1 && grep -q server-cert "$T/said"; }
is_there() { inside_of occtl show status >"$T/status"; }
# inside_of COMMAND...: in the place of the running server
inside_of() { nsenter -t "$server_pid" -m -n "$BUILD_DIR/bin/$1" --json "${@:2}"; }
has_inner_address() { has <(echo "$(oc_ip4 c)") "$1"; }

one_sample() {
	local file=$1 name
	name=$(basename "$file")
	text "$file" >"$T/etc/sample.conf"
	if ! grep -q '^server-cert' "$T/etc/sample.conf"; then
		ok "$name, unchanged, names no certificate: ocserv refuses it for that" refuses inside ocserv -t -c /etc/ocserv/sample.conf
		ok "$name: ours, too" refuses inside "$(server_program)" -t -c /etc/ocserv/sample.conf
	fi
	text "$file" | with_certificate >"$T/etc/sample.conf"
	spawn "$gw" "$T/server.log" unshare -m bash "$T/inside" "$(server_program)" -f -c /etc/ocserv/sample.conf
	server_pid=$spawned
	ok "$name: the server starts" wait_until 20 is_there
	oc_connect c
	ok "$name: a client has an address of its network" has_inner_address "$(sed -n 's/^ipv4-network = \(.*\)\.[0-9]*$/\1/p' "$T/etc/sample.conf" | tail -n 1)\\."
	ok "$name: and reaches the server through the tunnel" pings "$cl" "$(inside_of occtl show users | json "d[0]['P-t-P IPv4']")" -I "$(oc_value c TUNDEV)"
	ok "$name: occtl at its place of the sample" equal "$(inside_of occtl show users | json "d[0]['Username']")" test
	oc_stop c
	server_stop
	rm -f "$T/c/log"
	cp "$T/server.log" "$T/server.$name.log"
}

# each_line FILE: of ocserv's and our opinion on each line that is a comment
each_line() {
	text "$1" | with_certificate >"$T/etc/sample.conf"
	in_gw unshare -m bash "$T/inside" /usr/bin/python3 - "$(server_program)" "$T/warned" <<-'END'
		import re, subprocess, sys
		ours, warned = sys.argv[1:]
		base = open("/etc/ocserv/sample.conf").read()
		# placeholders, not values; and what is said to be planned
		left_out = ["[IP|HOSTNAME]", "gssapi"]
		def takes(program, text):
		    open("/run/c", "w").write(text)
		    r = subprocess.run([program, "-t", "-c", "/run/c"], capture_output=True, text=True)
		    return r.returncode == 0, r.stdout + r.stderr
		lines = [l for l in dict.fromkeys(base.splitlines()) if re.match(r"#[a-z][a-z0-9-]* *=", l)]
		assert len(lines) > 50, lines
		assert takes("ocserv", base)[0], takes("ocserv", base)[1]
		good, said = takes(ours, base)
		assert good, said
		warnings, bad, both = [said], [], 0
		for line in lines:
		    text = base.replace("\n" + line + "\n", "\n" + line[1:] + "\n", 1)
		    if line.startswith("#auth"):
		        text = re.sub(r"(?m)^auth = .*$", "", base, count=1) + line[1:] + "\n"
		    if "certificate" in line or "radius" in line:
		        text += "ca-cert = /etc/ocserv/ca.pem\n"
		    if not takes("ocserv", text)[0]:
		        continue
		    both += 1
		    good, said = takes(ours, text)
		    warnings.append(said)
		    if not good and not any(word in line for word in left_out):
		        bad.append(line + "\n" + said)
		    # what has no effect is told by line and name, else the administrator would believe in it
		open(warned, "w").write("".join(sorted(set(re.sub(r"^.*?: warning", "warning", w)
		                                           for s in warnings for w in s.splitlines() if "no effect" in w))))
		print(f"{len(lines)} lines, ocserv takes {both}")
		assert both > 60 and not bad, "\n".join(bad)
	END
}

add_user test
chmod 755 "$T"
make_files
mapfile -t files < <(samples)
ok "there are samples: ${files[*]}" at_least "${#files[@]}" 1
mkdir -p "$T/state"
for file in "${files[@]}"; do
	one_sample "$file"
	ok "$(basename "$file"): each line that is a comment" each_line "$file"
done
