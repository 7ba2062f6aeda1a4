/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/proxy.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/buf.h"
#include "wire/text.h"

constexpr size_t V1_MAX = 107; /* with CR LF */
constexpr size_t V2_HEAD = 16;
constexpr uint8_t V2_LOCAL = 0x20, V2_PROXY = 0x21;
constexpr uint8_t V2_TCP4 = 0x11, V2_TCP6 = 0x21;

static const uint8_t signature[12] = {
	0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a
};
static const char v1_begin[] = "PROXY ";

/* {{ version 2 }} */

static struct addr addr_and_port(const uint8_t *ip, size_t ip_len, uint16_t port)
{
	struct addr a = addr_of_ip(ip, ip_len);
	a.port = port;
	return a;
}

static enum err take_addresses(struct proxy *out, struct reader *r, size_t ip_len)
{
	const uint8_t *from = reader_take(r, ip_len);
	const uint8_t *to = reader_take(r, ip_len);
	uint16_t from_port = reader_u16be(r), to_port = reader_u16be(r);
	if (!reader_ok(r))
		return ERR_SYNTAX;
	out->from = addr_and_port(from, ip_len, from_port);
	out->to = addr_and_port(to, ip_len, to_port);
	return ERR_OK;
}

static enum err parse_v2(struct proxy *out, const uint8_t *p, size_t len)
{
	struct reader r = reader_of(p, len);
	reader_take(&r, sizeof signature);
	uint8_t command = reader_u8(&r), family = reader_u8(&r);
	uint16_t more = reader_u16be(&r);
	if (!reader_ok(&r))
		return ERR_SHORT;
	if (command != V2_PROXY && command != V2_LOCAL)
		return ERR_SYNTAX;
	if (V2_HEAD + more > PROXY_MAX)
		return ERR_RANGE;
	bool is_tcp = family == V2_TCP4 || family == V2_TCP6;
	if (command == V2_PROXY && !is_tcp)
		return ERR_UNSUPPORTED;
	const uint8_t *body = reader_take(&r, more);
	if (body == nullptr)
		return ERR_SHORT;
	struct proxy h = { .len = V2_HEAD + more, .is_local = command == V2_LOCAL };
	struct reader in = reader_of(body, more);
	if (!h.is_local)
		TRY(take_addresses(&h, &in, family == V2_TCP4 ? 4 : 16));
	*out = h;
	return ERR_OK;
}

/* {{ version 1 }} */

/* Up to the next blank or the end; empty words are errors: "a  b" is not "a b". */
static struct slice word(struct slice *rest)
{
	const char *blank = memchr(rest->p, ' ', rest->n);
	size_t n = blank != nullptr ? (size_t)(blank - rest->p) : rest->n;
	struct slice w = { rest->p, n };
	size_t step = MIN(n + 1, rest->n);
	*rest = (struct slice){ rest->p + step, rest->n - step };
	return w;
}

static enum err take_ip(struct addr *out, struct slice w, int family)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t ip[16];
	if (text_copy(text, sizeof text, w) != ERR_OK || inet_pton(family, text, ip) != 1)
		return ERR_SYNTAX;
	*out = addr_of_ip(ip, family == AF_INET ? 4 : 16);
	return ERR_OK;
}

static enum err take_port(struct addr *out, struct slice w)
{
	uint64_t port = 0;
	if (w.n == 0 || (w.n > 1 && w.p[0] == '0') || text_number(&port, w, UINT16_MAX) != ERR_OK)
		return ERR_SYNTAX;
	out->port = (uint16_t)port;
	return ERR_OK;
}

static enum err parse_line(struct proxy *out, struct slice line)
{
	struct slice rest = line;
	struct slice family = word(&rest);
	if (text_is(family, "UNKNOWN"))
		return ERR_UNSUPPORTED;
	int af = text_is(family, "TCP4") ? AF_INET : text_is(family, "TCP6") ? AF_INET6 : AF_UNSPEC;
	if (af == AF_UNSPEC || line.n == 0 || line.p[line.n - 1] == ' ')
		return ERR_SYNTAX;
	TRY(take_ip(&out->from, word(&rest), af));
	TRY(take_ip(&out->to, word(&rest), af));
	TRY(take_port(&out->from, word(&rest)));
	TRY(take_port(&out->to, word(&rest)));
	return rest.n == 0 ? ERR_OK : ERR_SYNTAX;
}

static enum err parse_v1(struct proxy *out, const uint8_t *p, size_t len)
{
	const uint8_t *end = memchr(p, '\n', MIN(len, V1_MAX));
	if (end == nullptr)
		return len < V1_MAX ? ERR_SHORT : ERR_SYNTAX;
	struct proxy h = { .len = (size_t)(end - p) + 1 };
	if (end[-1] != '\r') /* "PROXY " stands before it */
		return ERR_SYNTAX;
	size_t head = sizeof v1_begin - 1;
	if (h.len < head + 2)
		return ERR_SYNTAX;
	TRY(parse_line(&h, (struct slice){ (const char *)p + head, h.len - head - 2 }));
	*out = h;
	return ERR_OK;
}

enum err proxy_parse(struct proxy *out, const uint8_t *p, size_t len)
{
	size_t n1 = MIN(len, sizeof v1_begin - 1), n2 = MIN(len, sizeof signature);
	if (memcmp(p, v1_begin, n1) == 0)
		return n1 < sizeof v1_begin - 1 ? ERR_SHORT : parse_v1(out, p, len);
	if (memcmp(p, signature, n2) == 0)
		return n2 < sizeof signature ? ERR_SHORT : parse_v2(out, p, len);
	return ERR_SYNTAX;
}
