/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: connect_parse, connect_dialect_of, connect_emit, connect_emit_refusal.
 *
 * The input is a request as it comes.  What was parsed goes into the answer, which must be one head: lines without control bytes,
 * one blank line, at its end.
 */
#include <arpa/inet.h>
#include <string.h>

#include "wire/connect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t cap)
{
	size_t n = strnlen(text, cap);
	assert(n < cap);
	for (size_t i = 0; i < n; i++)
		assert(text[i] >= 0x20 && text[i] < 0x7f);
}

static void check_req(const struct connect_req *r)
{
	static const uint8_t nothing[CONNECT_COOKIE_LEN];
	assert(r->has_cookie || memcmp(r->cookie, nothing, sizeof nothing) == 0);
	assert(r->mtu == 0 || (r->mtu >= 256 && r->mtu <= 16384));
	assert(r->base_mtu == 0 || (r->base_mtu >= 256 && r->base_mtu <= 16384));
	check_text(r->hostname, sizeof r->hostname);
	assert(strcspn(r->hostname, " ./$;&|<>\"'`\\") == strlen(r->hostname) && r->hostname[0] != '-');
	check_text(r->user_agent, sizeof r->user_agent);
	check_text(r->device_type, sizeof r->device_type);
	check_text(r->device_platform, sizeof r->device_platform);
	check_text(r->dtls_ciphers, sizeof r->dtls_ciphers);
	check_text(r->dtls12_ciphers, sizeof r->dtls12_ciphers);
	check_text(r->encodings, sizeof r->encodings);
	check_text(r->dtls_encodings, sizeof r->dtls_encodings);
}

static void check_head(const struct writer *w)
{
	assert(writer_ok(w) && w->len > 4);
	assert(memmem(w->start, w->len, "\r\n\r\n", 4) == w->start + w->len - 4);
	for (size_t i = 0; i < w->len; i++) {
		uint8_t c = w->start[i];
		assert((c >= 0x20 && c < 0x7f) || (c == '\r' && w->start[i + 1] == '\n') ||
		       (c == '\n' && w->start[i - 1] == '\r'));
	}
}

static struct connect_prefix prefix_of(const uint8_t *p, uint16_t family)
{
	struct connect_prefix out = { .family = family, .len = p[16] % (family == AF_INET ? 33 : 129) };
	memcpy(out.addr, p, sizeof out.addr);
	return out;
}

static void emit_all(const struct connect_req *r)
{
	static uint8_t out[16384];
	const char *const texts[] = { r->hostname, r->user_agent };
	const struct connect_prefix nets[] = { prefix_of(r->secret, AF_INET),
					       prefix_of(r->secret + 16, AF_INET6) };
	const struct connect_reply reply = {
		.server_name = r->user_agent,
		.hostname = r->hostname,
		.default_domain = r->device_type,
		.ipv4 = r->want_ipv4 ? nets[0] : (struct connect_prefix){},
		.ipv6 = r->want_ipv6 ? nets[1] : (struct connect_prefix){},
		.dns = { nets, 2 },
		.nbns = { nets, 2 },
		.split_dns = { texts, 2 },
		.routes = { nets, r->mtu % 3u },
		.no_routes = { nets, 2 },
		.proxy_url = r->device_platform,
		.timers = { r->mtu, r->mtu, r->mtu, r->mtu, r->mtu, r->mtu, "ssl" },
		.dtls = { .enabled = r->psk, .port = r->mtu },
		.base_mtu = r->base_mtu,
		.mtu = r->mtu,
		.banner = r->dtls_ciphers,
		.encoding = r->encodings,
		.dtls_encoding = r->dtls_encodings,
		.dialect = connect_dialect_of(r),
	};
	auto w = writer_of(out, sizeof out);
	connect_emit(&w, &reply);
	check_head(&w);
	w = writer_of(out, sizeof out);
	connect_emit_refusal(&w, 503, r->user_agent);
	check_head(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http h;
	struct connect_req r;
	size_t used = 0;
	http_init(&h);
	if (http_feed(&h, data, size, &used) != HTTP_REQUEST)
		return 0;
	connect_parse(&r, &h);
	check_req(&r);
	emit_all(&r);
	(void)connect_is_tunnel(http_path(&h));
	connect_req_wipe(&r);
	return 0;
}
