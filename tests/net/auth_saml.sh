#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# auth_saml.sh - sign-on in a browser by SAML 2.0: a client with a window of its own, openconnect with the browser of the system (a
# script), and answers of the provider that must not let anybody in. The browser of the test signs the provider's answers itself.
. "$(dirname "$0")/lib.sh"
. "$here/lib_auth.sh"
type -P xmlsec1 >/dev/null || skip "no xmlsec1; run: sudo scripts/setup.sh test"

readonly idp=$T/saml
mkdir -p "$idp"
for name in idp other sp; do
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$idp/$name.pem" -out "$idp/$name-cert.pem" -subj "/CN=$name" -days 2 \
		2>>"$T/openssl.txt"
done
certificate=$(grep -v -- ----- "$idp/idp-cert.pem" | tr -d '\n')
cat >"$idp/metadata.xml" <<-END
	<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example/saml">
	<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
	<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>$certificate</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
	<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>
	</IDPSSODescriptor></EntityDescriptor>
END
# saml_conf [JSON]: beside the usual
saml_conf() {
	cat >"$T/saml.json" <<-END
		{ "idp_metadata_file": "$idp/metadata.xml", "group_attribute": "groups", "required_attributes": { "vpn": "yes" } ${1:+, $1} }
	END
}
method="saml[config=$T/saml.json,url=https://$gw4]"

saml() { in_cl /usr/bin/python3 -B "$here/saml.py" --ca "$T/ca.pem" --dir "$idp" "$@"; }
log_says() { wait_until 5 has "$T/server.log" "$1"; }
is_said() { has "$T/said" "^$1 $2\$"; }
# refused MODE ANSWER WHY: the browser was told so, and the log has the reason
refused=()
refused() { refused+=("$1|$2|$3"); }

good() {
	saml login good response lines >"$T/said" 2>&1 || cat "$T/said"
	ok "a login, the assertion signed" is_said good OK
	ok "a login, the response signed" is_said response OK
	ok "a login, the answer in lines" is_said lines OK
	ok "the user and his group" log_says 'login.ok user="alice" group="staff"'
	in_cl curl -sk "https://$gw4/+saml/metadata" >"$T/metadata.xml"
	ok "our metadata" has "$T/metadata.xml" "Location=\"https://$gw4/+saml/acs\""
	ok "counted" stat_above sso_ok 2
}

bad() {
	local failed='302 failed' entry mode answer why n
	refused unsigned "$failed" 'not signed'
	refused other-key "$failed" 'the answer is not good'
	refused tampered "$failed" 'the answer is not good'
	refused response-tampered "$failed" 'the answer is not good'
	refused sha1 "$failed" 'an algorithm that is not accepted'
	refused audience "$failed" 'another audience'
	refused no-audience "$failed" 'another audience'
	refused expired "$failed" 'the assertion is too old'
	refused early "$failed" 'the assertion is too old, or too new'
	refused confirmed-late "$failed" 'the confirmation of the assertion is too old'
	refused recipient "$failed" 'another recipient'
	refused destination "$failed" 'another destination'
	refused request "$failed" 'answers another request'
	refused other-login "$failed" 'answers another request'
	refused issuer "$failed" 'issuer\|the answer is not good'
	refused status "$failed" 'did not let the user in'
	refused required "$failed" 'a required attribute'
	for mode in before after inside object extensions twins renamed; do
		refused xsw-$mode "$failed" 'where none belongs\|than the one it is in\|not one response'
	done
	refused comment "$failed" 'a comment or CDATA'
	refused cdata "$failed" 'a comment or CDATA'
	refused doctype "$failed" 'a document type'
	refused instruction "$failed" 'a processing instruction'
	refused utf16 "$failed" 'no XML in UTF-8'
	refused garbage "$failed" 'no XML in UTF-8'
	refused no-base64 "$failed" 'not base64'
	refused huge 400 ''
	refused too-huge 413 ''
	refused get 400 ''
	refused replay 403 'no sign-on has this state'
	refused state 403 'no sign-on has this state'
	refused stolen 403 'another browser than the one that began'
	local -a modes=() whys=()
	wc -l <"$T/server.log" >"$T/before"
	for entry in "${refused[@]}"; do modes+=("${entry%%|*}"); done
	saml login "${modes[@]}" >"$T/said" 2>&1 || true
	for entry in "${refused[@]}"; do
		IFS='|' read -r mode answer why <<<"$entry"
		ok "$mode: refused" is_said "$mode" "$answer"
		[ -z "$why" ] || whys+=("$mode|$why")
	done
	# one line for each, in their order
	ok "each refusal is in the log" wait_until 5 refusals_are ${#whys[@]}
	n=0
	for entry in "${whys[@]}"; do
		n=$((n + 1))
		sed -n ${n}p "$T/refusals" >"$T/refusal"
		ok "${entry%%|*}: for the right reason" has "$T/refusal" "${entry#*|}"
	done
	ok "nobody else came in" not log_has 'login.ok user="\(mallory\|alice.evil\)'
	saml login good >"$T/said" 2>&1 || cat "$T/said"
	ok "and then a login" is_said good OK
}
refusals_are() {
	tail -n +"$(($(cat "$T/before") + 1))" "$T/server.log" | grep -e login.failed -e sso.stranger >"$T/refusals"
	equal "$(wc -l <"$T/refusals")" "$1"
}

# openconnect listens for the token itself
external() {
	cat >"$T/browser" <<-END
		#!/bin/sh
		exec /usr/bin/python3 -B "$here/saml.py" --ca "$T/ca.pem" --dir "$idp" browse "\$1" >>"$T/browser.out" 2>&1
	END
	chmod 755 "$T/browser"
	mkdir -p "$T/external"
	OC_STATE=$T/external spawn "$cl" "$T/external/log" "$OPENCONNECT" -v --timestamp --cafile "$T/ca.pem" --no-dtls \
		--script "bash '$here/vpnc-script'" --external-browser "$T/browser" $url4
	echo "$spawned" >"$T/external/pid"
	ok "openconnect: the tunnel opens" wait_until 40 oc_is_up external
	ok "openconnect: it is alice" equal "$(user alice "u['Groupname']")" staff
	ok "openconnect: ping through the tunnel" pings "$cl" $host4
	oc_stop external
}

# Requests that are signed, another place of the name, and files that are wrong.
settings() {
	saml_conf "\"request_key_file\": \"$idp/sp.pem\", \"request_certificate_file\": \"$idp/sp-cert.pem\", \"user_attribute\": \"vpn\""
	server_start "auth=\"$method\"" camouflage=true camouflage_secret=hidden
	local path
	for path in /+saml/acs /+saml/metadata; do
		ok "camouflage: a stranger at $path" equal "$(in_cl curl -sk -o /dev/null -w '%{http_code}' "https://$gw4$path")" 404
		ok "camouflage: with a form" equal "$(in_cl curl -sk -o /dev/null -w '%{http_code}' -d x=y "https://$gw4$path")" 404
	done
	server_stop
	server_start "auth=\"$method\""
	saml login good >"$T/said" 2>&1 || cat "$T/said"
	ok "the request is signed" is_said good 'OK signed-request'
	ok "the name is that of the attribute" log_says 'login.ok user="yes"'
	nothing_died
	server_stop
	local wrong
	for wrong in '"user_attribut": "x"' '"clock_skew": 100000' '"request_key_file": "/nowhere"' \
		"\"request_key_file\": \"$idp/metadata.xml\", \"request_certificate_file\": \"$idp/metadata.xml\""; do
		saml_conf "$wrong"
		ok "not accepted: $wrong" refuses_to_start
	done
}
refuses_to_start() {
	make_config "$T/server.conf" "auth=\"$method\""
	not in_gw timeout 20 "$(server_program)" -f -c "$T/server.conf" >"$T/refused.log" 2>&1
	has "$T/refused.log" "saml $T/saml.json: "
}

saml_conf
server_start "auth=\"$method\""
good
bad
external
nothing_died
server_stop
settings
