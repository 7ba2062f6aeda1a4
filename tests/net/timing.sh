#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# timing.sh - the time of a refusal does not tell whether a user exists: passwords with hashes of four schemes in one file, locked
# users, one-time codes; compared by ranks (timing.py), which is itself tried on a leak that is put in. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
is_ours || skip "it is about ours"

# The hashes are literal, because which names of nobody get which scheme hangs on them; of "correct horse", yescrypt with less than its
# usual cost, for more turns in the same time.
hash_of() {
	case $1 in
	yescrypt) echo '$y$j85$F5Jx5fExrKuPp53xLKQ..1$Sg9viawETb/TUH7zWHgzVRK9gsgTGQ.G/ZSGdP/WiAA' ;;
	sha512) echo '$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0' ;;
	sha256) echo '$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/' ;;
	md5) echo '$1$saltsalt$NuzA7WTAelpl95xgBGWN60' ;;
	esac
}
kinds=()
for scheme in yescrypt sha512 sha256 md5; do
	names=()
	for i in 1 2 3; do
		name=$(printf '%s%02d' "${scheme:0:6}" "$i")
		name=${name:0:8}
		while [ ${#name} -lt 8 ]; do name=x$name; done
		echo "$name:*:$(hash_of $scheme)"
		names+=("$name")
	done >>"$T/mixed"
	kinds+=("$scheme:known:$(IFS=,; echo "${names[*]}")")
	name=$(printf 'l%07d' ${#kinds[@]})
	echo "$name:*:!$(hash_of $scheme)" >>"$T/mixed"
	kinds+=("$scheme:locked:$name")
done
chmod 600 "$T/mixed"

measure() { in_cl /usr/bin/python3 "$here/timing.py" --ca "$T/ca.pem" "$@" >"$T/timing" 2>&1; }
tell() { sed 's/^/     /' "$T/timing"; }
# even TEXT OPTION...: no leak; else the whole measurement once more, for a machine that does something else may do it twice, but a
# leak is always there.
even() {
	local text=$1
	shift
	measure "$@" || measure "$@" || { cp "$T/timing" "$T/last"; fail "$text"; }
	tell
	ok "$text" true
}

# OTP only, so that nothing slow hides the difference.
codes() {
	local i known=() secret=3132333435363738393031323334353637383930
	mkdir -m 755 "$T/otp"
	for i in 1 2 3 4 5 6; do
		known+=("token00$i")
		case $((i % 2)) in
		0) echo "HOTP/T30/6 token00$i - $secret" ;;
		1) echo "HOTP token00$i - $secret" ;;
		esac
	done >"$T/otp/users"
	chmod 600 "$T/otp/users"
	server_start max-ban-score=0 "auth=\"plain[otp=$T/otp/users]\""
	local kind
	kind=codes:known:$(IFS=,; echo "${known[*]}")
	even "one-time codes: who exists, with wrong codes until he is closed, and nobody" --seconds 6 --nobody 6 --password 123456 "$kind"
	measure --seconds 4 --nobody 6 --password 123456 --plant-ms 1 "$kind" && fail "a leak of 1 ms that was put in is not seen"
	tell
	ok "a leak of 1 ms that was put in is seen" has "$T/timing" '^LEAK codes'
	nothing_died
	server_stop
}

passwords() {
	server_start max-ban-score=0 "auth=\"plain[passwd=$T/mixed]\""
	even "passwords: users of four schemes, locked users, and nobody" --seconds 18 --shift 0.3 "${kinds[@]}"
	ok "a leak of 30 percent (at least 1 ms) would be seen in each of them" has "$T/timing" '^with a leak of its own: LEAK md5, known'
	nothing_died
	server_stop
}

passwords
codes
