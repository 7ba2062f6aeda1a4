#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# auth_oidc.sh - logins with tokens that clients bring: good ones, each kind of bad one, and a provider that changes its keys, is away,
# slow, or talks garbage. The network is drawn in lib.sh; the provider runs on the host behind the server.
. "$(dirname "$0")/lib.sh"
. "$here/lib_auth.sh"
. "$here/lib_idp.sh"

# oidc_conf [KEY=JSON...]: beside or instead of the usual
oidc_conf() {
	/usr/bin/python3 -c '
import json, sys
conf = {"openid_configuration_url": sys.argv[1] + "/.well-known/openid-configuration", "user_name_claim": "preferred_username",
        "required_claims": {"aud": "vpn", "iss": sys.argv[1]}, "ca_file": sys.argv[2], "group_claim": "groups"}
conf.update((k, json.loads(v)) for k, v in (a.split("=", 1) for a in sys.argv[3:]))
print(json.dumps(conf))' "$issuer" "$T/ca.pem" "$@" >"$T/oidc.json"
}
method="oidc[config=$T/oidc.json]"
bearer() { in_cl /usr/bin/python3 "$here/bearer.py" --ca "$T/ca.pem" "$@" 2>&1 | tee "$T/said"; }
token() { idp_py token "$idp" "$issuer" "$@"; }
# answers WANT [OPTION...] TOKEN
answers() {
	local line want=$1
	shift
	line=$(bearer "$@" | tail -n 1)
	case $line in
	"$want"*) ;;
	*) echo "'$line' is not '$want...'"; return 1 ;;
	esac
}
comes_in() { answers "OK " "$@"; }
is_refused() { answers '401 Bearer error="invalid_token"' "$@"; }
log_says() { wait_until 5 log_has "$1"; }

good_and_bad() {
	oidc_conf
	idp_py key "$idp" foreign rsa
	idp_py key "$idp" short short
	mv "$idp/foreign.pem" "$T/foreign.pem"
	idp_start
	auth_start "$method"
	others_begin
	ok "good: RS256" comes_in "$(token)"
	ok "good: its group" log_says 'login.ok user="alice" group="staff"'
	ok "good: ES256" comes_in "$(token --key ec)"
	ok "good: PS256" comes_in "$(token --alg PS256)"
	ok "good: by GET" comes_in --get "$(token)"
	ok "good: for several" comes_in "$(token 'aud=["other", "vpn"]')"
	ok "good: expired within the skew" comes_in "$(token "exp=$(($(date +%s) - 20))")"
	ok "good: after a bad one on the same connection" comes_in "$(token 'aud="other"')" "$(token)"
	ok "group: one of the token" comes_in --group admins "$(token)"
	ok "group: another" is_refused --group root "$(token)"
	ok "bad: expired" is_refused "$(token "exp=$(($(date +%s) - 100))")"
	ok "bad: the log says so" log_says 'login.failed.*it has expired'
	ok "bad: no expiry" is_refused "$(token exp=null)"
	ok "bad: not yet" is_refused "$(token "nbf=$(($(date +%s) + 100))")"
	ok "bad: for another service" is_refused "$(token 'aud="mail"')"
	ok "bad: no audience" is_refused "$(token aud=null)"
	ok "bad: of another issuer" is_refused "$(token 'iss="https://evil.example"')"
	ok "bad: no algorithm" is_refused "$(token --alg none)"
	ok "bad: the log says so" log_says 'login.failed.*its algorithm is not permitted'
	ok "bad: the public key as a shared secret" is_refused "$(token --alg HS256)"
	ok "bad: a shared key of the key set" is_refused "$(token --alg HS256 --kid shared)"
	ok "bad: a short RSA key" is_refused "$(token --key short)"
	ok "bad: a critical header" is_refused "$(token --header '{"crit": ["x"], "x": 1}')"
	ok "bad: a name that is none" is_refused "$(token 'preferred_username=""')"
	ok "bad: no name" is_refused "$(token preferred_username=null)"
	ok "bad: a name that is a number" is_refused "$(token preferred_username=7)"
	ok "bad: a name with a line end" is_refused "$(token 'preferred_username="a\nb"')"
	cp "$T/foreign.pem" "$idp/rsa2.pem"
	ok "bad: signed by a stranger under a known name" is_refused "$(token --key rsa2 --kid rsa)"
	rm "$idp/rsa2.pem"
	ok "bad: cut" is_refused "$(token | cut -c 1-200)"
	ok "bad: another name put in" is_refused "$(token | sed 's/\.ey[^.]*\./.eyJpc3MiOiJ4In0./')"
	ok "bad: no token at all" is_refused x
	ok "bad: dots" is_refused ...
	ok "bad: very long" is_refused "$(head -c 13000 /dev/zero | tr '\0' a)"
	ok "a password is no way to a name of the provider" stays_out alice "$password"
	ok "without a token: the form of the others" answers FORM
	ok "the provider was asked once" at_most "$(idp_asked '/keys')" 3
	others_fine "tokens"
	nothing_died
	server_stop
}

# The provider signs with a new key, and no longer with the old one.
rotation() {
	oidc_conf minimum_jwk_refresh_time=1
	server_start "auth=\"$method\""
	ok "alone: without a token it is asked for" answers "401 Bearer"
	ok "alone: also by GET" answers "401 Bearer" --get
	ok "alone: a good token" comes_in "$(token)"
	mv "$idp/rsa.pem" "$T/rsa-old.pem"
	idp_py key "$idp" rsa3 rsa
	ok "rotation: the new key is found" comes_in "$(token --key rsa3)"
	ok "rotation: the log says so" log_says 'oidc.refetch'
	cp "$T/rsa-old.pem" "$idp/rsa.pem"
	local old
	old=$(token)
	rm "$idp/rsa.pem"
	ok "rotation: the old one is good no more" is_refused "$old"
	rm -f "$idp/requests"
	local i many=()
	for i in {1..30}; do many+=("$(token --key rsa3 --kid "unknown$i")"); done
	bearer "${many[@]:0:15}" >"$T/many"
	bearer "${many[@]:15}" >>"$T/many"
	ok "unknown keys: nobody comes in" not grep -q '^OK' "$T/many"
	ok "unknown keys: the provider is not asked for each" at_most "$(idp_asked '/keys')" $((10 + 4 * slow))
	# a reload keeps what is known, and a provider that is away now does not matter
	idp_stop
	local n
	n=$(grep -c 'auth.config generation' "$T/server.log")
	in_occtl reload >/dev/null
	ok "reload" wait_until 20 reloaded $((n + 1))
	ok "away: the keys are known still" comes_in "$(token --key rsa3)"
	nothing_died
	server_stop
	mv "$T/rsa-old.pem" "$idp/rsa.pem"
}
reloaded() { at_least "$(grep -c 'auth.config generation' "$T/server.log")" "$1"; }

# fails TEXT: nobody comes in, and it is the server's fault, not the user's
fails() {
	ok "$1: nobody comes in" is_refused "$(token)"
	ok "$1: the log says why" log_says "login.broken.*$2"
}
trouble() {
	oidc_conf
	auth_start "$method"
	others_begin
	fails "away" 'OpenID provider .*8443'
	idp_start
	local mode
	for mode in garbage huge redirect; do
		sleep 5.2 # a provider that failed is left alone for a moment
		idp_is $mode
		fails "$mode" 'OpenID provider'
	done
	others_fine "a provider that talks garbage"
	sleep 5.2
	idp_is slow
	others_begin
	local clients=() i
	for i in 1 2 3 4; do
		bearer "$(token)" >"$T/slow.$i" &
		clients+=($!)
	done
	for i in "${clients[@]}"; do wait "$i"; done
	ok "slow: nobody came in" not grep -q '^OK' "$T"/slow.*
	ok "slow: the log says so" log_says 'login.broken.*imed out'
	others_fine "a provider that is slow"
	sleep 5.2
	idp_is good
	ok "back: a good token" comes_in "$(token)"
	nothing_died
	server_stop
	idp_stop
}

refused_at_start() {
	local text=$1
	shift
	make_config "$T/bad.conf" "auth=\"$method\""
	in_gw "$(server_program)" -t -c "$T/bad.conf" >"$T/said" 2>&1 && fail "configuration: $text: it is taken"
	ok "configuration: $text" has "$T/said" "$1"
}
configuration() {
	oidc_conf 'required_claims={"iss": "x"}'
	refused_at_start "no audience" 'must name the audience'
	oidc_conf 'openid_configuration_url="http://x/"'
	refused_at_start "no HTTPS" 'begins with https://'
	oidc_conf 'what=1'
	refused_at_start "an unknown key" '"what": there is no such key'
	echo '{ "x": ' >"$T/oidc.json"
	refused_at_start "no JSON" 'oidc.json: line [0-9]'
	rm "$T/oidc.json"
	refused_at_start "no file" 'oidc.json: '
}

configuration
good_and_bad
rotation
trouble
