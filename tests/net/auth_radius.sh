#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# auth_radius.sh - accounting at FreeRADIUS, which runs on the host behind the server. Logins by RADIUS are refused: radcli 1.2.11 takes an
# Access-Accept whose authenticator is wrong. The network is drawn in lib.sh.
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

# client_conf SERVER[,SERVER] [SECRET] [TIMEOUT] [RETRIES]
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

refused() {
	client_conf "$host4:1812"
	make_config "$T/server.conf" "auth=\"$method\""
	ok "radius as auth: the server does not start" not in_gw "$(server_program)" -f -c "$T/server.conf"
	in_gw "$(server_program)" -t -c "$T/server.conf" >"$T/why" 2>&1 || true
	ok "and says why" has "$T/why" "does not verify that an answer is from the server"
}

accounting() {
	client_conf "$host4:1812"
	auth_start "plain[passwd=$T/ocpasswd]" "acct=\"radius[config=$T/radiusclient.conf,nas-identifier=gate]\"" stats-report-time=10
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
equal_records() { equal "$(records Stop Acct-Session-Id | wc -l)" "$1"; }

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

radius_start
refused
accounting
later
