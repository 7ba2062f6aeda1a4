/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/directory_facts.h"

#include <arpa/inet.h>
#include <string.h>

#include "auth/directory_text.h"
#include "auth/fact.h"

constexpr size_t VALUE_MAX = 128; /* with the end; of what becomes a fact */

static enum err set_address(ProtobufCBinaryData *to, uint32_t *prefix_len, int family, const char *text)
{
	uint8_t bytes[16];
	const size_t len = family == AF_INET ? 4 : 16;
	if (inet_pton(family, text, bytes) != 1)
		return ERR_SYNTAX;
	TRY(fact_set_bytes(to, bytes, len));
	*prefix_len = (uint32_t)len * 8;
	return ERR_OK;
}

static enum err add_route(Msg__Facts *f, const char *text)
{
	char route[INET6_ADDRSTRLEN + 8];
	TRY(fact_route(text, route, sizeof route));
	return fact_add_text(&f->routes, &f->n_routes, route, strlen(route));
}

static enum err add_dns(Msg__Facts *f, const char *text)
{
	uint8_t bytes[16];
	if (inet_pton(AF_INET, text, bytes) != 1 && inet_pton(AF_INET6, text, bytes) != 1)
		return ERR_SYNTAX;
	return fact_add_text(&f->dns, &f->n_dns, text, strlen(text));
}

static enum err set_seconds(uint32_t *to, const char *text)
{
	struct wordfile_why why = {};
	return wordfile_number(text, 1, INT32_MAX, to, &why);
}

enum err directory_facts_add(Msg__Facts *f, enum directory_fact what, const char *value, size_t len)
{
	char text[VALUE_MAX];
	if (len == 0 || len >= sizeof text || memchr(value, '\0', len) != nullptr)
		return ERR_SYNTAX;
	memcpy(text, value, len);
	text[len] = '\0';
	switch (what) {
	case DIRECTORY_IPV4: return set_address(&f->ipv4, &f->ipv4_prefix_len, AF_INET, text);
	case DIRECTORY_IPV6: return set_address(&f->ipv6, &f->ipv6_prefix_len, AF_INET6, text);
	case DIRECTORY_ROUTE: return add_route(f, text);
	case DIRECTORY_DNS: return add_dns(f, text);
	case DIRECTORY_SESSION_TIMEOUT: return set_seconds(&f->session_timeout_s, text);
	case DIRECTORY_IDLE_TIMEOUT: return set_seconds(&f->idle_timeout_s, text);
	case DIRECTORY_FACT_N: break;
	}
	return ERR_RANGE;
}

enum err directory_facts_add_group(Msg__Facts *f, const char *value, size_t len)
{
	char name[DIRECTORY_NAME_MAX];
	TRY(directory_text_group(name, sizeof name, value, len));
	return fact_has_group(f, name) ? ERR_OK : fact_add_text(&f->groups, &f->n_groups, name, strlen(name));
}
