#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# auth_gssapi.sh - logins with Kerberos tickets (HTTP Negotiate) of openconnect, curl and a client of our own; the KDC is MIT's, on
# the clients' machine: the server needs none. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$here/lib_auth.sh"
PATH=$PATH:/usr/sbin need krb5kdc kadmin.local kinit curl
/usr/bin/python3 -c 'import gssapi' 2>/dev/null || skip "no module gssapi of Python; run: sudo scripts/setup.sh test"
[ -e /etc/krb5.conf ] || skip "no /etc/krb5.conf to put another one over; it comes with krb5-user"

readonly realm=EXAMPLE.TEST kdc=$T/kdc gate=vpn.example.test keytab=$T/http.keytab
readonly url=https://$gate/
method="gssapi[keytab=$keytab]"

mkdir -p "$kdc"
# the KDC and the clients, and the server: it forgives clocks that differ by 15 s only, and has a cache of replays of its own
krb5_conf() {
	cat <<-END
		[libdefaults]
			default_realm = $realm
			dns_lookup_kdc = false
			dns_lookup_realm = false
			dns_canonicalize_hostname = false
			rdns = false
			udp_preference_limit = 1
			clockskew = $1
			default_rcache_name = file2:$T/replays
		[realms]
			$realm = {
				kdc = $cl4
			}
		[domain_realm]
			.example.test = $realm
	END
}
krb5_conf 300 >"$T/krb5.conf"
krb5_conf 15 >"$T/krb5-server.conf"
cat >"$kdc/kdc.conf" <<END
[kdcdefaults]
	kdc_listen = $cl4:88
	kdc_tcp_listen = $cl4:88
[realms]
	$realm = {
		database_name = $kdc/db
		key_stash_file = $kdc/stash
		acl_file = $kdc/acl
	}
END
export KRB5_CONFIG=$T/krb5.conf KRB5_KDC_PROFILE=$kdc/kdc.conf KRB5CCNAME=FILE:$T/tickets
auth_wrapper=(unshare -m --propagation private sh -c "mount --bind '$T/krb5-server.conf' /etc/krb5.conf && exec \"\$@\"" sh)
admin() { kadmin.local -r $realm -q "$*" >>"$T/kadmin" 2>&1 || fail "kadmin: $*"; }
export_keys() {
	rm -f "$keytab"
	admin ktadd -norandkey -k "$keytab" "$@"
}

kdc_start() {
	kdb5_util -r $realm create -s -P master >"$T/kdb5" 2>&1 || fail "kdb5_util: $(cat "$T/kdb5")"
	local p
	for p in plain admin/extra; do
		admin addprinc -pw secret "$p"
	done
	for p in HTTP/$gate host/$gate; do
		admin addprinc -randkey "$p"
	done
	export_keys HTTP/$gate host/$gate
	spawn "$cl" "$T/krb5kdc" "$(PATH=$PATH:/usr/sbin command -v krb5kdc)" -n -r $realm
	ok "the KDC listens" wait_until 20 kdc_listens
}
kdc_listens() { in_cl ss -tln | grep -q "$cl4:88 "; }

ticket() { in_cl kinit "$@" <<<secret >"$T/kinit" 2>&1 || fail "kinit: $(cat "$T/kinit")"; }
no_ticket() { in_cl kdestroy -q 2>/dev/null || true; }
negotiate() { in_cl /usr/bin/python3 "$here/negotiate.py" --ca "$T/ca.pem" "$@"; }
# the last line of a negotiation
ends() {
	local want=$1 line
	shift
	line=$(negotiate "$@" 2>&1 | tail -n 1)
	case $line in
	$want) ;;
	*) echo "'$line' is not '$want'"; return 1 ;;
	esac
}
enters_by_ticket() { ends "OK * mutual" "$@"; }
stays_out_by_ticket() { ends "401 offer" "$@"; }

# authenticate [OPTION...]: openconnect; $cookie is the cookie
authenticate() {
	cookie=$(in_cl timeout $((30 * slow)) "$OPENCONNECT" --authenticate --non-inter --cafile "$T/ca.pem" --resolve=$gate:$gw4 "$@" $url \
		2>"$T/last.oc" | sed -n "s/^COOKIE='\(.*\)'\$/\1/p")
	[ -n "$cookie" ] || { cat "$T/last.oc"; return 1; }
}
by_password() { echo "$password" | authenticate --user "$1" --passwd-on-stdin; }

logins() {
	auth_start "$method"
	others_begin
	ticket plain
	ok "openconnect: in by ticket, with no question" authenticate </dev/null
	oc_url=$url oc_user=nobody oc_connect ticket --no-dtls --resolve=$gate:$gw4
	ok "openconnect: is who the ticket says" equal "$(user plain "u['Username']")" plain
	oc_stop ticket
	ok "our client: in, and the server proves itself" enters_by_ticket
	ok "our client: the same by GET" enters_by_ticket --get
	ok "our client: without SPNEGO around" ends "OK *" --mech krb5
	ok "our client: in two steps, each on a connection of its own" ends "OK *" --legs
	ok "curl: in by ticket" curl_enters
	ok "a ticket for another service of the keytab" stays_out_by_ticket --service host@$gate
	ok "the log says why" log_has 'login.failed.*ticket: '
	ok "who offers no tokens gets the form" enters other "$password"
	no_ticket
	ok "without a ticket openconnect comes to the form" by_password other
	ok "and a wrong password is one" not by_password_wrong
	ticket admin/extra
	ok "a principal that is no local user" stays_out_by_ticket
	ok "the log says so" log_has 'no local user'
	others_fine "tickets"
	nothing_died
}
by_password_wrong() { echo wrong | authenticate --user other --passwd-on-stdin; }
curl_enters() {
	in_cl curl -sS --fail -D "$T/head" -o /dev/null --cacert "$T/ca.pem" --resolve $gate:443:$gw4 --negotiate -u : -H 'X-Support-HTTP-Auth: true' $url &&
		grep -q '^Set-Cookie: webvpn=[^;]' "$T/head"
}

garbage() {
	ticket plain
	negotiate --save "$T/token"
	ok "a token" ends "OK *" @"$T/token"
	ok "replay: the same token again" stays_out_by_ticket @"$T/token"
	ok "replay: the log says so" log_has 'ticket: .*\(replay\|Replay\|duplicate\)'
	negotiate --save "$T/token"
	local whole i
	whole=$(base64 -d <"$T/token" | od -An -v -tx1 | tr -d ' \n')
	for i in 2 10 40 200 1000; do
		ok "the first $i digits of a token" stays_out_by_ticket "hex:${whole:0:$i}"
	done
	for i in 60 900 1400; do
		ok "a token with another digit at $i" stays_out_by_ticket "hex:${whole:0:$i}$(printf '%x' $((0x${whole:$i:1} ^ 1)))${whole:$((i + 1))}"
	done
	ok "NTLM" stays_out_by_ticket hex:4e544c4d535350000100000007820000
	ok "zeros" stays_out_by_ticket "hex:$(printf '00%.0s' {1..2000})"
	ok "a length of four gigabytes" stays_out_by_ticket hex:6084ffffffff06062b0601050502
	ok "no base64" stays_out_by_ticket 'text:!!!!'
	ok "nothing" stays_out_by_ticket 'text:'
	ok "more than a token has room for" ends "4*" "text:$(printf 'A%.0s' {1..20000})"
	ok "after all that a good one enters" enters_by_ticket
	nothing_died
}

keys() {
	admin change_password -randkey HTTP/$gate
	ticket plain
	ok "the KDC has another key than the server" stays_out_by_ticket
	ok "the log says so" log_has 'ticket: .*HTTP'
	ok "openconnect comes to the form" by_password other
	export_keys HTTP/$gate host/$gate
	ok "the keytab is new: enters, with no restart" enters_by_ticket
	negotiate --save "$T/old"
	old_at=$SECONDS
}

# A back end that hangs: somebody else holds the cache of replays.
hangs() {
	spawn "$gw" "$T/lock" /usr/bin/python3 -c '
import fcntl, sys, time
f = open(sys.argv[1], "r+b")
fcntl.lockf(f, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(600)' "$T/replays"
	local locker=$spawned i clients=()
	ok "slow: the cache is locked" wait_until 10 has "$T/lock" locked
	others_begin
	for i in 1 2 3 4 5; do
		negotiate >"$T/slow.$i" 2>&1 &
		clients+=($!)
	done
	others_fine "a back end that hangs"
	ok "slow: nobody came in meanwhile" not grep -q '^OK' "$T"/slow.*
	end "$locker" || true
	for i in "${clients[@]}"; do wait "$i" || true; done
	ok "slow: then all of them" equal "$(grep -c '^OK' "$T"/slow.* | grep -c ':1$')" 5
	nothing_died
}

expired() {
	ok "a token is old" wait_until 30 is_past $((old_at + 20))
	ok "old: it is refused" stays_out_by_ticket @"$T/old"
	ok "old: the log says so" log_has 'ticket: .*Clock skew'
}
is_past() { [ "$SECONDS" -ge "$1" ]; }

# Tickets alone, of young logins alone, and with the whole name of who is no local user.
alone() {
	server_stop
	make_config "$T/server.conf" "auth=\"gssapi[keytab=$keytab,require-local-user-map=false,tgt-freshness-time=$((6 * slow))]\""
	mv "$T/server.log" "$T/server.before.log"
	spawn "$gw" "$T/server.log" "${auth_wrapper[@]}" "$(server_program)" -f -c "$T/server.conf"
	server_pid=$spawned
	wait_until 20 server_is_up_or_dead >"$T/last" || fail "the server is not ready"
	ticket admin/extra
	local from=$SECONDS
	ok "fresh: enters" enters_by_ticket
	ok "by the whole name" log_has "login.ok user=\"admin/extra@$realm\""
	ok "who offers nothing is asked for a ticket" ends "401 offer" none
	ok "and so is a form" said_is 401 plain "$password"
	ok "stale: some seconds later" wait_until 30 is_past $((from + 6 * slow + 2))
	ok "stale: it is refused" stays_out_by_ticket
	ok "the log says why" log_has 'ticket is .* s old'
	ticket admin/extra
	ok "fresh again: enters" enters_by_ticket
	nothing_died
	server_stop
}

starts() { in_gw timeout 20 "$(server_program)" -f -c "$T/server.conf" >"$T/why" 2>&1; }
missing() {
	make_config "$T/server.conf" "auth=\"gssapi[keytab=$T/nothing.keytab]\""
	ok "no keytab: the server does not start" not starts
	ok "and says which" has "$T/why" "nothing.keytab"
	echo "no keys" >"$T/nothing.keytab"
	ok "no file of keys: the server does not start" not starts
	ok "and says how to make one" has "$T/why" "ktadd"
	make_config "$T/server.conf" "auth=\"plain[passwd=$T/ocpasswd]\"" "+auth=\"$method\""
	ok "gssapi behind another: the server does not start" not starts
	ok "and says what to do" has "$T/why" "gssapi must be the first"
}

kdc_start
logins
garbage
keys
hangs
expired
alone
missing
