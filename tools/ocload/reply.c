/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/encode.h"

constexpr size_t BODY_MAX = 256 * 1024;

/* Where needle begins in s; s.n if it does not. */
static size_t find(struct slice s, const char *needle)
{
	const char *at = s.n > 0 ? memmem(s.p, s.n, needle, strlen(needle)) : nullptr;
	return at == nullptr ? s.n : (size_t)(at - s.p);
}

static bool has(struct slice s, const char *needle)
{
	return find(s, needle) < s.n;
}

static struct slice from(struct slice s, size_t at)
{
	at = MIN(at, s.n);
	return at > 0 ? (struct slice){ s.p + at, s.n - at } : s; /* p may be nullptr */
}

/* What is between open and close. */
static struct slice between(struct slice s, const char *open, const char *close)
{
	size_t at = find(s, open);
	if (at == s.n)
		return (struct slice){};
	struct slice rest = from(s, at + strlen(open));
	size_t end = find(rest, close);
	return end < rest.n ? (struct slice){ rest.p, end } : (struct slice){};
}

struct slice reply_header_next(const struct reply *r, const char *name, size_t *at)
{
	struct slice rest = from(r->head, *at);
	while (rest.n > 0) {
		struct slice value = text_next_word(&rest, '\n');
		struct slice key = value.n > 0 ? text_next_word(&value, ':') : (struct slice){};
		if (key.n == 0 || !text_is_nocase(key, name))
			continue;
		*at = r->head.n - rest.n;
		return text_trim(value);
	}
	*at = r->head.n;
	return (struct slice){};
}

struct slice reply_header(const struct reply *r, const char *name)
{
	size_t at = 0;
	return reply_header_next(r, name, &at);
}

uint32_t reply_header_number(const struct reply *r, const char *name, uint32_t max)
{
	uint64_t v = 0;
	struct slice s = reply_header(r, name);
	return s.n > 0 && text_number(&v, s, max) == ERR_OK ? (uint32_t)v : 0;
}

enum err reply_parse(struct reply *out, const char *p, size_t n, bool has_body)
{
	struct slice all = { p, n };
	size_t head_len = find(all, "\r\n\r\n");
	if (head_len == n)
		return n > 64 * 1024 ? ERR_PROTO : ERR_SHORT;
	struct slice head = { p, head_len };
	struct slice first = text_next_word(&head, '\n');
	struct slice version = text_next_word(&first, ' ');
	uint64_t status = 0;
	if (!text_has_prefix_nocase(version, "HTTP/1.") ||
	    text_number(&status, text_next_word(&first, ' '), 999) != ERR_OK)
		return ERR_PROTO;
	struct reply r = { .status = (unsigned)status, .head = head, .len = head_len + 4 };
	if (has_body) {
		if (reply_header(&r, "Transfer-Encoding").n > 0)
			return ERR_UNSUPPORTED;
		size_t body_len = reply_header_number(&r, "Content-Length", BODY_MAX);
		if (n - r.len < body_len)
			return ERR_SHORT;
		r.body = (struct slice){ p + r.len, body_len };
		r.len += body_len;
	}
	*out = r;
	return ERR_OK;
}

struct slice reply_cookie(const struct reply *r, const char *name)
{
	for (size_t at = 0; at < r->head.n;) {
		struct slice line = reply_header_next(r, "Set-Cookie", &at);
		struct slice pair = line.n > 0 ? text_next_word(&line, ';') : line;
		size_t eq = find(pair, "=");
		if (eq + 1 < pair.n && text_is((struct slice){ pair.p, eq }, name))
			return from(pair, eq + 1);
	}
	return (struct slice){};
}

static struct slice opaque_of(struct slice body)
{
	size_t at = find(body, "<opaque");
	struct slice rest = from(body, at);
	size_t end = find(rest, "</opaque>");
	return end < rest.n ? (struct slice){ rest.p, end + strlen("</opaque>") } : (struct slice){};
}

void reply_read_form(struct reply_form *out, struct slice body)
{
	struct slice form = between(body, "<form", "</form>");
	struct slice action = between(form, "action=\"", "\"");
	*out = (struct reply_form){
		.is_done = has(body, "id=\"success\"") || has(body, "type=\"complete\""),
		.has_form = form.n > 0,
		.has_error = has(body, "<error"),
		.asks_user = has(form, "name=\"username\""),
		.asks_password = has(form, "name=\"password\""),
		.asks_secondary = has(form, "name=\"secondary_password\""),
		.opaque = opaque_of(body),
		.token = between(body, "<session-token>", "</session-token>"),
	};
	if (action.n > 0 && action.p[0] == '/')
		out->action = action;
}

static struct addr address_of(struct slice s)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t ip[16];
	if (s.n == 0 || text_copy(text, sizeof text, s) != ERR_OK)
		return (struct addr){};
	text[strcspn(text, "/")] = '\0';
	if (inet_pton(AF_INET, text, ip) == 1)
		return addr_of_ip(ip, 4);
	return inet_pton(AF_INET6, text, ip) == 1 ? addr_of_ip(ip, 16) : (struct addr){};
}

/* A mask of 32 bits tells nothing: then it is taken for 24. */
static struct addr gateway_of(const struct addr *ip, const struct addr *mask)
{
	uint8_t gw[4];
	const uint8_t *m = mask->ip + 12;
	bool known = addr_is_v4(mask) && m[3] != 255;
	for (size_t i = 0; i < 4; i++)
		gw[i] = ip->ip[12 + i] & (known ? m[i] : (i == 3 ? 0 : 255));
	gw[3] |= 1;
	return addr_of_ip(gw, 4);
}

static void read_app_id(struct reply_tunnel *out, const struct reply *r)
{
	struct slice id = reply_header(r, "X-DTLS-App-ID");
	size_t len = 0;
	struct slice how = reply_header(r, "X-DTLS-CipherSuite");
	out->dtls13 = text_is(how, "PSK-NEGOTIATE-13");
	bool psk = out->dtls13 || text_is(how, "PSK-NEGOTIATE");
	if (psk && id.n > 0 && encode_from_hex(id.p, id.n, out->app_id, sizeof out->app_id, &len) == ERR_OK)
		out->app_id_len = (uint8_t)len;
	out->dtls_port = len > 0 ? (uint16_t)reply_header_number(r, "X-DTLS-Port", UINT16_MAX) : 0;
}

enum err reply_read_tunnel(struct reply_tunnel *out, const struct reply *r)
{
	*out = (struct reply_tunnel){};
	size_t at = 0;
	while (at < r->head.n) {
		struct addr a = address_of(reply_header_next(r, "X-CSTP-Address", &at));
		if (addr_is_set(&a))
			*(addr_is_v4(&a) ? &out->ip4 : &out->ip6) = a;
	}
	struct addr ip6 = address_of(reply_header(r, "X-CSTP-Address-IP6"));
	if (addr_is_set(&ip6))
		out->ip6 = ip6;
	struct addr mask = address_of(reply_header(r, "X-CSTP-Netmask"));
	if (addr_is_set(&out->ip4))
		out->gateway4 = gateway_of(&out->ip4, &mask);
	out->mtu = (uint16_t)reply_header_number(r, "X-CSTP-MTU", 16384);
	out->dpd_s = (uint16_t)reply_header_number(r, "X-CSTP-DPD", UINT16_MAX);
	out->keepalive_s = (uint16_t)reply_header_number(r, "X-CSTP-Keepalive", UINT16_MAX);
	read_app_id(out, r);
	return addr_is_set(&out->ip4) || addr_is_set(&out->ip6) ? ERR_OK : ERR_PROTO;
}
