/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/facts.h"

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
