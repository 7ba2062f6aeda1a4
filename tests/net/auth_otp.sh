#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# auth_otp.sh - a password and then a one-time code (HOTP, TOTP) that oathtool makes; the users file as pam_oath has it. The network
# is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$here/lib_auth.sh"
need oathtool

readonly secret=3132333435363738393031323334353637383930
mkdir -m 755 "$T/otp"
for name in timed counted pinned both late locked; do
	add_user "$name" -g staff
done
ocpasswd -c "$T/ocpasswd" -l locked
cat >"$T/otp/users" <<END
# tokens of the test
HOTP/T30/6	timed	-	$secret
HOTP counted - $secret
HOTP/E/8 pinned 4711 $secret
HOTP/T60/8 both - ${secret}00
HOTP both - ${secret}01
HOTP/T30 late + $secret
HOTP/T30 locked - $secret
HOTP/E/6 nopassword - $secret
END
chmod 600 "$T/otp/users"

totp() { oathtool --totp --now "@$(($(date +%s) + ${1:-0}))" $secret; }
hotp() { oathtool --hotp -c "$1" $secret; }
# A time step that has some seconds left, so that a code does not change on its way.
await_step() { while [ $(($(date +%s) % 30)) -gt 22 ]; do sleep 1; done; }
line_of() { awk -v user="$1" '$2 == user' "$T/otp/users"; }
field() { line_of "$1" | cut -f "$2"; }

auth_start "plain[passwd=$T/ocpasswd,otp=$T/otp/users]"

timed() {
	await_step
	local code
	code=$(totp)
	ok "timed: the code is asked for after the password" said_is "ASK One-time password:" timed "$password"
	ok "timed: password and code" enters timed "$password" "$code"
	ok "timed: the same code again" stays_out timed "$password" "$code"
	ok "timed: the refusal says why" log_has 'why="the code was used before"'
	ok "timed: the code before, which is within the window" stays_out timed "$password" "$(totp -30)"
	ok "timed: the next one, within the window" enters timed "$password" "$(totp 30)"
	ok "timed: outside of the window" stays_out timed "$password" "$(totp 90)"
	ok "timed: the code alone" stays_out timed "$(totp)"
	ok "timed: a wrong password is no step" said_is "FORM" timed wrong
	ok "timed: a wrong password and a right code" stays_out timed wrong "$(totp)"
	ok "timed: an empty code" stays_out timed "$password" ""
	ok "timed: the code of another length" stays_out timed "$password" "0$(totp)"
}

counted() {
	ok "counted: the first code" enters counted "$password" "$(hotp 0)"
	ok "counted: again" stays_out counted "$password" "$(hotp 0)"
	ok "counted: some are skipped" enters counted "$password" "$(hotp 7)"
	ok "counted: an older one" stays_out counted "$password" "$(hotp 5)"
	ok "counted: too far ahead" stays_out counted "$password" "$(hotp 100)"
	ok "counted: the next" enters counted "$password" "$(hotp 8)"
	ok "counted: its state is in the file" equal "$(field counted 5) $(field counted 6)" "8 $(hotp 8)"
	ok "pinned: without its PIN" stays_out pinned "$password" "$(oathtool --hotp -d 8 -c 0 $secret)"
	ok "pinned: PIN and code" enters pinned "$password" "4711$(oathtool --hotp -d 8 -c 0 $secret)"
	ok "pinned: a wrong PIN" stays_out pinned "$password" "4712$(oathtool --hotp -d 8 -c 1 $secret)"
	ok "both: the second token of the same user" enters both "$password" "$(oathtool --hotp -c 0 ${secret}01)"
	ok "both: the first" enters both "$password" "$(oathtool --totp -d 8 -s 60s ${secret}00)"
	ok "late: a PIN that another method asks for" enters late "$password" "$(totp)"
	ok "locked: the password is locked" stays_out locked "$password" "$(totp)"
	ok "nopassword: a token alone is not enough" stays_out nopassword "$(hotp 0)" "$(hotp 0)"
	ok "unknown: refused" stays_out stranger "$password" "$(hotp 0)"
}

file() {
	ok "the file keeps its comment" has "$T/otp/users" '^# tokens of the test$'
	ok "the file keeps its mode" equal "$(stat_file %a)" 600
	ok "lines that were not used are as they were" has "$T/otp/users" "^HOTP/E/6 nopassword - $secret$"
	ok "nothing else lies beside it" equal "$(ls -A "$T/otp")" users
	echo "HOTP fresh - $secret" >>"$T/otp/users"
	add_user fresh
	sleep 1.1
	ok "fresh: a user added to the file" enters fresh "$password" "$(hotp 0)"
	ok "fresh: counted is still there" equal "$(field counted 5)" 8
}
stat_file() { command stat -c "$1" "$T/otp/users"; }

restart() {
	await_step
	local code
	sed -i '/\ttimed\t/d' "$T/otp/users" # its window was moved above
	echo "HOTP/T30/6 again - $secret" >>"$T/otp/users"
	add_user again
	sleep 1.1
	code=$(totp)
	ok "again: a code" enters again "$password" "$code"
	server_stop
	auth_start "plain[passwd=$T/ocpasswd,otp=$T/otp/users]"
	ok "again: the same code after a restart" stays_out again "$password" "$code"
	ok "counted: an old code after a restart" stays_out counted "$password" "$(hotp 8)"
	ok "counted: a new one" enters counted "$password" "$(hotp 9)"
}

# openconnect makes the code itself, in place of a user.
client() {
	ok "openconnect: its counter" sed -i "s/^HOTP\tcounted.*/HOTP counted - $secret/" "$T/otp/users"
	sleep 1.1
	local out
	out=$(in_cl timeout 30 bash -c "printf '%s\n%s\n' '$password' '$(hotp 10)' | $OPENCONNECT --authenticate --cafile '$T/ca.pem' \
		--user counted $url4" 2>"$T/last") || fail "openconnect with a code"
	ok "openconnect: gets a cookie by password and code" has <(echo "$out") "^COOKIE="
	ok "openconnect: the memory of the server is newer than the file that was put back" equal "$(field counted 5)" 10
}

# Five wrong codes close a user, and nobody else.
guessing() {
	local i
	echo "HOTP guess - $secret" >>"$T/otp/users"
	add_user guess
	sleep 1.1
	for i in 1 2 3 4 5; do
		dialog guess "$password" 000000 >/dev/null
	done
	ok "guess: closed after five wrong codes" stays_out guess "$password" "$(hotp 0)"
	ok "guess: the log says so" log_has 'too many wrong codes'
	ok "guess: nobody else is" enters counted "$password" "$(hotp 11)"
}

# A use that cannot be recorded lets nobody in; the others do not notice.
unwritable() {
	others_begin
	chattr +i "$T/otp/users" 2>/dev/null || { echo "note: no immutable files here"; mount --bind "$T/otp" "$T/otp"; }
	if lsattr "$T/otp/users" 2>/dev/null | grep -q '^....i'; then
		ok "a file that cannot be replaced: nobody comes in" stays_out counted "$password" "$(hotp 12)"
		ok "the log says so" log_has 'otp.unwritable\|file.not_replaced'
		chattr -i "$T/otp/users"
		ok "writable again: the next code" enters counted "$password" "$(hotp 13)"
	fi
	umount "$T/otp" 2>/dev/null || true
	others_fine "codes"
}

timed
counted
file
restart
client
guessing
unwritable
nothing_died
server_stop
