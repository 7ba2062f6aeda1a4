#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# certificate.sh - certificates of clients: alone, with a password, instead of one; whose are refused, and what is said to them. The
# network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
is_ours || skip "our own log and counters"

# client NAME SUBJECT [DAYS [CA [EXTENSION...]]]: c-NAME.pem and c-NAME-key.pem
client() {
	local name=$1 subject=$2 days=${3:-2} ca=${4:-users}
	shift $(($# > 4 ? 4 : $#))
	new_key "$T/c-$name-key.pem"
	openssl req -new -key "$T/c-$name-key.pem" -subj "$subject" -multivalue-rdn -utf8 -out "$T/c-$name.csr"
	openssl ca -config "$T/$ca.cnf" -batch -notext -in "$T/c-$name.csr" -out "$T/c-$name.pem" \
		-startdate "$(date -u -d '-3 days' +%y%m%d%H%M%SZ)" -enddate "$(date -u -d "$days days" +%y%m%d%H%M%SZ)" -extfile <(
			echo "basicConstraints=critical,CA:FALSE"
			echo "keyUsage=critical,${usage:-digitalSignature}"
			printf '%s\n' "extendedKeyUsage=${purpose:-clientAuth}" "$@"
		) 2>>"$T/openssl.txt"
}

# authority NAME: NAME.pem, NAME-key.pem, and a NAME.cnf by which openssl-ca(1) signs
authority() {
	new_key "$T/$1-key.pem"
	openssl req -x509 -new -key "$T/$1-key.pem" -sha256 -days 2 -subj "/CN=authority of $1" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out "$T/$1.pem"
	: >"$T/$1.index"
	cat >"$T/$1.cnf" <<-END
		[ca]
		default_ca = c
		[c]
		certificate = $T/$1.pem
		private_key = $T/$1-key.pem
		database = $T/$1.index
		new_certs_dir = $T
		rand_serial = yes
		default_md = sha256
		default_crl_days = 2
		policy = p
		unique_subject = no
		[p]
		domainComponent = optional
		organizationName = optional
		organizationalUnitName = optional
		userId = optional
		commonName = optional
	END
}
new_crl() { openssl ca -config "$T/users.cnf" -gencrl "$@" -out "$T/crl.new" 2>>"$T/openssl.txt" && mv "$T/crl.new" "$T/crl.pem"; }

authority users
authority strangers
client test "/O=x/OU=staff/UID=test/CN=Test"
client other "/O=x/OU=staff/UID=other/CN=Other"
client both "/OU=staff/OU=admins/UID=both/CN=Both"
client late "/OU=staff/UID=test" -1
client stranger "/OU=staff/UID=test" 2 strangers
client nameless "/OU=staff/CN=test"
client groupless "/UID=test/CN=test"
client twice "/OU=staff/UID=test/UID=other"
client mail "/OU=staff/CN=x" 2 users subjectAltName=email:mail@example.test
client gone "/OU=staff/UID=gone"
purpose=serverAuth client server "/OU=staff/UID=test"
usage=keyEncipherment client nosign "/OU=staff/UID=test"
new_crl
openssl ecparam -name prime256v1 -genkey -noout -out "$T/c-self-key.pem"
openssl req -x509 -new -key "$T/c-self-key.pem" -days 2 -subj "/OU=staff/UID=test" -out "$T/c-self.pem"
cat "$T/c-stranger.pem" "$T/strangers.pem" >"$T/c-chain.pem"
cp "$T/c-stranger-key.pem" "$T/c-chain-key.pem"
cat "$T/c-test.pem" "$T/users.pem" >"$T/c-root.pem"
cp "$T/c-test-key.pem" "$T/c-root-key.pem"
add_user other

readonly fields=("ca-cert=$T/users.pem" cert-user-oid=0.9.2342.19200300.100.1.1)

# login CERTIFICATE|- [OPTION...]: what openconnect gets, without a terminal; a password is on its standard input.
login() {
	local name=$1 shown=()
	shift
	[ "$name" = - ] || shown=(-c "$T/c-$name.pem" -k "$T/c-$name-key.pem")
	in_cl timeout $((30 * slow)) "$OPENCONNECT" --authenticate --non-inter --cafile "$T/ca.pem" "${shown[@]}" "$@" "$url4" \
		<<<"$password" >"$T/out" 2>&1 || true
	cat "$T/out"
}
enters() { login "$@" && has "$T/out" '^COOKIE='; }
stays_out() { login "$@" && not grep -q '^COOKIE=' "$T/out"; }
said() { has "$T/out" "$1"; }
log_has() { has "$T/server.log" "$1"; }
refused() { # WHY CERTIFICATE...
	local why=$1
	shift
	stays_out "$@" && log_has "why=\"$why" && said 'ertificate'
}
dialogue() { in_cl /usr/bin/python3 "$here/certificate.py" --ca "$T/ca.pem" --folder "$T" "$@"; }

asks_for_one() {
	sleep 1 | in_cl timeout 20 openssl s_client -connect $gw4:443 >"$T/hello" 2>&1 || true
	has "$T/hello" 'Requested Signature Algorithms'
}

gives_ticket() { asks_for_one || has "$T/hello" 'TLS session ticket:'; }

alone() {
	local versions=$1 version=$2
	server_start auth=certificate "${fields[@]}" "+cert-group-oid=2.5.4.11" "+crl=$T/crl.pem" "+tls-priorities=\"NORMAL:$versions\""
	ok "$versions: the right certificate is all that is needed" enters test
	ok "$versions: it is $version" said "with ciphersuite ($version)"
	ok "$versions: the server asks for one" asks_for_one
	ok "$versions: and gives no ticket" not has "$T/hello" 'TLS session ticket:'
	ok "$versions: it names user and group" log_has 'login.ok user="test" group="staff"'
	ok "$versions: with the root behind it" enters root
	ok "$versions: of two groups one has to be chosen" enters both
	ok "$versions: none was" log_has 'login.ok user="both" group=""'
	ok "$versions: none at all" stays_out -
	ok "$versions: a password instead" stays_out - --user test --passwd-on-stdin
	ok "$versions: of another authority" refused "no authority of ca-cert" stranger
	ok "$versions: with that authority behind it" refused "no authority of ca-cert" chain
	ok "$versions: once more: the first try has left nothing behind" stays_out stranger
	ok "$versions: signed by itself" stays_out self
	ok "$versions: expired" refused "the certificate has expired" late
	ok "$versions: made for servers" refused "the certificate is not made for clients" server
	ok "$versions: without the field of the user" refused "the certificate has no field of cert-user-oid" nameless
	ok "$versions: without the field of the group" refused "the certificate has no field of cert-group-oid" groupless
	ok "$versions: of two users" refused "the certificate names several users" twice
	ok "$versions: the bad ones are counted" stat_above client_certs_bad 5
	ok "$versions: the good ones too" stat_above client_certs 4
	ok "$versions: the right one still is" enters test
	ok "$versions: the documents of it" dialogue alone
	ok "$versions: nothing is resumed" stat_is tls_resumed 0
}

tunnel() {
	oc_start one -c "$T/c-test.pem" -k "$T/c-test-key.pem"
	ok "tunnel: opens by the certificate" oc_wait one
	ok "tunnel: who it is" equal "$(user test "u['Groupname']")" staff
	oc_stop one
}

# Revoked while the server runs.
revoked() {
	ok "revoked: before it is" enters gone
	openssl ca -config "$T/users.cnf" -revoke "$T/c-gone.pem" 2>>"$T/openssl.txt"
	new_crl
	ok "revoked: soon after the list is replaced" wait_until 15 refused "the certificate is revoked" gone
	ok "revoked: others come in" enters test
	echo nonsense >"$T/crl.pem"
	ok "broken list: told" wait_until 15 log_has 'crl.problem'
	ok "broken list: the last good one counts" refused "the certificate is revoked" gone
	ok "broken list: others come in" enters test
	new_crl -crlsec 12
	ok "short list: loaded" wait_until 15 log_has 'crl.loaded'
	ok "expired list: nobody comes in" wait_until 30 refused "the list of crl has expired" test
	new_crl
	ok "a new one: all is well" wait_until 15 enters test
	openssl ca -config "$T/strangers.cnf" -gencrl -out "$T/crl.pem" 2>>"$T/openssl.txt"
	ok "a list of strangers: told" wait_until 15 log_has 'not signed by an authority of ca-cert'
	ok "a list of strangers: the last good one counts" refused "the certificate is revoked" gone
	new_crl
}

with_password() {
	server_start auth=certificate "+auth=\"plain[passwd=$T/ocpasswd]\"" "${fields[@]}"
	ok "and: the certificate and its user's password" enters test --user test --passwd-on-stdin
	ok "and: the certificate alone" stays_out test
	ok "and: the password alone" stays_out - --user test --passwd-on-stdin
	ok "and: the certificate of another, with a right password" dialogue and
	sed -i 's/^test:/was:/' "$T/ocpasswd"
	sleep 1.1
	ok "and: a certificate whose user has no password" stays_out test --user test --passwd-on-stdin
	sed -i 's/^was:/test:/' "$T/ocpasswd"
	nothing_died
	server_stop
}

instead_of_password() {
	server_start "+enable-auth=certificate" "${fields[@]}"
	ok "or: the certificate alone" enters test
	ok "or: a password alone" enters - --user test --passwd-on-stdin
	ok "or: a bad certificate and a password" enters late --user test --passwd-on-stdin
	ok "or: a bad certificate alone" stays_out late
	ok "or: a wrong password" dialogue or
	nothing_died
	server_stop
}

# responder NAME AUTHORITY: answers for users, signed by AUTHORITY, at port 8888 of the server's host; $responder
responder() {
	spawn "$gw" "$T/$1.txt" openssl ocsp -index "$T/users.index" -CA "$T/users.pem" -rsigner "$T/$2.pem" -rkey "$T/$2-key.pem" \
		-port 8888 -nmin 5 -timeout 5 -ignore_err
	responder=$spawned
	wait_until 10 in_gw sh -c 'ss -Hltn sport = :8888 | grep -q .'
}
enough() {
	end "$responder" || true
	wait_until 10 in_gw sh -c '! ss -Hltn sport = :8888 | grep -q .'
}

asked_by_ocsp() {
	client named "/OU=staff/UID=test/CN=named" 2 users "authorityInfoAccess=OCSP;URI:http://127.0.0.1:8888/"
	server_start auth=certificate "${fields[@]}" client-ocsp=hard
	responder good users
	ok "ocsp: the responder that the certificate names says yes" enters named
	ok "ocsp: a certificate that names none" stays_out test
	ok "ocsp: it is told" log_has 'names no OCSP responder'
	enough
	server_stop
	server_start auth=certificate "${fields[@]}" +cert-group-oid=2.5.4.11 client-ocsp=hard client-ocsp-url=http://127.0.0.1:8888/x
	responder good users
	ok "ocsp: the responder of the configuration says yes" enters test
	ok "ocsp: with its group" log_has 'login.ok user="test" group="staff"'
	ok "ocsp: a revoked one" stays_out gone
	ok "ocsp: it is told" log_has 'the certificate is revoked (OCSP)'
	enough
	ok "ocsp hard: no responder" stays_out test
	ok "ocsp hard: it is told" log_has 'the OCSP responder cannot be reached'
	spawn "$gw" "$T/silent.txt" nc -l -k 127.0.0.1 8888
	responder=$spawned
	ok "ocsp hard: a silent one" stays_out test
	ok "ocsp hard: it is told" log_has 'the OCSP responder does not answer'
	enough
	responder forged strangers
	ok "ocsp hard: an answer that another has signed" stays_out test
	ok "ocsp hard: it is told" log_has 'the answer of the OCSP responder is not good'
	enough
	server_stop
	server_start auth=certificate "+auth=\"plain[passwd=$T/ocpasswd]\"" "${fields[@]}" client-ocsp=soft client-ocsp-url=http://127.0.0.1:8888/
	responder forged strangers
	ok "ocsp soft: an answer that another has signed" enters test --user test --passwd-on-stdin
	ok "ocsp soft: it is told" log_has 'ocsp.passed_over user="test"'
	enough
	responder good users
	ok "ocsp soft: certificate and password" enters test --user test --passwd-on-stdin
	ok "ocsp soft: a wrong password" dialogue and
	ok "ocsp soft: a revoked one" stays_out gone --user gone --passwd-on-stdin
	enough
	nothing_died
	server_stop
}

by_mail() {
	server_start auth=certificate "+ca-cert=$T/users.pem" "+cert-user-oid=SAN(rfc822name)"
	ok "mail: the address is the user" enters mail
	ok "mail: it is in the log" log_has 'login.ok user="mail@example.test"'
	ok "mail: a certificate without one" refused "the certificate has no e-mail address" test
	server_stop
}

# Nobody is asked for a certificate where no method wants one.
not_asked() {
	server_start
	ok "unused: the server asks for none" not asks_for_one
	# the first key of tickets comes from the keeper a moment after the server is ready
	ok "unused: and gives tickets" wait_until 10 gives_ticket
	ok "unused: a certificate is not looked at" stays_out test
	server_stop
}

# refuses_start TEXT CHANGE...
refuses_start() {
	local text=$1
	shift
	make_config "$T/bad.conf" "$@"
	not in_gw timeout $((20 * slow)) "$(server_program)" -f -c "$T/bad.conf" >"$T/bad.log" 2>&1 && has "$T/bad.log" "$text"
}

configurations() {
	echo nonsense >"$T/broken.pem"
	ok "start: without ca-cert" refuses_start "without ca-cert" auth=certificate cert-user-oid=2.5.4.3
	ok "start: without cert-user-oid" refuses_start "without cert-user-oid" auth=certificate "ca-cert=$T/users.pem"
	ok "start: a field that is none" refuses_start "cert-user-oid: expected" auth=certificate "ca-cert=$T/users.pem" cert-user-oid=CN
	ok "start: an authority that is none" refuses_start "ca-cert: expected" auth=certificate "ca-cert=$T/broken.pem" cert-user-oid=2.5.4.3
	ok "start: no authority" refuses_start "ca-cert $T/none.pem" auth=certificate "ca-cert=$T/none.pem" cert-user-oid=2.5.4.3
	ok "start: a list that is none" refuses_start "crl: expected" auth=certificate "${fields[@]}" "crl=$T/broken.pem"
}

configurations
alone -VERS-TLS1.3 TLS1.2
nothing_died
server_stop
alone +VERS-ALL TLS1.3
tunnel
revoked
nothing_died
server_stop
with_password
asked_by_ocsp
instead_of_password
by_mail
not_asked
