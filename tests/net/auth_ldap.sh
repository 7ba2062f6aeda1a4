#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# auth_ldap.sh - logins at OpenLDAP's slapd, which runs on the host behind the server, with StartTLS and the password policy overlay;
# servers that are down, silent, slow, talk garbage or are somebody between. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$here/lib_auth.sh"
PATH=$PATH:/usr/sbin need slapd ldapsearch

readonly dir=$T/slapd suffix=dc=example,dc=test conf=$T/ldap.conf
readonly service=cn=gate,$suffix service_password='a secret of the gate'
method="ldap[config=$conf]"

# The server's certificate names its address.
ldap_certificate() {
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$T/ldap-key.pem" 2>>"$T/openssl.txt"
	openssl req -new -key "$T/ldap-key.pem" -subj "/CN=ldap.example.test" -out "$T/ldap.csr"
	openssl x509 -req -in "$T/ldap.csr" -CA "$T/ca.pem" -CAkey "$T/ca-key.pem" -CAcreateserial -sha256 -days 2 -out "$T/ldap.pem" \
		-extfile <(printf '%s\n' "basicConstraints=critical,CA:FALSE" "extendedKeyUsage=serverAuth" \
			"subjectAltName=DNS:ldap.example.test,IP:$host4") 2>>"$T/openssl.txt"
}

person() {
	local uid=$1
	shift
	printf '%s\n' "dn: uid=$uid,ou=people,$suffix" "objectClass: inetOrgPerson" "objectClass: extensibleObject" "uid: $uid" "sn: $uid" \
		"cn: $uid" "userPassword: ${secret:-$password}" "$@" ""
}

entries() {
	cat <<-END
		dn: $suffix
		objectClass: dcObject
		objectClass: organization
		dc: example
		o: test

		dn: $service
		objectClass: organizationalRole
		objectClass: simpleSecurityObject
		cn: gate
		userPassword: $service_password

		dn: ou=people,$suffix
		objectClass: organizationalUnit
		ou: people

		dn: ou=groups,$suffix
		objectClass: organizationalUnit
		ou: groups

		dn: cn=policy,$suffix
		objectClass: organizationalRole
		objectClass: pwdPolicy
		cn: policy
		pwdAttribute: userPassword
		pwdLockout: TRUE
		pwdMaxFailure: 5
		pwdMustChange: TRUE
		pwdMinLength: 8
		pwdCheckQuality: 1
		pwdAllowUserChange: TRUE

		dn: cn=staff,ou=groups,$suffix
		objectClass: groupOfNames
		cn: staff
		member: uid=rich,ou=people,$suffix

		dn: cn=vpn users,ou=groups,$suffix
		objectClass: groupOfNames
		cn: vpn users
		member: uid=rich,ou=people,$suffix
		member: uid=plain,ou=people,$suffix
		member: uid=fresh,ou=people,$suffix
		member: uid=lock,ou=people,$suffix

	END
	person plain "mail: same@example.test"
	person rich "mail: same@example.test" "description: 10.77.9.9" "businessCategory: 192.0.2.0/24" \
		"businessCategory: 198.18.0.0/15" "businessCategory: no network" "street: 203.0.113.53"
	# a hash that costs the server a tenth of a second
	secret={CRYPT}$(perl -e 'print crypt($ARGV[0], q($6$rounds=200000$salt))' "$password") person outside
	person lock
	person fresh
}

slapd_start() {
	rm -rf "$dir"
	mkdir -p "$dir/db"
	{
		echo "modulepath $(dirname "$(find /usr/lib/ldap /usr/lib/*/ldap -name back_mdb.so 2>/dev/null | head -n 1)")"
		printf 'moduleload %s\n' back_mdb ppolicy
		printf 'include /etc/ldap/schema/%s.schema\n' core cosine inetorgperson
		cat <<-END
			pidfile $dir/pid
			TLSCACertificateFile $T/ca.pem
			TLSCertificateFile $T/ldap.pem
			TLSCertificateKeyFile $T/ldap-key.pem
			security simple_bind=128
			localSSF 128
			require authc
			database mdb
			suffix $suffix
			rootdn cn=root,$suffix
			rootpw root
			directory $dir/db
			maxsize 10485760
			overlay ppolicy
			ppolicy_default cn=policy,$suffix
			ppolicy_use_lockout
			ppolicy_hash_cleartext
			access to attrs=userPassword by dn.exact="$service" none by self write by anonymous auth by * none
			access to * by dn.exact="$service" read by self write by * none
		END
	} >"$dir/slapd.conf"
	entries >"$dir/entries.ldif"
	# slapadd stores passwords as they stand there: in the clear, which simple binds can be compared with
	slapadd -f "$dir/slapd.conf" -l "$dir/entries.ldif" >"$T/slapadd" 2>&1 || fail "slapadd: $(cat "$T/slapadd")"
	slapd_run
}
slapd_run() {
	spawn "$host" "$T/slapd.out" "$(PATH=$PATH:/usr/sbin command -v slapd)" -d 256 -f "$dir/slapd.conf" \
		-h "ldap://$host4/ ldaps://$host4/ ldapi://${dir//\//%2F}%2Fsocket"
	slapd_pid=$spawned
	ok "slapd listens" wait_until 20 listens 389
}
slapd_stop() { end "$slapd_pid" TERM 10 || true; }
listens() { in_host ss -tln | grep -q ":$1 "; }
as_root() { in_host "$@" -H "ldapi://${dir//\//%2F}%2Fsocket" -x -D "cn=root,$suffix" -w root; }
set_entry() { printf '%s\n' "dn: $1" "changetype: modify" "$2" | as_root ldapmodify >>"$T/ldapmodify" 2>&1 || fail "ldapmodify $1"; }

# write_conf URI... -- LINE...: a line replaces the one of the same word
write_conf() {
	local uris=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		uris+=("$1")
		shift
	done
	shift || true
	{
		echo "# a directory"
		printf 'uri %s\n' "${uris[@]}"
		printf '%s\n' "ca-file $T/ca.pem" "bind-dn $service" "bind-password-file $T/ldap.password" "base ou=people,$suffix" \
			"filter (&(objectClass=inetOrgPerson)(|(uid=%u)(mail=%u)))" "group-base ou=groups,$suffix" "group-filter (member=%d)" \
			"timeout 5" "ipv4-attribute description" "route-attribute businessCategory" "dns-attribute street"
		printf '%s\n' "$@"
	} >"$conf"
	echo "$service_password" >"$T/ldap.password"
	chmod 600 "$T/ldap.password"
}
# the time that a login takes, in ms
took() {
	local from
	from=$(date +%s%N)
	dialog "$@" >/dev/null || true
	echo $((($(date +%s%N) - from) / 1000000))
}

logins() {
	write_conf "ldap://$host4" -- "allow-group vpn users" "allow-group staff"
	auth_start "$method"
	others_begin
	ok "plain: the right password" enters plain "$password"
	ok "plain: a wrong one" stays_out plain wrong
	ok "plain: an empty one" stays_out plain ""
	ok "plain: and that was no bind" not grep -q 'BIND dn="uid=plain.*method=128.*err=0.*unauth' "$T/slapd.out"
	ok "plain: as he writes himself, he is the one of the directory" enters PLAIN "$password"
	ok "plain: that name he has got" not log_has 'login.ok user="PLAIN"'
	ok "stranger: unknown" stays_out stranger "$password"
	ok "same@example.test: two entries" stays_out same@example.test "$password"
	ok "the log says so" log_has 'more than one entry'
	ok "outside: in no group that is allowed" stays_out outside "$password"
	ok "rich: one of his groups" enters --group staff rich "$password"
	ok "rich: another" stays_out --group root rich "$password"
	ok "plain: not in that group" stays_out --group staff plain "$password"
	local name
	for name in 'pl*' 'plain)(uid=*' 'plain\2a' '(' '*)(|(uid=rich'; do
		ok "a name that would be a filter: $name" stays_out "$name" "$password"
	done
	ok "the server was asked no other filter" not grep -q 'filter="[^"]*(uid=\*)' "$T/slapd.out"
	others_fine "LDAP"
}

facts() {
	oc_user=rich
	oc_connect rich --no-dtls
	ok "rich: his own address" equal "$(oc_ip4 rich)" 10.77.9.9
	ok "rich: the first group of allow-group that he is in" equal "$(user rich "u['Groupname']")" "vpn users"
	ok "rich: his name server" equal "$(oc_value rich INTERNAL_IP4_DNS)" 203.0.113.53
	ok "rich: his two routes" equal "$(oc_value rich CISCO_SPLIT_INC)" 2
	ok "the value that is no network is told and left out" log_has 'ldap.value attribute=businessCategory'
	oc_stop rich
	oc_user=test
}

# What the policy of the directory says.
policy() {
	local i
	for i in 1 2 3 4 5; do
		ok "lock: wrong password $i" stays_out lock wrong
	done
	ok "lock: the account is locked, and he is told" said_is "FORM Your account is locked." lock "$password"
	ok "lock: in the log, too" log_has 'account is locked'
	set_entry "uid=fresh,ou=people,$suffix" $'replace: pwdReset\npwdReset: TRUE'
	ok "fresh: a new password is demanded" said_is "ASK New password: | Your password must be changed." fresh "$password"
	ok "fresh: two that differ" said_is "ASK New password: | They were not the same." fresh "$password" "new password 1" "new password 2"
	ok "fresh: an empty one" said_is "ASK New password: | An empty password" fresh "$password" "" ""
	ok "fresh: a short one" said_is "ASK New password: | The new password is not taken: The new password is too short." \
		fresh "$password" short short
	ok "fresh: a good one" enters fresh "$password" "new password 1" "new password 1"
	ok "fresh: the old one is gone" stays_out fresh "$password"
	ok "fresh: the new one is good" enters fresh "new password 1"
}

# A refusal takes the same time whether the user is known or not, whatever his password's hash costs.
times() {
	local known unknown least_known=999999 least_unknown=999999 apart=999999 n
	# on a busy machine one try says little; a leak would be there in each
	for n in 1 2 3 4 5 6 7 8 9 10; do
		known=$(took outside wrong)
		unknown=$(took stranger wrong)
		least_known=$((known < least_known ? known : least_known))
		least_unknown=$((unknown < least_unknown ? unknown : least_unknown))
		apart=$((least_known - least_unknown))
		[ "$n" -lt 3 ] || [ "${apart#-}" -gt $((100 * slow)) ] || break
	done
	ok "known $least_known ms, unknown $least_unknown ms: the least of $n differ by less than 100 ms" at_most "${apart#-}" $((100 * slow))
	ok "and none comes before half a second" at_least "$least_known" 500
}

# use URI... -- LINE...: another file, in force at once
reloads_n=0
use() {
	write_conf "$@"
	reloads_n=$((reloads_n + 1))
	kill -HUP "$server_pid"
	wait_until 20 reloaded >"$T/last" || fail "the server does not reload"
}
reloaded() { [ "$(grep -c 'reload.done' "$T/server.log")" -ge $reloads_n ]; }

# Certificates, and the forms of an address.
tls() {
	use "ldaps://$host4:636" --
	ok "ldaps: the right password" enters plain "$password"
	ok "ldaps: a wrong one" stays_out plain wrong
	use "ldapi://${dir//\//%2F}%2Fsocket" --
	ok "ldapi: the right password, and all groups may enter" enters outside "$password"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/other-key.pem" -days 2 -subj /CN=other -out "$T/other.pem" 2>>"$T/openssl.txt"
	use "ldap://$host4" -- "ca-file $T/other.pem"
	ok "signed by a stranger: nobody comes in" stays_out plain "$password"
	ok "the log says so" log_has "ldap.failed server=\"$host4\" port=389 error=\"no TLS"
	spawn "$gw" "$T/socat.out" socat TCP-LISTEN:3890,fork,reuseaddr,bind=127.0.0.1 "TCP:$host4:389"
	use "ldap://localhost:3890" --
	ok "another name than the certificate's: nobody comes in" stays_out plain "$password"
	ok "the log says so" log_has 'ldap.failed server="localhost" port=3890 error="no TLS'
	end "$spawned" || true
	use "ldap://$host4" -- "starttls no"
	ok "without TLS this directory takes no password" stays_out plain "$password"
	ok "and a warning stands in the log" log_has 'ldap.plaintext'
}

# fake MODE PORT: an own server that does not behave
fake() {
	spawn "$host" "$T/fake.$1" /usr/bin/python3 "$here/ldap_fake.py" "$1" $host4 "$2" "$T/ldap.pem" "$T/ldap-key.pem"
	ok "$1: listens" wait_until 10 listens "$2"
}

trouble() {
	local mode port=3900
	use "ldap://$host4:3899" -- "timeout 2"
	others_begin
	ok "down: nobody comes in" stays_out plain "$password"
	ok "down: the log says so" log_has 'login.broken.*LDAP'
	for mode in quiet garbage drip tlsgarbage huge; do
		port=$((port + 1))
		fake "$mode" $port
		use "ldap://$host4:$port" -- "timeout 2"
		ok "$mode: nobody comes in" stays_out plain "$password"
		ok "$mode: the server is told of in the log" log_has "ldap.failed server=\"$host4\" port=$port"
	done
	others_fine "servers that do not behave"
	# somebody between: says yes to StartTLS, and in the same breath to the bind that is to come
	fake inject 3910
	use "ldap://$host4:3910" --
	ok "inject: a wrong password does not come in" stays_out plain wrong
	ok "inject: the log says so" log_has 'ldap.failed server="'$host4'" port=3910'
}

fail_over() {
	fake quiet 3920
	use "ldap://$host4:3920 ldap://$host4:389" -- "timeout 3"
	ok "fail-over: the first server is silent, the second lets in" enters plain "$password"
	ok "fail-over: the log says who is silent" log_has "ldap.silent server=\"$host4\" port=3920"
	local ms
	ms=$(took plain "$password")
	ok "fail-over: the next login does not wait for it ($ms ms)" at_most "$ms" $((2500 * slow))
	slapd_stop
	ok "fail-over: both away: nobody comes in" stays_out plain "$password"
	slapd_run
	ok "fail-over: back again, with no restart" enters plain "$password"
	nothing_died
	server_stop
}

starts() { in_gw timeout 20 "$(server_program)" -f -c "$T/server.conf" >"$T/why" 2>&1; }
missing() {
	make_config "$T/server.conf" "auth=\"ldap[config=$T/nothing.conf]\""
	ok "no file: the server does not start" not starts
	ok "and says which" has "$T/why" "nothing.conf"
	write_conf "ldap://$host4" -- "colour blue"
	make_config "$T/server.conf" "auth=\"$method\""
	ok "a word that is not known: the server does not start" not starts
	ok "and says where" has "$T/why" "ldap.conf:[0-9]*: colour is not known"
	write_conf "ldap://$host4" --
	rm "$T/ldap.password"
	ok "no file of the password: the server does not start" not starts
	ok "and says which" has "$T/why" "ldap.password"
}

ldap_certificate
slapd_start
logins
facts
policy
times
tls
trouble
fail_over
missing
