/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/utmp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <paths.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <utmpx.h>

#include "base/log.h"
#include "supervisor/supervisor.h"

static void set_time(struct utmpx *u)
{
	struct timeval now;
	gettimeofday(&now, nullptr);
	u->ut_tv.tv_sec = (typeof(u->ut_tv.tv_sec))now.tv_sec;
	u->ut_tv.tv_usec = (typeof(u->ut_tv.tv_usec))now.tv_usec;
}

/* Four characters that name the entry: the number of the connection in base 64, which repeats after 16 million. */
static void set_id(struct utmpx *u, uint64_t sid)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
	for (size_t i = 0; i < sizeof u->ut_id; i++, sid /= 64)
		u->ut_id[i] = digits[sid % 64];
}

/* Fields of utmp need no end if they are full; what would disturb a terminal is replaced. */
static void set_text(char *to, size_t cap, const char *from)
{
	for (size_t i = 0; i < cap && from[i] != '\0'; i++)
		to[i] = (unsigned char)from[i] < ' ' || from[i] == 0x7f ? '?' : from[i];
}

static void set_host(struct utmpx *u, ProtobufCBinaryData ip)
{
	char text[INET6_ADDRSTRLEN] = "";
	if (ip.len != 4 && ip.len != 16)
		return;
	memcpy(u->ut_addr_v6, ip.data, ip.len);
	inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.data, text, sizeof text);
	set_text(u->ut_host, sizeof u->ut_host, text);
}

static void write_both(struct utmpx *u)
{
	errno = 0;
	setutxent();
	if (pututxline(u) == nullptr)
		log_warn("utmp.not_written file=%s why=\"%s\": use-utmp = false if there is no such file",
			 _PATH_UTMP, strerror(errno));
	endutxent();
	updwtmpx(_PATH_WTMP, u); /* a missing file is not made: then nobody wants it */
}

void utmp_on_session(struct ipc *ipc, struct ipc_msg *m)
{
	const struct supervisor *s = supervisor_of(ipc_owner(ipc));
	const Msg__Utmp *what = (const Msg__Utmp *)m->body;
	struct utmpx u = { .ut_type = what->gone ? DEAD_PROCESS : USER_PROCESS, .ut_pid = getpid() };
	if (!s->now.config->use_utmp && !what->gone)
		return;
	set_time(&u);
	set_id(&u, what->sid);
	snprintf(u.ut_line, sizeof u.ut_line, "%s:%llu", s->tun.name, (unsigned long long)what->sid);
	if (!what->gone) { /* wtmp takes an end without a name for one */
		set_text(u.ut_user, sizeof u.ut_user, what->username);
		set_host(&u, what->remote_ip);
	}
	write_both(&u);
}

static bool is_ours(const struct utmpx *u, const char *device)
{
	const size_t len = strlen(device);
	return u->ut_type == USER_PROCESS && len + 1 < sizeof u->ut_line &&
	       strncmp(u->ut_line, device, len) == 0 && u->ut_line[len] == ':';
}

/* One a turn, because writing moves where the next is read from. */
static bool clear_one(const char *device)
{
	struct utmpx dead, *u;
	setutxent();
	do
		u = getutxent();
	while (u != nullptr && !is_ours(u, device));
	if (u != nullptr)
		dead = *u;
	endutxent();
	if (u == nullptr)
		return false;
	dead.ut_type = DEAD_PROCESS;
	memset(dead.ut_user, 0, sizeof dead.ut_user);
	memset(dead.ut_host, 0, sizeof dead.ut_host);
	set_time(&dead);
	setutxent();
	const bool is_written = pututxline(&dead) != nullptr;
	endutxent();
	updwtmpx(_PATH_WTMP, &dead);
	return is_written;
}

void utmp_clear(const char *device)
{
	unsigned n = 0;
	while (clear_one(device))
		n++;
	if (n > 0)
		log_info("utmp.cleared n=%u: of a server that was killed", n);
}
