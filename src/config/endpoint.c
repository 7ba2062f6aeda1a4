/* SPDX-License-Identifier: GPL-3.0-or-later */
/* endpoint - an address with a port */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/config.h"

constexpr size_t ADDRESS_MAX = 64;

static enum err parse_port(const char *text, uint16_t *port)
{
	char *end;
	if (*text < '0' || *text > '9')
		return ERR_SYNTAX;
	unsigned long n = strtoul(text, &end, 10);
	if (*end != '\0')
		return ERR_SYNTAX;
	if (n == 0 || n > UINT16_MAX)
		return ERR_RANGE;
	*port = (uint16_t)n;
	return ERR_OK;
}

enum err config_endpoint_parse(const char *text, struct prefix *addr, uint16_t *port)
{
	char bare[ADDRESS_MAX];
	bool is_v6 = *text == '[';
	const char *begin = is_v6 ? text + 1 : text, *end = strchr(begin, is_v6 ? ']' : ':');
	if (end == nullptr || (size_t)(end - begin) >= sizeof bare || (is_v6 && end[1] != ':'))
		return ERR_SYNTAX;
	memcpy(bare, begin, (size_t)(end - begin));
	bare[end - begin] = '\0';
	struct prefix p;
	uint16_t n;
	if (strchr(bare, '/') != nullptr || config_prefix_parse(bare, &p) != ERR_OK ||
	    (p.family == AF_INET6) != is_v6 || p.len == 0)
		return ERR_SYNTAX;
	TRY(parse_port(end + (is_v6 ? 2 : 1), &n));
	*addr = p;
	*port = n;
	return ERR_OK;
}
