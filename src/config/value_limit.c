/* SPDX-License-Identifier: GPL-3.0-or-later */
/* value_limit - the types that end something: bytes (10G), date (2027-01-31) */
#include <stdio.h>
#include <string.h>

#include "config/value.h"

static void clear_number(void *value)
{
	*(uint64_t *)value = 0;
}

static enum err copy_number(void *to, const void *from)
{
	*(uint64_t *)to = *(const uint64_t *)from;
	return ERR_OK;
}

static bool is_equal_number(const void *a, const void *b)
{
	return *(const uint64_t *)a == *(const uint64_t *)b;
}

/* --- bytes */

constexpr uint64_t BYTES_MAX = INT64_MAX; /* what the store can keep */

static const char bytes_expected[] =
	"expected a number of bytes, as 500000000, 500M or 10G (powers of 1000), 512Mi or 10Gi (powers of 1024)";

/* The factor that is meant by what stands behind the number; 0: none. */
static uint64_t factor_of(const char *unit)
{
	static const char letters[] = "KMGT";
	uint64_t factor = 1;
	if (*unit == '\0')
		return 1;
	const char *letter = strchr(letters, *unit == 'k' ? 'K' : *unit);
	const bool is_binary = unit[1] == 'i';
	if (letter == nullptr || unit[is_binary ? 2 : 1] != '\0')
		return 0;
	for (const char *l = letters; l <= letter; l++)
		factor *= is_binary ? 1024 : 1000;
	return factor;
}

static enum err parse_bytes(const struct config_option *, void *value, const char *text,
			    struct config_why *why)
{
	uint64_t n = 0;
	const char *c = text;
	config_why_set(why, "%s", bytes_expected);
	for (; *c >= '0' && *c <= '9'; c++)
		n = MIN(n * 10 + (uint64_t)(*c - '0'), BYTES_MAX / 10);
	const uint64_t factor = factor_of(c);
	if (c == text || factor == 0)
		return ERR_SYNTAX;
	if (n == BYTES_MAX / 10 || n > BYTES_MAX / factor) {
		config_why_set(why, "it is too large; 0 means no limit");
		return ERR_RANGE;
	}
	*(uint64_t *)value = n * factor;
	return ERR_OK;
}

const struct config_value_type config_value_bytes = { "number of bytes", false,           parse_bytes,
						      copy_number,       is_equal_number, clear_number };

/* --- date */

static const char date_expected[] =
	"expected a day as 2027-01-31, a moment as 2027-01-31T18:00:00Z or 2027-01-31 18:00+02:00, or never";

struct moment {
	int64_t year, month, day, hour, minute, second;
};

/* Exactly so many digits; the place behind them, nullptr if they are not there. */
static const char *take_digits(const char *s, unsigned digits, int64_t *out)
{
	int64_t n = 0;
	for (unsigned i = 0; s != nullptr && i < digits; i++, s++) {
		if (*s < '0' || *s > '9')
			return nullptr;
		n = n * 10 + (*s - '0');
	}
	*out = n;
	return s;
}

static const char *take_char(const char *s, const char *any)
{
	return s != nullptr && *s != '\0' && strchr(any, *s) != nullptr ? s + 1 : nullptr;
}

static int64_t days_in(int64_t year, int64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && is_leap);
}

static bool is_in_calendar(const struct moment *m)
{
	return m->year >= 1970 && m->month >= 1 && m->month <= 12 && m->day >= 1 &&
	       m->day <= days_in(m->year, m->month) && m->hour <= 23 && m->minute <= 59 && m->second <= 59;
}

/* Days since 1970-01-01: the years before it have as many leap days as these divisions say. */
static int64_t day_number(const struct moment *m)
{
	const int64_t y = m->year - 1;
	int64_t days = y * 365 + y / 4 - y / 100 + y / 400 - 719162; /* of the years up to 1969 */
	for (int64_t month = 1; month < m->month; month++)
		days += days_in(m->year, month);
	return days + m->day - 1;
}

/* What stands behind the time: nothing, Z, +02:00, -0530.  nullptr: something else. */
static const char *take_zone(const char *s, int64_t *offset_s)
{
	*offset_s = 0;
	if (s == nullptr || *s == '\0')
		return s;
	if (*s == 'Z')
		return s + 1;
	const bool is_west = *s == '-';
	int64_t hours = 0, minutes = 0;
	s = take_digits(take_char(s, "+-"), 2, &hours);
	if (s != nullptr && *s == ':')
		s++;
	s = take_digits(s, 2, &minutes);
	if (s == nullptr || hours > 15 || minutes > 59)
		return nullptr;
	*offset_s = (hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
	return s;
}

/* The time of the day; without one the whole day is meant.  nullptr: it is none. */
static const char *take_time(const char *s, struct moment *m, int64_t *offset_s)
{
	*offset_s = 0;
	if (s == nullptr || *s == '\0') {
		*offset_s = -86400;
		return s;
	}
	s = take_digits(take_char(s, "T "), 2, &m->hour);
	s = take_digits(take_char(s, ":"), 2, &m->minute);
	if (s != nullptr && *s == ':')
		s = take_digits(s + 1, 2, &m->second);
	return take_zone(s, offset_s);
}

static enum err parse_date(const struct config_option *, void *value, const char *text,
			   struct config_why *why)
{
	struct moment m = {};
	int64_t offset_s = 0;
	if (strcmp(text, "never") == 0) {
		*(int64_t *)value = 0;
		return ERR_OK;
	}
	const char *s = take_digits(text, 4, &m.year);
	s = take_digits(take_char(s, "-"), 2, &m.month);
	s = take_digits(take_char(s, "-"), 2, &m.day);
	s = take_time(s, &m, &offset_s);
	config_why_set(why, "%s", date_expected);
	if (s == nullptr || *s != '\0')
		return ERR_SYNTAX;
	if (!is_in_calendar(&m)) {
		config_why_set(why, "there is no such day or time");
		return ERR_RANGE;
	}
	const int64_t at = day_number(&m) * 86400 + m.hour * 3600 + m.minute * 60 + m.second - offset_s;
	*(int64_t *)value = MAX(at, 1); /* 0 would be never */
	return ERR_OK;
}

const struct config_value_type config_value_date = { "date",      false,           parse_date,
						     copy_number, is_equal_number, clear_number };
