#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# auth_pam.sh - logins by PAM: pam_unix on a private /etc, further questions, an expired password, modules that hang, crash or are
# missing; sessions as accounting. The network is drawn in lib.sh; /etc is a copy that only the server's mount namespace sees.
. "$(dirname "$0")/lib.sh"
. "$here/lib_auth.sh"
need unshare gcc

readonly etc=$T/etc
cp -a /etc "$etc"

# unix_user NAME [CHAGE...]: in the copy, with the password of the tests.
unix_user() {
	local name=$1 days
	days=${2:-$(($(date +%s) / 86400))}
	echo "$name:x:$next_uid:$next_uid::/nonexistent:/bin/false" >>"$etc/passwd"
	echo "$name:x:$next_uid:" >>"$etc/group"
	echo "$name:$(openssl passwd -6 "$password"):$days:0:${3:-99999}:7:${4:-}:${5:-}:" >>"$etc/shadow"
	next_uid=$((next_uid + 1))
}
next_uid=52000
unix_user pam1
unix_user expired 0
unix_user closed 19000 99999 "" 19001
echo "vpnstaff:x:52900:pam1" >>"$etc/group"
echo "vpnlow:x:150:pam1" >>"$etc/group"

# A module of the test: asks as many questions as it is told, hangs, or crashes.
cat >"$T/pam_test.c" <<'END'
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int pam_sm_authenticate(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)flags;
	for (int i = 0; i < argc; i++) {
		char *answer = NULL;
		if (strcmp(argv[i], "hang") == 0)
			pause();
		if (strcmp(argv[i], "crash") == 0)
			abort();
		if (strcmp(argv[i], "broken") == 0)
			return PAM_AUTHINFO_UNAVAIL;
		pam_info(h, "Think of %s.", argv[i]);
		if (pam_prompt(h, i % 2 ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, &answer, "The %s:", argv[i]) != PAM_SUCCESS)
			return PAM_CONV_ERR;
		int same = answer != NULL && strcmp(answer, argv[i]) == 0;
		free(answer);
		if (!same)
			return PAM_AUTH_ERR;
	}
	return PAM_SUCCESS;
}

int pam_sm_setcred(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)h, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}
END
gcc -shared -fPIC -o "$T/pam_test.so" "$T/pam_test.c" || skip "no module can be built"
chmod 755 "$T/pam_test.so"

# service NAME: from standard input
service() { cat >"$etc/pam.d/$1"; }
unix=$'auth required pam_unix.so nodelay\naccount required pam_unix.so\npassword required pam_unix.so sha512 minlen=4'
service ocm-unix <<<"$unix"
service ocm-many <<END
auth requisite pam_unix.so nodelay
auth required $T/pam_test.so colour animal number
account required pam_unix.so
END
printf '#!/bin/sh\necho "$PAM_TYPE $PAM_USER $PAM_RHOST" >>%s/sessions\n' "$T" >"$T/session.sh"
chmod 755 "$T/session.sh"
service ocm-acct <<END
session required pam_exec.so $T/session.sh
END
for what in hang crash broken; do
	service ocm-$what <<<"auth required $T/pam_test.so $what"
done

auth_wrapper=(unshare -m --propagation private sh -c 'mount --bind "$0" /etc && exec "$@"' "$etc")

passwords() {
	auth_start "pam[service=ocm-unix,gid-min=1000]" "acct=\"pam[service=ocm-acct]\""
	others_begin
	ok "pam1: the right password" enters pam1 "$password"
	ok "pam1: a wrong one" stays_out pam1 wrong
	ok "pam1: an empty one" stays_out pam1 ""
	ok "pam1: its own group" enters --group vpnstaff pam1 "$password"
	ok "pam1: a group below gid-min" stays_out --group vpnlow pam1 "$password"
	ok "pam1: a group he is not in" stays_out --group root pam1 "$password"
	ok "stranger: refused" stays_out stranger "$password"
	ok "closed: the account has expired" stays_out closed "$password"
	ok "root: has no password" stays_out root ""
	ok "test: known to the password file only, which is not the method" stays_out test "$password"
	ok "the right one after a wrong one" enters pam1 wrong "$password"
	others_fine "pam_unix"
	ok "occtl: the auth process is there" equal "$(in_occtl show status | json "'auth' in [p['name'] for p in d['Processes']]")" True
}

session() {
	oc_user=pam1
	oc_connect pam1 --no-dtls
	ok "pam1: his group" equal "$(user pam1 "u['Groupname']")" pam1
	ok "pam1: the session is opened" wait_until 10 has "$T/sessions" "^open_session pam1 $cl4$"
	oc_stop pam1
	ok "pam1: and closed" wait_until 10 has "$T/sessions" "^close_session pam1 $cl4$"
	oc_user=test
}

change() {
	ok "expired: he is told, and asked for his password" said_is "ASK Current password:" expired "$password"
	ok "expired: then for a new one" said_is "ASK New password:" expired "$password" "$password"
	ok "expired: two that differ" stays_out expired "$password" "$password" 'brand new 1' 'brand new 2'
	ok "expired: a new one" enters expired "$password" "$password" 'brand new 1' 'brand new 1'
	ok "expired: the old one is gone" stays_out expired "$password"
	ok "expired: the new one is in force" enters expired 'brand new 1'
	ok "the machine's own /etc/shadow knows nothing of it" not grep -q '^expired:' /etc/shadow
	nothing_died
	server_stop
}

questions() {
	auth_start "pam[service=ocm-many]"
	ok "many: the first of three questions" said_is "ASK The colour: | Think of colour." pam1 "$password"
	ok "many: the third" said_is "ASK The number:" pam1 "$password" colour animal
	ok "many: all" enters pam1 "$password" colour animal number
	ok "many: the last is wrong" stays_out pam1 "$password" colour animal 7
	ok "many: a wrong password asks nothing" said_is "FORM" pam1 wrong
	others_begin
	local i waiting=()
	for i in 1 2 3 4 5 6 7 8; do
		in_cl /usr/bin/python3 "$here/dialog.py" --ca "$T/ca.pem" --pause 3 pam1 "$password" colour animal number >"$T/slow.$i" 2>&1 &
		waiting+=($!)
	done
	for i in "${waiting[@]}"; do wait "$i"; done
	ok "many: eight at a time, with pauses" equal "$(cat "$T"/slow.* | grep -c '^OK ')" 8
	others_fine "questions"
	oc_user=pam1
	local out
	out=$(in_cl timeout 30 bash -c "printf '%s\n%s\n%s\n%s\n' '$password' colour animal number | $OPENCONNECT --authenticate \
		--cafile '$T/ca.pem' --user pam1 $url4" 2>"$T/last") || fail "openconnect with four answers"
	ok "many: openconnect answers all four" has <(echo "$out") "^COOKIE="
	oc_user=test
	nothing_died
	server_stop
}

# no conversation is left: the server's processes are supervisor, keeper, control, auth, one worker
processes_are() { equal "$(ip netns pids "$gw" | wc -l)" "$1"; }

trouble() {
	auth_start "pam[service=ocm-crash]"
	others_begin
	ok "crash: nobody comes in" stays_out pam1 "$password"
	ok "crash: the log says so" log_has 'died of signal 6'
	others_fine "a crash"
	nothing_died
	server_stop
	auth_start "pam[service=ocm-broken]"
	ok "broken: nobody comes in" stays_out pam1 "$password"
	ok "broken: the log says why" log_has 'login.broken.*PAM ocm-broken: '
	server_stop
	auth_start "pam[service=ocm-hang]"
	others_begin
	local i
	for i in 1 2 3; do
		in_cl timeout 30 /usr/bin/python3 "$here/dialog.py" --ca "$T/ca.pem" pam1 "$password" >"$T/hung.$i" 2>&1 &
	done
	sleep 2
	ok "hang: each is a process of its own" wait_until 20 processes_are 8
	others_fine "a module that hangs"
	ok "hang: the process is killed at its deadline" wait_until 80 log_has 'task.killed'
	ok "hang: none is left" wait_until 10 processes_are 5
	ok "hang: nobody came in" not grep -q '^OK' "$T"/hung.*
	killing
	nothing_died_but_auth
	server_stop
}

# The process itself is killed: who is logging in is refused, and the next one may.
killing() {
	local pid
	pid=$(in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'] == 'auth'][0]")
	in_cl timeout 50 /usr/bin/python3 "$here/dialog.py" --ca "$T/ca.pem" pam1 "$password" >"$T/killed" 2>&1 &
	local client=$!
	ok "killed: a login is under way" wait_until 20 processes_are 6
	kill -KILL "$pid"
	wait "$client" || true
	ok "killed: the login under way is refused" not grep -q '^OK' "$T/killed"
	ok "killed: the log says so" log_has 'the auth process died'
	ok "killed: it is back" wait_until 10 log_has 'child.back name=auth'
	ok "killed: none of its children is left" wait_until 10 processes_are 5
}
nothing_died_but_auth() {
	ok "no other process died" not grep -n 'child.died name=\(keeper\|worker\|control\)' "$T/server.log"
}

missing() {
	make_config "$T/server.conf" 'auth="pam[service=ocm-nothing]"'
	ok "a service without a file: the server does not start" not in_gw "${auth_wrapper[@]}" "$(server_program)" -f -c "$T/server.conf"
	in_gw "${auth_wrapper[@]}" "$(server_program)" -t -c "$T/server.conf" >"$T/why" 2>&1 || true
	ok "and says what is missing" has "$T/why" 'there is no /etc/pam.d/ocm-nothing'
	ok "nor does -t pass" not in_gw "${auth_wrapper[@]}" "$(server_program)" -t -c "$T/server.conf"
}

passwords
session
change
questions
trouble
missing
