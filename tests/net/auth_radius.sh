#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# auth_radius.sh - logins and accounting at FreeRADIUS, which runs on the host behind the server; servers that are slow, silent, wrong
# or talk garbage. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$here/lib_auth.sh"
PATH=$PATH:/usr/sbin need freeradius

readonly raddb=$T/raddb secret=testing-secret-of-enough-length
freeradius_version() { freeradius -v 2>/dev/null | head -n 1; }

# A server of its own: users in a file, one challenge, records in a file.
mkdir -p "$raddb"/mods-config "$T/radlog"
cp -a /etc/freeradius/3.0/mods-config/. "$raddb/mods-config/" 2>/dev/null || true
cat >"$raddb/users" <<END
plain	Cleartext-Password := "$password"
	Reply-Message = "Welcome."

rich	Cleartext-Password := "$password"
	Framed-IP-Address = 10.77.9.9,
	Framed-IP-Netmask = 255.255.0.0,
	Framed-Route = "192.0.2.0/24 0.0.0.0 1",
	Framed-Route += "198.18.0.0/15",
	Framed-Route += "203.0.113.0/24 0.0.0.0 1",
	MS-Primary-DNS-Server = 203.0.113.53,
	Class = "OU=staff;admins",
	Session-Timeout = 600,
	Idle-Timeout = 300,
	Acct-Interim-Interval = 10

locked	Auth-Type := Reject
	Reply-Message = "This account is locked."

token	Cleartext-Password := "$password"
END
cat >"$raddb/dictionary" <<END
\$INCLUDE /usr/share/freeradius/dictionary
END
cat >"$raddb/radiusd.conf" <<END
prefix = /usr
exec_prefix = /usr
localstatedir = $T/radlog
raddbdir = $raddb
logdir = $T/radlog
libdir = $(dirname "$(find /usr/lib -name rlm_files.so | head -n 1)")
pidfile = $T/radlog/pid
max_request_time = 30
log {
	destination = files
	file = $T/radlog/log
	auth = no
}
security {
	max_attributes = 200
	reject_delay = 0
	status_server = no
	allow_core_dumps = no
}
thread pool {
	start_servers = 2
	max_servers = 8
	min_spare_servers = 1
	max_spare_servers = 4
}
client gateway {
	ipaddr = 203.0.113.1
	secret = $secret
}
modules {
	files {
		filename = $raddb/users
	}
	pap {
	}
	always reject {
		rcode = reject
	}
	always ok {
		rcode = ok
	}
	always handled {
		rcode = handled
	}
	detail {
		filename = $T/radlog/detail
		permissions = 0600
	}
}
server default {
	listen {
		type = auth
		ipaddr = $host4
		port = 1812
	}
	listen {
		type = acct
		ipaddr = $host4
		port = 1813
	}
	authorize {
		# FreeRADIUS does so by itself since 3.2.5
		update reply {
			Message-Authenticator := 0x00
		}
		if (User-Name == "token" && State) {
			if (User-Password == "246810") {
				update control {
					Auth-Type := Accept
				}
			}
			else {
				reject
			}
		}
		elsif (User-Name == "token") {
			files
			update control {
				Auth-Type := First
			}
		}
		else {
			files
			pap
		}
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type First {
			pap
			update reply {
				State := 0x736f6d65207374617465
				Reply-Message := "Enter the number on your token."
			}
			update control {
				Response-Packet-Type := Access-Challenge
			}
			handled
		}
	}
	accounting {
		detail
		ok
	}
}
END
radius_start() {
	spawn "$host" "$T/radius.out" freeradius -f -d "$raddb" -n radiusd
	radius_pid=$spawned
	ok "freeradius listens" wait_until 20 radius_listens
}
radius_listens() { in_host ss -uln | grep -q ":1812 "; }
radius_stop() { end "$radius_pid" TERM 10 || true; }

# client_conf SERVER[,SERVER] [SECRET] [TIMEOUT] [RETRIES] [LINE]
client_conf() {
	local server
	{
		for server in ${1//,/ }; do
			echo "authserver ${server}"
			echo "acctserver ${server/:1812/:1813}"
		done
		echo "servers $T/radius.servers"
		echo "dictionary /etc/radcli/dictionary"
		echo "radius_timeout ${3:-2}"
		echo "radius_retries ${4:-1}"
		echo "bindaddr *"
		[ -z "${5-}" ] || echo "$5"
	} >"$T/radiusclient.conf"
	for server in ${1//,/ }; do
		echo "${server%%:*} ${2:-$secret}"
	done >"$T/radius.servers"
	chmod 600 "$T/radius.servers"
}
method="radius[config=$T/radiusclient.conf,groupconfig=true,nas-identifier=gate]"
detail_has() { grep -q -e "$1" "$T/radlog/detail"; }
# the records of one kind, as "name=value" of one attribute
records() { awk -v kind="$1" -v want="$2" 'BEGIN { RS = ""; FS = "\n" } $0 ~ "Acct-Status-Type = " kind { for (i = 1; i <= NF; i++) if ($i ~ "\t" want " = ") { sub(".* = ", "", $i); print $i } }' "$T/radlog/detail"; }

logins() {
	client_conf "$host4:1812"
	auth_start "$method" "acct=\"radius[config=$T/radiusclient.conf,nas-identifier=gate]\""
	others_begin
	ok "plain: the right password" enters plain "$password"
	ok "plain: a wrong one" stays_out plain wrong
	ok "plain: an empty one" stays_out plain ""
	ok "plain: longer than RADIUS carries" stays_out plain "$(printf 'x%.0s' {1..200})"
	ok "stranger: unknown" stays_out stranger "$password"
	ok "locked: refused, and told why" said_is "FORM This account is locked." locked "$password"
	ok "token: the challenge, with its message" said_is "ASK Response: | Enter the number on your token." token "$password"
	ok "token: the right answer" enters token "$password" 246810
	ok "token: a wrong one" stays_out token "$password" 246811
	ok "token: the password again" stays_out token "$password" "$password"
	ok "token: a wrong password is no challenge" said_is FORM token wrong
	ok "rich: one of his groups" enters --group admins rich "$password"
	ok "rich: another" stays_out --group root rich "$password"
	ok "plain: has no group" stays_out --group staff plain "$password"
	others_fine "RADIUS"
	local out
	out=$(in_cl timeout 30 bash -c "printf '%s\n%s\n' '$password' 246810 | $OPENCONNECT --authenticate --cafile '$T/ca.pem' \
		--user token $url4" 2>"$T/last") || fail "openconnect with a challenge"
	ok "token: openconnect answers it" has <(echo "$out") "^COOKIE="
}

accounting() {
	sleep 2 # the last records of the others
	rm -f "$T/radlog/detail"
	oc_user=rich
	oc_connect rich --no-dtls
	ok "rich: his own address" equal "$(oc_ip4 rich)" 10.77.9.9
	ok "rich: his group" equal "$(user rich "u['Groupname']")" staff
	ok "rich: his routes, not those of the others" equal "$(oc_routes rich)" "192.0.2.0/24 198.18.0.0/15 203.0.113.0/24 "
	ok "rich: his name server" equal "$(oc_value rich INTERNAL_IP4_DNS)" 203.0.113.53
	ok "rich: the start is recorded" wait_until 10 detail_has 'Acct-Status-Type = Start'
	ok "rich: ping" pings "$cl" $host4
	oc_user=plain
	oc_connect plain --no-dtls
	ok "a second session of rich does not get his address" two_of_rich
	ok "rich: an interim record, as the server wants" wait_until 30 detail_has 'Acct-Status-Type = Interim-Update'
	oc_stop rich
	oc_stop plain
	oc_user=test
	ok "rich: the stop is recorded" wait_until 10 detail_has 'Acct-Status-Type = Stop'
	ok "the stop of both" wait_until 10 equal_records 2
	ok "rich: start and stop have one number" equal "$(records Start Acct-Session-Id | sort | uniq | wc -l)" \
		"$(sort -u <(records Start Acct-Session-Id) <(records Stop Acct-Session-Id) | wc -l)"
	ok "rich: bytes came in" more "$(records Stop Acct-Input-Octets | head -n 1)" 100
	ok "rich: bytes went out" more "$(records Stop Acct-Output-Octets | head -n 1)" 100
	ok "rich: ended by the user" equal "$(records Stop Acct-Terminate-Cause | head -n 1)" User-Request
	ok "rich: his class comes back" detail_has 'Class = '
	ok "the NAS has its name" detail_has 'NAS-Identifier = "gate"'
	ok "his address is in it" detail_has 'Framed-IP-Address = 10.77.9.9'
	ok "the client's, too" detail_has "Calling-Station-Id = \"$cl4\""
	nothing_died
	server_stop
}
equal_records() { equal "$(records Stop Acct-Session-Id | wc -l)" "$1"; }
# what the script of openconnect was told, in order
oc_routes() {
	local i
	for ((i = 0; i < $(oc_value "$1" CISCO_SPLIT_INC); i++)); do
		echo "$(oc_value "$1" "CISCO_SPLIT_INC_${i}_ADDR")/$(oc_value "$1" "CISCO_SPLIT_INC_${i}_MASKLEN")"
	done | sort | tr '\n' ' '
}

two_of_rich() {
	local cookie
	cookie=$(dialog rich "$password" | sed -n 's/^OK //p')
	vpn connect "$cookie" | grep -q '^503.*own IPv4 address'
}

# The records of a time when the server was away arrive later.
later() {
	client_conf "$host4:1812" "$secret" 1 1
	auth_start "plain[passwd=$T/ocpasswd]" "acct=\"radius[config=$T/radiusclient.conf]\""
	rm -f "$T/radlog/detail"
	radius_stop
	others_begin
	oc_connect test --no-dtls
	others_fine "accounting without a server"
	ok "later: the user is in although nobody records it" oc_is_alive test
	ok "later: the log says so" wait_until 20 log_has 'acct.retry'
	radius_start
	ok "later: the start comes when the server is back" wait_until 60 detail_has 'User-Name = "test"'
	ok "later: with the time that it waited" more "$(records Start Acct-Delay-Time | sort -n | tail -n 1)" 0
	oc_stop test
	server_stop
}

# Users of another method are recorded too.
local_accounting() {
	client_conf "$host4:1812"
	auth_start "plain[passwd=$T/ocpasswd]" "acct=\"radius[config=$T/radiusclient.conf,nas-identifier=gate]\"" stats-report-time=10
	rm -f "$T/radlog/detail"
	oc_connect test --no-dtls
	ok "the start is recorded" wait_until 10 detail_has 'Acct-Status-Type = Start'
	ok "ping" pings "$cl" $host4
	ok "an interim record comes" wait_until 40 detail_has 'Acct-Status-Type = Interim-Update'
	oc_stop test
	ok "the stop is recorded" wait_until 20 equal_records 1
	ok "start and stop have one number" equal "$(records Start Acct-Session-Id)" "$(records Stop Acct-Session-Id)"
	ok "bytes came in" more "$(records Stop Acct-Input-Octets)" 100
	ok "bytes went out" more "$(records Stop Acct-Output-Octets)" 100
	ok "ended by the user" equal "$(records Stop Acct-Terminate-Cause)" User-Request
	ok "the NAS has its name" detail_has 'NAS-Identifier = "gate"'
	ok "the client's address is in it" detail_has "Calling-Station-Id = \"$cl4\""
	nothing_died
	server_stop
}
fail_over() {
	client_conf "203.0.113.99:1812,$host4:1812" "$secret" 2 1
	auth_start "$method"
	ok "fail-over: the first server is silent, the second lets in" enters plain "$password"
	ok "fail-over: the log says who is silent" log_has 'radius.silent server="203.0.113.99"'
	local begin=$SECONDS
	ok "fail-over: the next login does not wait for it" enters plain "$password"
	ok "fail-over: at all" not more $((SECONDS - begin)) $((1 * slow + 1))
	nothing_died
	server_stop
}

wrong_secret() {
	client_conf "$host4:1812" another-secret-than-the-servers
	auth_start "$method"
	others_begin
	ok "wrong secret: nobody comes in" stays_out plain "$password"
	ok "wrong secret: the log says what it may be" log_has 'does not answer; .*is the shared secret right'
	others_fine "a wrong secret"
	server_stop
}

# Nobody listens; somebody listens and is silent; somebody answers garbage.
trouble() {
	client_conf "$host4:1899" "$secret" 2 2
	auth_start "$method"
	others_begin
	ok "down: nobody comes in" stays_out plain "$password"
	ok "down: the log says so" log_has 'login.broken.*RADIUS'
	others_fine "a server that is down"
	server_stop
	spawn "$host" "$T/blackhole" /usr/bin/python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("'$host4'", 1898))
time.sleep(600)'
	client_conf "$host4:1898" "$secret" 3 2
	auth_start "$method"
	others_begin
	local i clients=()
	for i in 1 2 3 4 5; do
		in_cl /usr/bin/python3 "$here/dialog.py" --ca "$T/ca.pem" plain "$password" >"$T/silent.$i" 2>&1 &
		clients+=($!)
	done
	others_fine "a server that is silent"
	for i in "${clients[@]}"; do wait "$i"; done
	ok "silent: nobody came in" not grep -q '^OK' "$T"/silent.*
	nothing_died
	server_stop
}

# fake MODE PORT: an own server that does not behave
fake() {
	spawn "$host" "$T/fake.$1" env PASSWORD="$password" /usr/bin/python3 "$here/radius_fake.py" "$1" $host4 "$2" "$secret"
	ok "$1: listens" wait_until 10 fake_listens "$2"
}
fake_listens() { in_host ss -uln | grep -q ":$1 "; }

liars() {
	local i
	fake garbage 1897
	client_conf "$host4:1897" "$secret" 1 1
	auth_start "$method"
	others_begin
	for i in 1 2 3 4 5 6 7; do
		ok "garbage $i: nobody comes in" stays_out plain "$password"
	done
	others_fine "a server that answers garbage"
	nothing_died
	server_stop
	fake forged 1896
	client_conf "$host4:1896" "$secret" 1 1
	auth_start "$method"
	others_begin
	for i in 1 2 3 4 5 6 7 8 9; do
		ok "forged $i: nobody comes in" stays_out plain "$password"
	done
	ok "forged: the log says so" log_has 'radius.dropped .*forged=1'
	ok "forged: and why that may be" log_has 'wrong authenticator; is the shared secret right'
	others_fine "a server that forges answers"
	nothing_died
	server_stop
	fake late 1895
	client_conf "$host4:1895"
	auth_start "$method"
	ok "late: forged answers do not keep a user out" enters plain "$password"
	ok "late: nor let one in" stays_out plain wrong
	server_stop
	fake slow 1894
	client_conf "$host4:1894" "$secret" 10 1
	auth_start "$method"
	others_begin
	ok "slow: lets in" enters plain "$password"
	ok "slow: a wrong password" stays_out plain wrong
	others_fine "a slow server"
	server_stop
}

# CVE-2024-3596: without Message-Authenticator an answer is worth nothing, unless the administrator says otherwise.
unsigned() {
	fake unsigned 1893
	client_conf "$host4:1893" "$secret" 1 1
	auth_start "$method"
	ok "unsigned: nobody comes in" stays_out plain "$password"
	ok "unsigned: the log says why" log_has 'answers without Message-Authenticator'
	server_stop
	client_conf "$host4:1893" "$secret" 1 1 "require-message-authenticator no"
	auth_start "$method"
	ok "unsigned: taken when it is said so" enters plain "$password"
	ok "unsigned: a wrong password even then not" stays_out plain wrong
	ok "unsigned: the log warns" log_has 'radius.unsigned'
	server_stop
}

starts() { in_gw timeout 20 "$(server_program)" -f -c "$T/server.conf" >"$T/why" 2>&1; }
missing() {
	make_config "$T/server.conf" "auth=\"radius[config=$T/nothing.conf]\""
	ok "no file: the server does not start" not starts
	ok "and says which" has "$T/why" "nothing.conf"
	client_conf "$host4:1812"
	echo "other-host secret" >"$T/radius.servers"
	make_config "$T/server.conf" "auth=\"radius[config=$T/radiusclient.conf]\""
	ok "no secret: the server does not start" not starts
	ok "and says for whom" has "$T/why" "no secret for server $host4"
	# a reload that needs the auth process starts it
	client_conf "$host4:1812"
	auth_start "plain[passwd=$T/ocpasswd]"
	sed -i "s|^enable-auth.*|enable-auth = \"$method\"|" "$T/server.conf"
	kill -HUP "$server_pid"
	ok "reload: done" wait_until 20 log_has 'reload.done'
	ok "reload: the method is there" enters plain "$password"
	sed -i "s|$T/radiusclient.conf|$T/nothing.conf|" "$T/server.conf"
	kill -HUP "$server_pid"
	ok "reload: a file that is missing is refused" wait_until 20 log_has 'reload.refused'
	ok "reload: and the old one stays" enters plain "$password"
	nothing_died
	server_stop
}

radius_start
logins
accounting
local_accounting
later
fail_over
wrong_secret
trouble
liars
unsigned
missing
