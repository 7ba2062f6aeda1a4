/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/netprio.h"

#include <string.h>
#include <strings.h>

#include "base/base.h"

constexpr uint8_t PRIORITY_MOST = 6; /* more needs a capability */
constexpr uint8_t ECN = 0x03;

static const struct {
	const char *name;
	uint8_t dscp;
} classes[] = {
	{ "CS0", 0 },   { "CS1", 8 },   { "CS2", 16 },  { "CS3", 24 },  { "CS4", 32 },  { "CS5", 40 },
	{ "CS6", 48 },  { "CS7", 56 },  { "AF11", 10 }, { "AF12", 12 }, { "AF13", 14 }, { "AF21", 18 },
	{ "AF22", 20 }, { "AF23", 22 }, { "AF31", 26 }, { "AF32", 28 }, { "AF33", 30 }, { "AF41", 34 },
	{ "AF42", 36 }, { "AF43", 38 }, { "VA", 44 },   { "EF", 46 },   { "LE", 1 },
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	const char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One or two digits behind 0x. */
static enum err parse_byte(const char *digits, uint8_t *out)
{
	unsigned n = 0;
	const size_t len = strlen(digits);
	if (len == 0 || len > 2)
		return ERR_SYNTAX;
	for (size_t i = 0; i < len; i++) {
		const int digit = digit_of(digits[i]);
		if (digit < 0)
			return ERR_SYNTAX;
		n = n << 4 | (unsigned)digit;
	}
	*out = (uint8_t)n;
	return ERR_OK;
}

static enum err parse_class(const char *text, struct netprio *out)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (strcasecmp(text, classes[i].name) != 0)
			continue;
		*out = (struct netprio){ NETPRIO_TOS, (uint8_t)(classes[i].dscp << 2) };
		return ERR_OK;
	}
	return ERR_SYNTAX;
}

enum err netprio_parse(const char *text, struct netprio *out)
{
	if (text == nullptr) {
		*out = (struct netprio){};
		return ERR_OK;
	}
	if (text[0] >= '0' && text[0] <= '0' + PRIORITY_MOST && text[1] == '\0') {
		*out = (struct netprio){ NETPRIO_PRIORITY, (uint8_t)(text[0] - '0') };
		return ERR_OK;
	}
	if (text[0] != '0' || (text[1] | 0x20) != 'x')
		return parse_class(text, out);
	uint8_t byte = 0;
	TRY(parse_byte(text + 2, &byte));
	*out = (struct netprio){ NETPRIO_TOS, byte & (uint8_t)~ECN };
	return ERR_OK;
}
