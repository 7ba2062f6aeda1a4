#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# dialogue.sh - all that is said before a tunnel: documents byte for byte, groups, profiles, phones, camouflage, the key beside the
# cookie; by dialogue.py and by openconnect. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"

is_ours || skip "checks our own documents"

sha1=$(openssl x509 -in "$T/server.pem" -outform DER | sha1sum | cut -c1-40 | tr a-f A-F)

# dialogue ARGUMENT...: every case a line; the test ends with the first group that has a wrong one.
dialogue() {
	in_cl /usr/bin/python3 "$here/dialogue.py" --ca "$T/ca.pem" --password "$password" --sha1 "$sha1" "$@" | tee "$T/dialogue" ||
		{ cp "$T/dialogue" "$T/last"; fail "dialogue.py $*"; }
	more "$(grep -c '^ok' "$T/dialogue")" 0 || fail "dialogue.py $* has no case"
}

group_is() { equal "$(user "$1" "u['Groupname']")" "$2"; }
end_session() {
	oc_stop "$1"
	ok "$1: the session is gone" wait_until 5 users_are 0
}
refused() { wait_until 20 not oc_is_alive "$1" && ! oc_is_up "$1"; }

# {{ tries }}

# Answers as typed at a terminal.
typed() {
	local name=$1
	shift
	mkdir -p "$T/$name"
	printf '%s\n' "$@" >"$T/$name/stdin"
	spawn_input=$T/$name/stdin
	OC_STATE=$T/$name spawn "$cl" "$T/$name/log" "$OPENCONNECT" -v --timestamp --cafile "$T/ca.pem" --no-dtls \
		--script "bash '$here/vpnc-script'" --user test $url4
	spawn_input=/dev/null
	echo "$spawned" >"$T/$name/pid"
}

tries() {
	typed twice wrong "$password"
	ok "twice: a wrong password, then the right one" oc_wait twice
	ok "twice: it was told of the first" has "$T/twice/log" "Login failed"
	end_session twice
	typed thrice wrong 'also wrong' "${password}x" "$password"
	ok "thrice: three wrong ones end it" refused thrice
	ok "thrice: it knows why" has "$T/thrice/log" "Login failed"
	oc_connect plainform --no-xmlpost --no-dtls
	end_session plainform
}

# {{ the key beside the cookie }}

webvpn_of() { sed 's/.*webvpn=//; s/;.*//' <<<"$1"; }
connect_is() { [[ $(vpn connect "$1") == "$2 "* ]]; }
reconnects() { more "$(oc_times "$1" reconnect)" "$2"; }

# key_holds NAME: a stolen cookie is of no use, the whole of it is.
key_holds() {
	local name=$1 token
	strap_cookie
	token=$(webvpn_of "$oc_cookie")
	ok "$name: the cookie alone: 401" connect_is "$token" 401
	oc_start "${name}_thief" --no-dtls --cookie="webvpn=$token"
	ok "$name: another openconnect with the cookie alone is refused" refused "${name}_thief"
	ok "$name: the server says why" has "$T/server.log" "does not prove to hold the key"
	oc_connect "$name" --no-dtls --cookie="$oc_cookie"
	ok "$name: a thief does not end the session either" connect_is "$token" 401
	ok "$name: it goes on" pings "$cl" $host4
	for n in 0 1; do
		kill -s USR2 "$(oc_pid "$name")"
		ok "$name: it reconnects with its next key" wait_until 20 reconnects "$name" $n
	done
	ok "$name: ping after it" wait_until 10 pings "$cl" $host4
}

# With the key, as openconnect prints it.
strap_cookie() {
	oc_cookie=$(in_cl "$OPENCONNECT" --authenticate --non-inter --cafile "$T/ca.pem" --user test --passwd-on-stdin $url4 \
		<<<"$password" 2>"$T/last" | sed -n "s/^COOKIE='\(.*\)'\$/\1/p")
	[[ $oc_cookie == openconnect_strapkey=*webvpn=* ]] || skip "this openconnect has no STRAP key: $oc_cookie"
}

keeper_pid() { server_pids | tr ' ' '\n' | sed -n 's/^keeper://p'; }
keeper_is_new() { [ "$(keeper_pid)" != "$1" ] && vpn login test "$password" | grep -q '^200 .\{40\}'; }

strap() {
	local old
	key_holds strap
	old=$(keeper_pid)
	kill -s KILL "$old"
	ok "strap: another keeper comes" wait_until 20 keeper_is_new "$old"
	ok "strap: which demands the key, too" connect_is "$(webvpn_of "$oc_cookie")" 401
	kill -s USR2 "$(oc_pid strap)"
	ok "strap: and takes the client back" wait_until 20 reconnects strap 2
	ok "strap: ping after it" wait_until 10 pings "$cl" $host4
	end_session strap

	ok "keyless: nothing is demanded of who announced nothing" connect_is "$(vpn login test "$password" | sed -n 's/^200 //p')" 200
	# openconnect 9.01 has no way to be silent
	if "$OPENCONNECT" --help | grep -q no-external-auth; then
		oc_connect keyless --no-dtls --no-external-auth
		end_session keyless
	fi
}

strap_12() {
	key_holds strap12
	ok "strap12: it is TLS 1.2" has "$T/strap12/log" "TLS1.2"
	end_session strap12
}

strap_off() {
	strap_cookie
	ok "strap = false: the cookie alone opens" connect_is "$(webvpn_of "$oc_cookie")" 200
}

# {{ groups }}

groups() {
	dialogue groups
	oc_user=grouped
	oc_connect labelled --no-dtls --authgroup 'The "staff"'
	ok "labelled: the group of the label" group_is grouped staff
	end_session labelled
	oc_connect default --no-dtls --authgroup Everyone
	ok "default: the first of the user's groups" group_is grouped staff
	end_session default
	oc_connect legacy --no-dtls --no-xmlpost --authgroup 'The "staff"'
	ok "legacy: the group" group_is grouped staff
	end_session legacy
	oc_connect usergroup --no-dtls --usergroup staff
	ok "usergroup: the group of the URL" group_is grouped staff
	end_session usergroup
	oc_start stranger --no-dtls --usergroup guests
	ok "stranger: the URL of a group that the user is not in: refused" refused stranger
	oc_user=lurker
	oc_connect auto --no-dtls --authgroup hidden
	ok "auto: a group that only the password file knows" group_is lurker hidden
	end_session auto
	oc_user="test"
}

# {{ camouflage }}

camouflage() {
	oc_url="$url4?s3cret-word"
	oc_connect hidden --no-dtls
	kill -s USR2 "$(oc_pid hidden)"
	ok "hidden: it reconnects without the secret" wait_until 20 reconnects hidden 0
	end_session hidden
	oc_connect hidden_form --no-dtls --no-xmlpost
	end_session hidden_form
	oc_url="$url4?s3cret-worx"
	oc_start lost --no-dtls
	ok "lost: a wrong secret ends it" refused lost
	oc_url=$url4
	oc_start lost2 --no-dtls
	ok "lost2: so does none" refused lost2
	ok "strangers are counted" stat_above camouflaged 10
	ok "curl sees a web server" web_server_is "$1"
}
web_server_is() { in_gw openssl s_client -connect $gw4:443 -quiet 2>/dev/null < <(printf 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'; sleep 1) | grep -q "^HTTP/1.1 $1 "; }

# {{ profiles }}

# openconnect hands the file to who asked for it.
profiles() {
	dialogue profile --profile "$T/my profile.xml"
	ok "profiles are counted" stat_above profiles_sent 2
	oc_connect withprofile --no-dtls
	end_session withprofile
	sed -i 's/one/other/' "$T/my profile.xml"
	ok "a reload is done" in_occtl reload
	ok "it brings the new content" wait_until 10 profile_is_new
}
profile_is_new() { dialogue profile --profile "$T/my profile.xml" | not grep FAIL; }

# is_refused FILE: by the check of the configuration, whose words are in $T/refusal.
is_refused() {
	make_config "$T/large.conf" "user-profile=$1"
	! in_gw "$(server_program)" -t -c "$T/large.conf" >"$T/refusal" 2>&1
}

large_profile() {
	head -c 262145 /dev/zero >"$T/large.xml"
	ok "a profile that is too large is refused" is_refused "$T/large.xml"
	ok "and it is said why" has "$T/refusal" "larger than 256 KB"
	ok "a profile that is not there is refused" is_refused "$T/nothing.xml"
	ok "and it is said which" has "$T/refusal" "nothing.xml.*No such file"
	ok "a profile that is no file is refused" is_refused "$T"
}

add_user grouped -g staff
add_user lurker -g hidden
echo '<AnyConnectProfile>one</AnyConnectProfile>' >"$T/my profile.xml"

server_start
dialogue plain
tries
strap
server_stop
server_start cisco-client-compat=true
strap_12
server_stop
server_start strap=false
strap_off
server_stop
server_start '+select-group=staff[The "staff"]' '+select-group=guests' default-select-group=Everyone auto-select-group=true \
	select-group-by-url=true
groups
server_stop
server_start "user-profile=\"$T/my profile.xml\"" cisco-svc-client-compat=true '+included-http-headers=X-Frame-Options: deny' \
	'+included-http-headers=Strict-Transport-Security: max-age=31536000'
dialogue headers svc
profiles
server_stop
large_profile
server_start camouflage=true camouflage_secret=s3cret-word
dialogue camouflage --status 404
camouflage 404
server_stop
server_start camouflage=true camouflage_secret=s3cret-word 'camouflage_realm="Restricted area"'
dialogue camouflage --status 401
camouflage 401
server_stop
