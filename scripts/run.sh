#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# run.sh - a server to try: test CA, certificate, user and configuration in STATE, then the server in the foreground.
#
#   STATE=./state PORT=4443 PRESET=release scripts/run.sh
#
# What is there already is kept: edit STATE/ocserv.conf and run again. Remove STATE to begin anew.
set -euo pipefail
umask 022
top=$(cd "$(dirname "$0")/.." && pwd)
readonly top
PATH=$PATH:/usr/sbin:/sbin
readonly port=${PORT:-4443}
readonly bin=$top/build/${PRESET:-release}/bin
readonly user=test
state=${STATE:-$top/state}

say() { echo "run: $*" >&2; }
die() { say "$*"; exit 1; }

# key FILE
key() { (umask 077 && openssl ecparam -name prime256v1 -genkey -noout -out "$1"); }

make_ca() {
	[ ! -s "$state/ca.pem" ] || return 0
	say "making a test CA"
	key "$state/ca-key.pem"
	openssl req -x509 -new -key "$state/ca-key.pem" -sha256 -days 3650 -subj "/CN=ocserv-modern test CA" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
		-out "$state/ca.pem"
	rm -f "$state/server.pem"
}

make_certificate() {
	local names said
	if [ -s "$state/server.pem" ] && openssl x509 -in "$state/server.pem" -checkend 86400 -noout >/dev/null; then
		return
	fi
	say "making a server certificate"
	names="DNS:localhost,DNS:vpn.example.test,DNS:$(hostname),IP:127.0.0.1,IP:::1"
	key "$state/server-key.pem"
	openssl req -new -key "$state/server-key.pem" -subj "/CN=vpn.example.test" -out "$state/server.csr"
	said=$(openssl x509 -req -in "$state/server.csr" -CA "$state/ca.pem" -CAkey "$state/ca-key.pem" -CAcreateserial \
		-sha256 -days 825 -out "$state/server.pem" -extfile <(
			echo "basicConstraints=critical,CA:FALSE"
			echo "keyUsage=critical,digitalSignature"
			echo "extendedKeyUsage=serverAuth"
			echo "subjectAltName=$names"
		) 2>&1) || die "openssl: $said"
	rm -f "$state/server.csr"
}

make_user() {
	local password
	if [ -s "$state/ocpasswd" ] && [ -s "$state/password.txt" ]; then
		return
	fi
	[ -x "$bin/ocpasswd" ] || die "no $bin/ocpasswd; run: make build"
	say "making the user '$user'"
	password=$(openssl rand -hex 12)
	(
		umask 077
		echo "$password" >"$state/password.txt"
		printf '%s\n%s\n' "$password" "$password" | "$bin/ocpasswd" -c "$state/ocpasswd" "$user" >/dev/null
	)
}

make_configuration() {
	[ ! -s "$state/ocserv.conf" ] || return 0
	say "writing $state/ocserv.conf"
	cat >"$state/ocserv.conf" <<-END
		# A server to try ocserv-modern with. The syntax is ocserv's.
		auth = "plain[passwd=$state/ocpasswd]"

		tcp-port = $port
		udp-port = $port

		server-cert = $state/server.pem
		server-key = $state/server-key.pem

		occtl-socket-file = $state/occtl.socket
		use-occtl = true
		pid-file = $state/ocserv.pid
		state-dir = $state/keeper

		max-clients = 128
		max-same-clients = 0
		keepalive = 300
		dpd = 60
		mobile-dpd = 300
		cookie-timeout = 300
		try-mtu-discovery = false

		device = vpns
		ipv4-network = 192.168.77.0/24
		ipv6-network = fd77:6f63::/64
		ipv6-subnet-prefix = 128
		dns = 192.168.77.1

		# With no route at all everything of the client goes through the tunnel.
		route = 192.168.77.0/24
		route = fd77:6f63::/64
		# route = default
	END
}

configured_port() {
	sed -n 's/^[[:space:]]*tcp-port[[:space:]]*=[[:space:]]*\([0-9]*\).*/\1/p' "$state/ocserv.conf" | head -1
}

check_port() {
	local holder
	holder=$(ss -Hltunp "sport = :$1" | head -1)
	[ -z "$holder" ] ||
		die "port $1 is taken ($(grep -o 'users:.*' <<<"$holder" || echo 'by another process')); stop it, or: rm -r $state; sudo make run PORT=5443"
}

say_how_to_connect() {
	local pin
	pin=$(openssl x509 -in "$state/server.pem" -pubkey -noout | openssl pkey -pubin -outform DER |
		openssl dgst -sha256 -binary | base64)
	cat <<-END

		The server will listen on port $1. From another terminal of this machine:

		    sudo openconnect --cafile $state/ca.pem --user $user --passwd-on-stdin https://localhost:$1/ < $state/password.txt

		From another machine (put its address for HOST; the password is the line in $state/password.txt):

		    sudo openconnect --servercert pin-sha256:$pin --user $user https://HOST:$1/

		Who is connected:   sudo $bin/occtl -s $state/occtl.socket show users
		Stop the server:    Ctrl-C

	END
}

main() {
	local at
	[ -x "$bin/ocserv-modern" ] || die "no $bin/ocserv-modern; run: make build"
	[ "$(id -u)" = 0 ] || die "the server makes a TUN device and starts processes as other users: sudo make run"
	mkdir -p "$state"
	state=$(cd "$state" && pwd)
	make_ca
	make_certificate
	make_user
	make_configuration
	at=$(configured_port)
	check_port "${at:-443}"
	say_how_to_connect "${at:-443}"
	exec "$bin/ocserv-modern" -f -c "$state/ocserv.conf"
}

main "$@"
