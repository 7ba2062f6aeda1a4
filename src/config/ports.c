/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ports - the list of restrict-user-to-ports */
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "config/user.h"

static const struct {
	const char *name;
	uint8_t protocol;
	bool has_ports;
} known[] = {
	{ "tcp", IPPROTO_TCP, true },    { "udp", IPPROTO_UDP, true },        { "sctp", IPPROTO_SCTP, true },
	{ "icmp", IPPROTO_ICMP, false }, { "icmpv6", IPPROTO_ICMPV6, false }, { "esp", IPPROTO_ESP, false },
};

const char *config_ports_name(uint8_t protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].protocol == protocol)
			return known[i].name;
	return "?";
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

static enum err parse_number(const char **at, uint16_t *out)
{
	unsigned n = 0;
	const char *s = *at;
	for (; *s >= '0' && *s <= '9' && n <= UINT16_MAX; s++)
		n = n * 10 + (unsigned)(*s - '0');
	if (s == *at)
		return ERR_SYNTAX;
	if (n == 0 || n > UINT16_MAX)
		return ERR_RANGE;
	*at = s;
	*out = (uint16_t)n;
	return ERR_OK;
}

/* "tcp(443)", "icmp()" */
static enum err parse_one(const char **at, struct config_port *out)
{
	const char *s = *at;
	const size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	size_t i = 0;
	while (i < ARRAY_LEN(known) &&
	       (strlen(known[i].name) != len || strncasecmp(known[i].name, s, len) != 0))
		i++;
	if (i == ARRAY_LEN(known))
		return ERR_SYNTAX;
	*out = (struct config_port){ .protocol = known[i].protocol };
	s = skip_space(s + len);
	if (*s++ != '(')
		return ERR_SYNTAX;
	s = skip_space(s);
	if (*s != ')') {
		if (!known[i].has_ports)
			return ERR_SYNTAX;
		TRY(parse_number(&s, &out->port));
		s = skip_space(s);
	}
	if (*s++ != ')')
		return ERR_SYNTAX;
	*at = skip_space(s);
	return ERR_OK;
}

enum err config_ports_parse(const char *text, struct config_ports *out)
{
	struct config_ports ports = {};
	const char *s = skip_space(text);
	ports.is_deny = *s == '!';
	if (ports.is_deny) {
		s = skip_space(s + 1);
		if (*s++ != '(')
			return ERR_SYNTAX;
		s = skip_space(s);
	}
	do {
		if (ports.n == CONFIG_PORTS_MAX)
			return ERR_RANGE;
		TRY(parse_one(&s, &ports.v[ports.n++]));
	} while (*s == ',' && (s = skip_space(s + 1), true));
	if (ports.is_deny && *s++ != ')')
		return ERR_SYNTAX;
	if (*skip_space(s) != '\0')
		return ERR_SYNTAX;
	*out = ports;
	return ERR_OK;
}
