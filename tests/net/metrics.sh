#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# metrics.sh - what monitoring and load balancers see: the format, the numbers after real logins and traffic, who may ask, requests that
# are none, processes that die, and the end of the server, which /health announces first. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
is_ours || skip "our own metrics"
/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null || skip "no python3-prometheus-client; run: sudo scripts/setup.sh test"

readonly socket=$T/metrics.socket port=9443
ask() { in_gw /usr/bin/python3 "$here/metrics.py" "$socket" "$@"; }
# ask_from NAMESPACE ADDRESS COMMAND...
ask_from() {
	local ns=$1 to=$2
	shift 2
	ip netns exec "$ns" /usr/bin/python3 "$here/metrics.py" "$to:$port" "$@"
}
value() { ask value "$@"; }
value_is() {
	local want=$1
	shift
	equal "$(value "$@")" "$want"
}
above() {
	local want=$1
	shift
	more "$(value "$@" | cut -d. -f1)" "$want"
}
health_is() { equal "$(ask get /health | head -n 1)" "$1"; }
says() { equal "$(ask raw "$1")" "$2"; }
pid_of() { in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'] == '$1'][0]"; }
pid_is_other() { more "$(pid_of "$1")" 0 && not equal "$(pid_of "$1")" "$2"; }

readonly conf=(workers=2 "metrics-socket=$socket" "+metrics-listen=127.0.0.1:$port" "+metrics-listen=$gw4:$port"
	"+metrics-listen=[$gw6]:$port" "+metrics-listen=203.0.113.1:$port" +metrics-allow=203.0.113.0/24 +metrics-allow=127.0.0.1
	server-drain-ms=600000)

server_start "${conf[@]}"

# {{ the format }}
ok "a scrape keeps all rules of OpenMetrics" ask check "$T/kept"
ok "each counter of the workers is there" ask names "$SOURCE_DIR/src/ipc/stats.def" STAT ocserv_worker_ _total
ok "each time that they measure" ask names "$SOURCE_DIR/src/ipc/hist.def" HIST ocserv_worker_ _seconds_count
ok "each level" ask names "$SOURCE_DIR/src/ipc/level.def" LEVEL ocserv_worker_ ""
if command -v promtool >/dev/null; then
	ok "promtool finds nothing" bash -c "set -o pipefail; ip netns exec $gw /usr/bin/python3 '$here/metrics.py' '$socket' get /metrics old |
		promtool check metrics"
fi
ok "the socket is for root alone" equal "$(command stat -c %a:%U "$socket")" 600:root

# {{ who may ask }}
ok "the machine itself may" ask_from "$gw" 127.0.0.1 check "$T/kept"
ok "a network of metrics-allow may" ask_from "$host" 203.0.113.1 check "$T/kept"
ok "others hear nothing" equal "$(ask_from "$cl" $gw4 raw 'GET /metrics HTTP/1.1\r\n\r\n')" closed
ok "also over IPv6" equal "$(ask_from "$cl" "[$gw6]" raw 'GET /health HTTP/1.1\r\n\r\n')" closed
ok "that is counted" above 1 ocserv_metrics_refused_total cause=address
make_config "$T/server.conf" "${conf[@]}" +metrics-allow=198.51.100.0/24
ok "a reload changes who may" in_occtl reload
ok "now he may" ask_from "$cl" $gw4 check "$T/kept"

# {{ requests }}
ok "health is good" health_is 200
ok "HEAD has no body" says 'HEAD /metrics HTTP/1.1\r\n\r\n' 'HTTP/1.1 200 OK'
ok "no other method" says 'POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nab' 'HTTP/1.1 405 Method Not Allowed'
ok "no other page" says 'GET /metrics/../x HTTP/1.1\r\n\r\n' 'HTTP/1.1 404 Not Found'
ok "no other version" says 'GET /metrics HTTP/2.0\r\n\r\n' 'HTTP/1.1 505 HTTP Version Not Supported'
ok "no garbage" says '\x16\x03\x01\x02\r\n\r\n' 'HTTP/1.1 400 Bad Request'
ok "no endless head" says "$(printf 'GET /metrics HTTP/1.1\\r\\nX: '; printf 'x%.0s' {1..5000})" \
	'HTTP/1.1 431 Request Header Fields Too Large'
ok "these are counted" value_is 5 ocserv_metrics_refused_total cause=request
ok "who says nothing loses his place, and more than 16 get none" equal "$(ask silent 20 $((30 * slow)))" 20
ok "they are counted: some were too many" above 3 ocserv_metrics_refused_total cause=busy
ok "and the others too slow" above 0 ocserv_metrics_refused_total cause=slow

# {{ numbers }}
oc_connect c1
oc_connect c2 --no-dtls
ok "a wrong password is refused" not in_cl "$OPENCONNECT" --authenticate --non-inter --cafile "$T/ca.pem" --user test --passwd-on-stdin \
	"$url4" <<<"wrong"
ok "traffic over DTLS" in_host ping -n -q -c 40 -i 0.02 -W $((2 * slow)) "$(oc_ip4 c1)"
ok "traffic over TLS" in_host ping -n -q -c 40 -i 0.02 -W $((2 * slow)) "$(oc_ip4 c2)"
ok "two sessions" wait_until 5 value_is 2 ocserv_sessions
ok "the workers have them" wait_until 5 value_is 2 ocserv_worker_sessions
ok "two logins succeeded" value_is 2 ocserv_logins_succeeded_total
ok "some failed" above 0 ocserv_logins_failed_total
ok "answers of the method: yes" value_is 2 ocserv_backend_answers_total method=plain result=ok
ok "and no" above 0 ocserv_backend_answers_total method=plain result=denied
ok "how long it took" above 2 ocserv_backend_seconds_count method=plain
ok "packets by channel" above 39 ocserv_worker_rx_dtls_packets_total
ok "packets by channel, TLS" above 39 ocserv_worker_tx_tls_packets_total
ok "the channels make the whole" equal \
	"$(($(value ocserv_worker_rx_dtls_bytes_total) + $(value ocserv_worker_rx_tls_bytes_total)))" \
	"$(value ocserv_worker_rx_bytes_total)"
ok "times of handshakes" above 3 ocserv_worker_tls_handshake_seconds_count
ok "latency inside, from clients" above 0 ocserv_worker_rx_latency_seconds_count
ok "latency inside, to clients" above 0 ocserv_worker_tx_latency_seconds_count
ok "addresses of the pool" value_is 2 ocserv_pool_used network=10.77.0.0/24
ok "of so many" value_is 253 ocserv_pool_size network=10.77.0.0/24
ok "the end of the certificate" value_is "$(date -d "$(openssl x509 -in "$T/server.pem" -noout -enddate | cut -d= -f2)" +%s)" \
	ocserv_certificate_not_after_seconds vhost=default key=ecdsa index=0
ok "alerts and dashboard name what there is" ask known "$SOURCE_DIR/src/bpf/guard.def" \
	"$SOURCE_DIR/packaging/prometheus/ocserv-modern.rules.yml" "$SOURCE_DIR/packaging/prometheus/ocserv-modern.test.yml" \
	"$SOURCE_DIR/packaging/grafana/ocserv-modern.json"
if command -v promtool >/dev/null; then
	ask rules "$SOURCE_DIR/packaging/grafana/ocserv-modern.json" >"$T/dashboard.yml"
	ok "the dashboard's expressions are right" promtool check rules "$T/dashboard.yml"
	ok "the rules of alerts are right" promtool check rules "$SOURCE_DIR/packaging/prometheus/ocserv-modern.rules.yml"
	ok "they fire when they should, and not else" promtool test rules "$SOURCE_DIR/packaging/prometheus/ocserv-modern.test.yml"
fi
ok "all processes are at work" value_is 6 ocserv_process_ready
ok "no counter went down" ask check "$T/kept"

# {{ deaths }}
nothing_died
before=$(pid_of metrics)
kill -s KILL "$before"
ok "metrics dies and comes back" wait_until 20 pid_is_other metrics "$before"
ok "it answers" wait_until 20 health_is 200
before=$(pid_of keeper)
kill -s KILL "$before"
ok "the keeper dies and comes back" wait_until 20 pid_is_other keeper "$before"
ok "health is good again" wait_until 20 health_is 200
ok "its sessions are counted" wait_until 20 value_is 2 ocserv_sessions
ok "deaths are counted" value_is 1 ocserv_process_restarts_total process=keeper

# {{ the end: health first, then the rest }}
kill -s TERM "$server_pid"
ok "health says that the end comes" wait_until 10 health_is 503
ok "others do not notice: a client goes on" pings "$cl" $host4 -I "$(oc_value c1 TUNDEV)"
oc_cookie
ok "and a new one comes in" test -n "$oc_cookie"
ok "metrics tell it" value_is 1 ocserv_draining
ok "health still says so" health_is 503
oc_stop c1
oc_stop c2
server_stop # by a second SIGTERM
ok "its socket is gone" not test -e "$socket"

# by the time alone; without a state-dir, so that clients are told
server_start "${conf[@]}" server-drain-ms=500 state-dir=
kill -s TERM "$server_pid"
status=0
wait_until 20 not is_alive "$server_pid" >"$T/last" || fail "the server does not end after server-drain-ms"
wait "$server_pid" || status=$?
server_pid=
ok "after server-drain-ms it ends by itself" equal "$status" 0
ok "it has waited" has "$T/server.log" server.draining
ok "no sanitizer has complained" no_report

# who does not want metrics has no process for them
server_start
ok "off unless it is wanted" equal "$(in_gw ss -Hltn "sport = :$port")" ""
ok "no process" equal "$(in_occtl show status | json "len([p for p in d['Processes'] if p['name'] == 'metrics'])")" 0
server_stop
