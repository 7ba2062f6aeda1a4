/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/human.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static struct human scaled(uint64_t n, const char *per)
{
	static const char *const units[] = { "KB", "MB", "GB", "TB", "PB", "EB" };
	struct human h;
	if (n < 1000) {
		snprintf(h.s, sizeof h.s, "%" PRIu64 " bytes%s", n, per);
		return h;
	}
	size_t unit = 0;
	double v = (double)n / 1000;
	/* 999.95 would be printed as 1000.0 of the smaller unit */
	for (; v >= 999.95 && unit + 1 < ARRAY_LEN(units); unit++)
		v /= 1000;
	snprintf(h.s, sizeof h.s, "%.1f %s%s", v, units[unit], per);
	return h;
}

struct human human_bytes(uint64_t n)
{
	return scaled(n, "");
}

struct human human_rate(uint64_t n)
{
	return scaled(n, "/sec");
}

struct human human_span(uint64_t secs)
{
	struct human h;
	if (secs < 60)
		snprintf(h.s, sizeof h.s, "%" PRIu64 "s", secs);
	else if (secs < 3600)
		snprintf(h.s, sizeof h.s, "%" PRIu64 "m:%02" PRIu64 "s", secs / 60, secs % 60);
	else if (secs < 86400)
		snprintf(h.s, sizeof h.s, "%" PRIu64 "h:%02" PRIu64 "m", secs / 3600, secs / 60 % 60);
	else
		snprintf(h.s, sizeof h.s, "%" PRIu64 "d:%02" PRIu64 "h", secs / 86400, secs / 3600 % 24);
	return h;
}

struct human human_time(uint64_t unix_s)
{
	struct human h = {};
	time_t t = (time_t)unix_s;
	struct tm tm;
	if (localtime_r(&t, &tm) != nullptr)
		strftime(h.s, sizeof h.s, "%Y-%m-%d %H:%M", &tm);
	return h;
}

struct human human_ip(const uint8_t *addr, size_t len)
{
	struct human h = {};
	if (len == 4 || len == 16)
		inet_ntop(len == 4 ? AF_INET : AF_INET6, addr, h.s, sizeof h.s);
	return h;
}

struct human human_number(uint64_t n)
{
	struct human h;
	snprintf(h.s, sizeof h.s, "%" PRIu64, n);
	return h;
}
