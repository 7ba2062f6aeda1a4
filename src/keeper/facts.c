/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum err facts_copy(Msg__Facts **out, const Msg__Facts *from)
{
	*out = nullptr;
	if (from == nullptr)
		return ERR_OK;
	size_t len = msg__facts__get_packed_size(from);
	uint8_t *bytes OWNED(base_freep) = malloc(len + 1);
	if (bytes == nullptr)
		return ERR_NOMEM;
	msg__facts__pack(from, bytes);
	*out = msg__facts__unpack(nullptr, len, bytes);
	return *out != nullptr ? ERR_OK : ERR_NOMEM;
}

static struct prefix address(ProtobufCBinaryData b, uint16_t family, size_t len)
{
	struct prefix p = {};
	if (b.len != len)
		return p;
	p.family = family;
	p.len = (uint8_t)(len * 8);
	memcpy(p.addr, b.data, len);
	return p;
}

struct prefix facts_ipv4(const Msg__Facts *f)
{
	return f != nullptr ? address(f->ipv4, AF_INET, 4) : (struct prefix){};
}

struct prefix facts_ipv6(const Msg__Facts *f)
{
	return f != nullptr ? address(f->ipv6, AF_INET6, 16) : (struct prefix){};
}

uint32_t facts_session_timeout(const Msg__Facts *f, uint32_t configured_s)
{
	uint32_t own = f != nullptr ? f->session_timeout_s : 0;
	return own == 0 ? configured_s : configured_s == 0 ? own : MIN(own, configured_s);
}

/* {{ lines }} */

/* What came from another server must not become another line. */
static void write_networks(FILE *f, const char *option, char *const *list, size_t n)
{
	struct prefix p;
	for (size_t i = 0; i < n; i++)
		if (config_prefix_parse(list[i], &p) == ERR_OK)
			fprintf(f, "%s = %s\n", option, list[i]);
}

static void write_number(FILE *f, const char *option, uint64_t n)
{
	if (n != 0)
		fprintf(f, "%s = %llu\n", option, (unsigned long long)MIN(n, UINT32_MAX));
}

enum err facts_lines(const Msg__Facts *facts, char **out, size_t *len)
{
	*out = nullptr;
	*len = 0;
	if (facts == nullptr)
		return ERR_OK;
	FILE *f = open_memstream(out, len);
	if (f == nullptr)
		return ERR_NOMEM;
	write_networks(f, "route", facts->routes, facts->n_routes);
	write_networks(f, "dns", facts->dns, facts->n_dns);
	write_networks(f, "nbns", facts->nbns, facts->n_nbns);
	write_number(f, "idle-timeout", facts->idle_timeout_s);
	write_number(f, "rx-data-per-sec", facts->rx_per_s);
	write_number(f, "tx-data-per-sec", facts->tx_per_s);
	return fclose(f) == 0 ? ERR_OK : ERR_NOMEM;
}
