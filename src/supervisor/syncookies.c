/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/syncookies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

constexpr char FILE_NAME[] = "/proc/sys/net/ipv4/tcp_syncookies"; /* for IPv6, too */
constexpr int ALWAYS = 2;
constexpr uint64_t QUIET_S = 60;

static int read_setting(void)
{
	char text[16] = "";
	int fd OWNED(base_closep) = open(FILE_NAME, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
		return -1;
	return (int)strtol(text, nullptr, 10);
}

static bool write_setting(int value)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d\n", value);
	int fd OWNED(base_closep) = open(FILE_NAME, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, (size_t)n) == n;
}

void syncookies_init(struct syncookies *s)
{
	*s = (struct syncookies){ .before = -1 };
}

static void switch_on(struct syncookies *s, uint64_t rate)
{
	int now = read_setting();
	if (now == ALWAYS)
		return; /* the administrator's own choice */
	if (now < 0 || !write_setting(ALWAYS)) {
		if (!s->is_broken)
			log_warn("guard.syncookies cannot be switched on: %s: %s; set it to 1 or 2 yourself",
				 FILE_NAME, strerror(errno));
		s->is_broken = true;
		return;
	}
	s->before = now;
	log_notice("guard.syncookies on syn_per_second=%lu", rate);
}

static void switch_off(struct syncookies *s)
{
	if (s->before < 0)
		return;
	if (!write_setting(s->before))
		log_warn("guard.syncookies cannot be switched back: %s: %s", FILE_NAME, strerror(errno));
	log_notice("guard.syncookies off");
	s->before = -1;
}

void syncookies_feed(struct syncookies *s, uint64_t syn, uint32_t limit, struct mono now)
{
	uint64_t span_ns = now.ns - s->at.ns;
	uint64_t rate = s->at.ns == 0 || span_ns == 0 ? 0 : (syn - s->seen) * 1'000'000'000 / span_ns;
	s->seen = syn;
	s->at = now;
	if (limit == 0 || rate * 2 >= limit)
		s->quiet_at = now;
	if (limit != 0 && rate >= limit && s->before < 0)
		switch_on(s, rate);
	else if (s->before >= 0 && (limit == 0 || clock_secs(s->quiet_at, now) >= QUIET_S))
		switch_off(s);
}

void syncookies_fini(struct syncookies *s)
{
	switch_off(s);
}
