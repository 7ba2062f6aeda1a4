#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# auth_sso.sh - sign-on in a browser: a client with a window of its own, openconnect with the browser of the system (a script, and
# headless Chromium), and what must not let anybody in. The network is drawn in lib.sh; the provider runs on the host behind the server.
. "$(dirname "$0")/lib.sh"
. "$here/lib_auth.sh"
. "$here/lib_idp.sh"
# Browsers reach the provider without a tunnel; one that was open takes this route with it.
to_provider() { ip -n "$cl" route replace 203.0.113.0/24 via $gw4; }
to_provider
ip -n "$host" route add 198.51.100.0/24 via 203.0.113.1

sso_conf() {
	/usr/bin/python3 -c '
import json, sys
conf = {"openid_configuration_url": sys.argv[1] + "/.well-known/openid-configuration", "client_id": "vpn", "ca_file": sys.argv[2],
        "client_secret_file": sys.argv[3], "group_claim": "groups"}
conf.update((k, json.loads(v)) for k, v in (a.split("=", 1) for a in sys.argv[4:]))
print(json.dumps(conf))' "$issuer" "$T/ca.pem" "$T/secret" "$@" >"$T/sso.json"
}
method="oidc-sso[config=$T/sso.json,url=https://$gw4]"
echo 'a +secret/with%signs' >"$T/secret"
cp "$T/secret" "$idp/secret"

sso() { in_cl /usr/bin/python3 "$here/sso.py" --ca "$T/ca.pem" login "$@" 2>&1 | tee "$T/said"; }
# ends WANT [OPTION...]: the last line
ends() {
	local line want=$1
	shift
	line=$(sso "$@" | tail -n 1)
	case $line in
	"$want"*) ;;
	*) cat "$T/said"; echo "'$line' is not '$want...'"; return 1 ;;
	esac
}
said_has() { has "$T/said" "$1"; }
log_says() { wait_until 5 log_has "$1"; }
over='200 '

window() {
	sso_conf
	idp_start
	# the first way is a browser, the others of lib_auth.sh have a password
	auth_start "plain[passwd=$T/others]" "auth=\"$method\""
	others_begin
	ok "window: a login" ends "OK "
	ok "window: the browser ends where it should" said_has 'browser 200 final token'
	ok "window: the user and his group" log_says 'login.ok user="alice" group="staff"'
	ok "window: a group that he is in" ends "OK " --group admins
	ok "window: one that he is not in" ends "$over" --group root
	ok "window: a token is good once" ends "200 " --mode twice
	ok "window: the first time" said_has '^OK'
	ok "window: not the second" equal "$(grep -c '^OK' "$T/said")" 1
	ok "window: and for its own login only" ends "200 END" --mode other
	ok "window: a guessed token" ends "200 END" --mode guess
	ok "back in another browser" ends "back 403" --mode stolen
	ok "back with a forged state" ends "back 403" --mode forged
	ok "back twice" ends "back 403" --mode again
	ok "back after the browser began anew" ends "back 403" --mode restart
	ok "an unknown reference" ends "browser 403" --mode reference
	ok "a client without a browser gets the form" ends FORM --mode old
	touch "$idp/deny"
	ok "the user says no" ends "$over"
	ok "the user says no: the client can tell" said_has 'final failed'
	rm "$idp/deny"
	local bad
	for bad in '{"nonce": "x"}' '{"aud": "mail"}' '{"iss": "https://evil.example"}' '{"exp": 1000000000}' '{"preferred_username": null}'; do
		echo "$bad" >"$idp/claims"
		ok "a token with $bad" ends "$over"
	done
	rm "$idp/claims"
	echo wrong >"$idp/secret"
	ok "another client secret" ends "$over"
	ok "another client secret: the log says so" log_says 'login.broken.*status 401: invalid_client'
	cp "$T/secret" "$idp/secret"
	idp_py key "$idp" new rsa
	echo new >"$idp/signing"
	ok "a new key of the provider" ends "OK "
	rm "$idp/signing"
	others_fine "sign-on"
	ok "counted" stat_above sso_ok 4
	ok "counted: strangers" stat_above sso_unknown 3
}

# openconnect listens for the token itself
external() {
	cat >"$T/browser" <<-END
		#!/bin/sh
		echo "\$1" >>"$T/browser.urls"
		exec /usr/bin/python3 -B "$here/sso.py" --ca "$T/ca.pem" browse "\$1" >>"$T/browser.out" 2>&1
	END
	chmod 755 "$T/browser"
	oc_sso script --external-browser "$T/browser"
	ok "openconnect: its browser went to our page" has "$T/browser.urls" "^https://$gw4/+CSCOE+/saml/sp/login?id="
	ok "openconnect: and came to an end" wait_until 5 has "$T/browser.out" "^200 https://$gw4/+CSCOE+/saml_ac_login.html"
	ok "openconnect: ping through the tunnel" pings "$cl" $host4
	oc_stop script
}
# oc_sso NAME OPTION...: no name and no password
oc_sso() {
	local name=$1
	shift
	mkdir -p "$T/$name"
	to_provider
	OC_STATE=$T/$name spawn "$cl" "$T/$name/log" "$OPENCONNECT" -v --timestamp --cafile "$T/ca.pem" --no-dtls \
		--script "bash '$here/vpnc-script'" "$@" $url4
	echo "$spawned" >"$T/$name/pid"
	ok "$name: the tunnel opens" wait_until 40 oc_is_up "$name"
	ok "$name: it is alice" equal "$(user alice "u['Groupname']")" staff
}

in_chromium() {
	local program
	program=$(type -P chromium || true)
	if [ -z "$program" ]; then
		echo "left out: no chromium; run: sudo scripts/setup.sh test"
		return 0
	fi
	touch "$idp/form"
	# it stays until it is ended: nothing but the tunnel tells that all was followed
	cat >"$T/chromium.sh" <<-END
		#!/bin/sh
		export HOME=$T/home
		mkdir -p "\$HOME"
		echo \$\$ >"$T/chromium.pid"
		exec "$program" --headless --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage --remote-debugging-port=0 \
			--user-data-dir=$T/home/data --ignore-certificate-errors "\$1" >>"$T/chromium.out" 2>&1
	END
	chmod 755 "$T/chromium.sh"
	oc_sso chromium --external-browser "$T/chromium.sh"
	kill "$(cat "$T/chromium.pid")" 2>/dev/null || true
	oc_stop chromium
	rm "$idp/form"
}

trouble() {
	to_provider
	idp_stop
	ok "away: nobody comes in" not ends "OK "
	idp_start
	idp_is garbage
	ok "garbage: nobody comes in" not ends "OK "
	idp_is good
	ok "back" ends "OK "
	nothing_died
	server_stop
}

# Under camouflage a browser has no secret, and a stranger sees a plain web server.
camouflage() {
	server_start "auth=\"$method\"" camouflage=true camouflage_secret=hidden
	local status path
	for path in '/+CSCOE+/saml/sp/login?id=00' '/sso/callback?state=00' /+CSCOE+/saml_ac_login.html /sso/callback /; do
		status=$(in_cl curl -sk -o "$T/page" -w '%{http_code}' "https://$gw4$path")
		ok "camouflage: a stranger at ${path%%\?*}" equal "$status" 404
		ok "camouflage: sees nothing of us" not grep -qi -e sign -e vpn "$T/page"
	done
	ok "camouflage: who knows the secret comes in" ends "OK " --secret hidden
	server_stop
}

window
external
in_chromium
trouble
camouflage
