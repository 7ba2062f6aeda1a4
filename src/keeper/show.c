/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/show.h"

#include <stdio.h>

struct show show_name(const char *name)
{
	struct show s = {};
	for (size_t i = 0; name != nullptr && name[i] != '\0' && i + 1 < SHOW_MAX; i++)
		s.text[i] = name[i] == '"' || name[i] == '\\' ? '_' : name[i];
	return s;
}

struct show show_addr(const struct addr *a)
{
	struct show s = { "-" };
	char text[ADDR_TEXT_MAX];
	struct addr bare = *a;
	bare.port = 0;
	if (addr_is_set(a))
		snprintf(s.text, sizeof s.text, "%s", addr_text(&bare, text));
	return s;
}

struct show show_prefix(const struct prefix *p)
{
	struct addr a = addr_of_ip(p->addr, p->family == AF_INET ? 4 : 16);
	return p->family == 0 ? (struct show){ "-" } : show_addr(&a);
}
