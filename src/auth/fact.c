/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/fact.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

Msg__Facts *fact_new(void)
{
	Msg__Facts *f = malloc(sizeof *f);
	if (f != nullptr)
		msg__facts__init(f);
	return f;
}

enum err fact_add_text(char ***list, size_t *n, const char *text, size_t len)
{
	if (*n >= FACT_LIST_MAX)
		return ERR_RANGE;
	char **grown = reallocarray(*list, *n + 1, sizeof(char *));
	if (grown == nullptr)
		return ERR_NOMEM;
	*list = grown;
	grown[*n] = strndup(text, len);
	if (grown[*n] == nullptr)
		return ERR_NOMEM;
	++*n;
	return ERR_OK;
}

enum err fact_set_bytes(ProtobufCBinaryData *to, const void *p, size_t len)
{
	free(to->data);
	*to = (ProtobufCBinaryData){ .len = 0, .data = malloc(len) };
	if (to->data == nullptr)
		return ERR_NOMEM;
	memcpy(to->data, p, len);
	to->len = len;
	return ERR_OK;
}

enum err fact_route(const char *text, char *out, size_t cap)
{
	struct prefix p;
	char network[INET6_ADDRSTRLEN + 8], address[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, " \t");
	if (n == 0 || n >= sizeof network)
		return ERR_SYNTAX;
	memcpy(network, text, n);
	network[n] = '\0';
	if (config_prefix_parse(network, &p) != ERR_OK ||
	    inet_ntop(p.family, p.addr, address, sizeof address) == nullptr)
		return ERR_SYNTAX;
	return snprintf(out, cap, "%s/%u", address, p.len) < (int)cap ? ERR_OK : ERR_RANGE;
}

bool fact_has_group(const Msg__Facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (strcmp(f->groups[i], name) == 0)
			return true;
	return false;
}
