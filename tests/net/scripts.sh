#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# scripts.sh - connect-script, disconnect-script and host-update-script: what they are told, whom they refuse, and whom they delay.
# The network is drawn in lib.sh. SERVER=ocserv runs the parts that both have.
. "$(dirname "$0")/lib.sh"

# The script writes what it is told, one file a call, and then does what $T/do says.
make_script() {
	cat >"$T/script" <<-END
		#!/bin/sh
		ls -l /proc/self/fd >"$T/fds.\$USERNAME"
		{ env; echo "args=\$#"; } >"$T/env.new.\$\$"
		mv "$T/env.new.\$\$" "$T/env.\$REASON.\$USERNAME"
		echo "\$REASON \$USERNAME \$ID begin" >>"$T/order"
		[ ! -e "$T/do.\$USERNAME" ] || . "$T/do.\$USERNAME"
		echo "\$REASON \$USERNAME \$ID end" >>"$T/order"
	END
	chmod 755 "$T/script"
	touch "$T/order"
	chmod 666 "$T/order"
}

# told REASON USER NAME VALUE: the variable has this value; an empty VALUE: it is empty or not there.
told() { equal "$(sed -n "s/^$3=//p" "$T/env.$1.$2")" "$4"; }
was_told() { [ -s "$T/env.$1.$2" ]; }
times() { grep -c "^$1 $2 .* end\$" "$T/order" || true; }
times_are() { equal "$(times "$1" "$2")" "$3"; }
id_of() { sed -n 's/^ID=//p' "$T/env.$1.$2"; }
log_has() { has "$T/server.log" "$1"; }
same_id() { equal "$(id_of connect "$1")" "$(id_of "$2" "$1")"; }

environment() {
	oc_user=bob oc_connect bob --local-hostname=bobs-laptop --no-dtls
	ok "connect: the script was run" was_told connect bob
	ok "connect: who" told connect bob USERNAME bob
	ok "connect: group" told connect bob GROUPNAME staff
	ok "connect: virtual host" told connect bob VHOST default
	ok "connect: device" told connect bob DEVICE vpns0
	ok "connect: outer address" told connect bob IP_REAL $cl4
	ok "connect: outer address of the server" told connect bob IP_REAL_LOCAL $gw4
	ok "connect: inner address" told connect bob IP_REMOTE "$(oc_ip4 bob)"
	ok "connect: inner address of the server" told connect bob IP_LOCAL 10.77.0.1
	ok "connect: IPv6" told connect bob IPV6_REMOTE "$(oc_ip6 bob | sed 's#/.*##')"
	ok "connect: IPv6 prefix" told connect bob IPV6_PREFIX 128
	ok "connect: name of the client" told connect bob REMOTE_HOSTNAME bobs-laptop
	ok "connect: name of the client, old" told connect bob HOSTNAME bobs-laptop
	ok "connect: agent" has "$T/env.connect.bob" '^USER_AGENT=.*AnyConnect'
	ok "connect: routes" told connect bob OCSERV_ROUTES "203.0.113.0/255.255.255.0 2001:db8:2::/64 "
	ok "connect: routes of IPv4" told connect bob OCSERV_ROUTES4 "203.0.113.0/255.255.255.0 "
	ok "connect: routes of IPv6" told connect bob OCSERV_ROUTES6 "2001:db8:2::/64 "
	ok "connect: no-routes" told connect bob OCSERV_NO_ROUTES4 "203.0.113.128/255.255.255.128 "
	ok "connect: no no-routes of IPv6" told connect bob OCSERV_NO_ROUTES6 ""
	ok "connect: name servers" told connect bob OCSERV_DNS "192.0.2.1 2001:db8::53 "
	ok "connect: no arguments" told connect bob args 0
	ok "host-update: was run" wait_until 5 was_told host-update bob
	ok "host-update: name" told host-update bob REMOTE_HOSTNAME bobs-laptop
	ok "host-update: of the same connection" same_id bob host-update
	ok "disconnect: not yet" not was_told disconnect bob
	if is_ours; then
		ok "connect: no descriptor of the server" not grep -e socket: -e anon_inode -e memfd -e /dev/net "$T/fds.bob"
		ok "connect: standard input is empty" has "$T/fds.bob" ' 0 -> /dev/null'
		ok "connect: nothing of our environment" not grep -q -e '^BUILD_DIR=' -e '^HOME=' "$T/env.connect.bob"
		ok "connect: the number is that of occtl" equal "$(id_of connect bob)" "$(user bob "u['ID']")"
	fi
	ok "bob: ping" pings "$cl" $host4
	oc_stop bob
	ok "disconnect: was run" wait_until 10 was_told disconnect bob
	ok "disconnect: of the same connection" same_id bob disconnect
	ok "disconnect: inner address" told disconnect bob IP_REMOTE "$(sed -n 's/^IP_REMOTE=//p' "$T/env.connect.bob")"
	ok "disconnect: bytes in" more "$(sed -n 's/^STATS_BYTES_IN=//p' "$T/env.disconnect.bob")" 200
	ok "disconnect: bytes out" more "$(sed -n 's/^STATS_BYTES_OUT=//p' "$T/env.disconnect.bob")" 200
	ok "disconnect: duration" has "$T/env.disconnect.bob" '^STATS_DURATION=[0-9]'
	! is_ours || ok "disconnect: reason" told disconnect bob DISCONNECT_REASON user
	ok "connect: no statistics" told connect bob STATS_BYTES_IN ""
}

refusal() {
	echo 'exit 3' >"$T/do.mallory"
	oc_user=mallory oc_start mallory --no-dtls
	ok "refused: the client ends" wait_until 20 not oc_is_alive mallory
	ok "refused: no tunnel" not oc_is_up mallory
	ok "refused: nobody is in" users_are 0
	is_ours || return 0
	ok "refused: the log says why" log_has 'script.failed kind=connect .* why="exit status 3"'
	ok "refused: the client is told" has "$T/mallory/log" 'connect-script\|401'
	ok "refused: no disconnect" times_are disconnect mallory 0
	rm "$T/do.mallory"
	oc_user=mallory oc_connect mallory --no-dtls
	oc_stop mallory
	ok "let in later: disconnect" wait_until 5 times_are disconnect mallory 1
}

# A script that hangs delays only its own client, and is killed with its children.
deadline() {
	echo 'sleep 30017 & sleep 30017' >"$T/do.sloth"
	oc_user=sloth oc_start sloth --no-dtls
	ok "slow: the script runs" wait_until 10 was_told connect sloth
	oc_user=bob oc_connect bob --no-dtls
	ok "slow: others are not delayed" log_has 'session.open .*user="bob"'
	ok "slow: the script still runs" not log_has 'script.failed kind=connect .*script-timeout'
	ok "slow: the client is refused" wait_until 30 not oc_is_alive sloth
	ok "slow: the log says why" log_has 'script.failed kind=connect .*script-timeout = 10 s'
	ok "slow: its children are dead" not pgrep -f 'sleep 30017'
	oc_stop bob
	ok "slow: disconnect of the other" wait_until 5 times_are disconnect bob 2
}

# The same cookie again: the old connection's script ends before the new one's begins, and each has one of both.
reconnect() {
	local order
	echo 'sleep 0.5' >"$T/do.test"
	oc_cookie=$(vpn login test "$password" | sed -n 's/^200 //p') # not bound to a key of openconnect's
	vpn connect --hold "$oc_cookie" </dev/zero >"$T/first" 2>&1 &
	pids+=($!)
	ok "reconnect: the first is in" wait_until 20 has "$T/first" '^200'
	oc_start second --cookie="webvpn=$oc_cookie" --no-dtls
	ok "reconnect: the second is in" oc_wait second
	ok "reconnect: two connects" times_are connect test 2
	ok "reconnect: one disconnect" times_are disconnect test 1
	order=$(sed -n 's/^\([a-z]*\) test .* \([a-z]*\)$/\1-\2/p' "$T/order" | grep -v host-update | tr '\n' ' ')
	ok "reconnect: in order" equal "$order" "connect-begin connect-end disconnect-begin disconnect-end connect-begin connect-end "
	ok "reconnect: one is in" users_are 1
	oc_kill second
	ok "reconnect: the second's end is told" wait_until 20 times_are disconnect test 2
	rm "$T/do.test"
}

# Scripts of the last sessions are run before the server ends.
at_the_end() {
	rm -f "$T/do."* "$T/env."*
	echo 'sleep 1' >"$T/do.bob"
	oc_user=bob oc_connect final --no-dtls
	server_stop
	ok "end: the disconnect-script has ended" equal "$(tail -n 1 "$T/order" | cut -d' ' -f1,2,4)" "disconnect bob end"
	ok "end: each connect has its disconnect" equal "$(grep -c '^connect.*end' "$T/order")" "$(grep -c '^disconnect.*end' "$T/order")"
}

make_script
for name in bob mallory sloth; do
	add_user "$name" -g staff
done
server_start "connect-script=$T/script" "disconnect-script=$T/script" "host-update-script=$T/script" +no-route=203.0.113.128/25 \
	+dns=192.0.2.1 +dns=2001:db8::53 $(is_ours && echo script-timeout=10)
chmod 777 "$T"
environment
refusal
if is_ours; then
	deadline
	reconnect
	nothing_died
	at_the_end
else
	server_stop
fi
