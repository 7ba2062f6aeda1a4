#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# trouble.sh - signs of trouble, each a line in the log and a number: a full disk, a pool that is nearly used up, a certificate that
# expires, a back end that is slow. A clock that is set and a worker that is saturated are unit tests. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
is_ours || skip "our own log and metrics"
/usr/bin/python3 -c 'import prometheus_client, cryptography' 2>/dev/null || skip "no python3-prometheus-client; run: sudo scripts/setup.sh test"

value() { in_gw /usr/bin/python3 "$here/metrics.py" "$T/metrics.socket" value "$@"; }
value_is() {
	local want=$1
	shift
	equal "$(value "$@")" "$want"
}
log_has() { has "$T/server.log" "$1"; }
lines_are() { equal "$(grep -c "$1" "$T/server.log")" "$2"; }
login_works() { vpn login test "$password" | grep -q '^200 .....'; }

# A state-dir of its own disk.
mkdir "$T/disk"
mount -t tmpfs -o size=4m none "$T/disk" || skip "cannot mount a tmpfs"
trap 'status=$?; umount -l "$T/disk"; (exit $status); cleanup' EXIT
fill() { ! dd if=/dev/zero of="$T/disk/full" bs=4k status=none 2>"$T/dd.txt" && has "$T/dd.txt" 'No space'; }

# certificate_until SECONDS: the server's, which ends so soon
certificate_until() {
	/usr/bin/python3 - "$T" "$1" <<'END'
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
where, seconds = sys.argv[1], int(sys.argv[2])
def read(name):
    with open(f"{where}/{name}", "rb") as f:
        return f.read()
ca, old = x509.load_pem_x509_certificate(read("ca.pem")), x509.load_pem_x509_certificate(read("server.pem"))
now = datetime.datetime.utcnow()
b = x509.CertificateBuilder().subject_name(old.subject).issuer_name(ca.subject).public_key(old.public_key())
b = b.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
b = b.not_valid_after(now + datetime.timedelta(seconds=seconds))
for e in old.extensions:
    if not isinstance(e.value, (x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier)):
        b = b.add_extension(e.value, e.critical)
key = serialization.load_pem_private_key(read("ca-key.pem"), None)
with open(f"{where}/short.pem", "wb") as f:
    f.write(b.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
END
}
certificate_until 20

cat >"$T/radiusclient.conf" <<END
authserver $host4:1899
servers $T/radius.servers
dictionary /etc/radcli/dictionary
radius_timeout 7
radius_retries 1
bindaddr *
END
echo "$host4 some-secret-of-length" >"$T/radius.servers"
chmod 600 "$T/radius.servers"
spawn "$host" "$T/fake.log" /usr/bin/python3 "$here/radius_fake.py" silent $host4 1899 some-secret-of-length

# The certificate that ends is that of a virtual host, so that clients go on.
config_tail="[vhost:short.example]
server-cert = $T/short.pem
server-key = $T/server-key.pem"
server_start "metrics-socket=$T/metrics.socket" ipv4-network=10.77.0.0/29 state-dir="$T/disk/state" \
	"+enable-auth=\"radius[config=$T/radiusclient.conf]\""

# {{ pool }}
cookies=()
for i in 1 2 3 4 5; do
	cookies+=("$(vpn login test "$password" | sed -n 's/^200 //p')")
done
hold() { spawn "$cl" "$T/hold.$1" bash -c "sleep 1000 | /usr/bin/python3 '$here/vpn.py' --ca '$T/ca.pem' connect '${cookies[$1]}' --hold"; }
hold 0
hold 1
hold 2
ok "three of five addresses are in use" wait_until 10 value_is 3 ocserv_pool_used network=10.77.0.0/29
ok "that is no trouble" not log_has pool.nearly_used
hold 3
hold 4
ok "all five are: the log says it" wait_until 20 log_has 'pool.nearly_used network=10.77.0.0/29 used=5 size=5'
ok "metrics do" value_is 1 ocserv_alarm_pool_nearly_used_total

# {{ certificate }}
ok "a certificate is about to expire" wait_until 10 log_has 'cert.expires_soon vhost='
ok "it has expired" wait_until 60 log_has 'cert.has_expired vhost=short.example'
ok "metrics have both" value_is 2 ocserv_alarm_certificate_expires_total
ok "the log says it once" lines_are cert.has_expired 1

# {{ back end: seven seconds without an answer }}
ok "nobody who is known there only comes in" not eval "vpn login stranger '$password' | grep -q '^200 .....'"
ok "a slow back end: the log says it" wait_until 20 log_has 'backend.slow method=radius'
ok "metrics do, too" value_is 1 ocserv_alarm_backend_slow_total
ok "that it does not work" value_is 1 ocserv_backend_answers_total method=radius result=broken

# {{ disk }}
ok "the store is well" value_is 0 ocserv_store_degraded
ok "the disk is full" fill
ok "logins work all the same" login_works
ok "the log says it" wait_until 20 log_has store.degraded
ok "metrics do as well" value_is 1 ocserv_store_degraded
ok "logins still work" login_works
ok "the log has one line of it" lines_are store.degraded 1
rm "$T/disk/full"
ok "with room on the disk all is well again" wait_until 30 value_is 0 ocserv_store_degraded
nothing_died
server_stop
