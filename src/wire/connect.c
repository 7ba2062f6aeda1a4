/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/connect.h"

#include <string.h>

#include "base/encode.h"

constexpr uint64_t MTU_LEAST = 256;
constexpr uint64_t MTU_MOST = 16384;

bool connect_is_tunnel(struct slice path)
{
	return text_is(path, "/CSCOSSLC/tunnel") ||
	       text_is(path, "CSCOSSLC/tunnel"); /* Clavister: no slash */
}

void connect_req_wipe(struct connect_req *r)
{
	explicit_bzero(r, sizeof *r);
}

/* Headers that are kept as text; one that is too long is cut, or for lists of words dropped. */
static const struct {
	const char *name;
	uint16_t offset;
	uint16_t cap;
	bool is_list;
} texts[] = {
#define TEXT(field, ...) \
	offsetof(struct connect_req, field), sizeof(((struct connect_req *)nullptr)->field), __VA_ARGS__
	{ "User-Agent", TEXT(user_agent, false) },
	{ "X-AnyConnect-Platform", TEXT(device_platform, false) },
	{ "X-AnyConnect-Identifier-Platform", TEXT(device_platform, false) },
	{ "X-AnyConnect-Identifier-DeviceType", TEXT(device_type, false) },
	{ "X-DTLS-CipherSuite", TEXT(dtls_ciphers, true) },
	{ "X-DTLS12-CipherSuite", TEXT(dtls12_ciphers, true) },
	{ "X-CSTP-Accept-Encoding", TEXT(encodings, true) },
	{ "X-DTLS-Accept-Encoding", TEXT(dtls_encodings, true) },
#undef TEXT
};

static void parse_texts(struct connect_req *out, const struct http *h)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto value = http_header(h, texts[i].name);
		if (value.p == nullptr || (texts[i].is_list && value.n >= texts[i].cap))
			continue;
		text_copy_ascii((char *)out + texts[i].offset, texts[i].cap, value);
	}
}

/* Our cookie is 32 bytes; padding may be lost or percent-encoded on its way through a cookie store. */
static bool parse_cookie(struct connect_req *out, const struct http *h)
{
	char raw[3 * ENCODE_BASE64_LEN(CONNECT_COOKIE_LEN) + 1];
	char text[sizeof raw];
	size_t raw_len = 0;
	size_t len = 0;
	uint8_t cookie[CONNECT_COOKIE_LEN];
	bool ok = http_cookie(h, "webvpn", raw, sizeof raw, &raw_len) == ERR_OK &&
		  text_percent_decode(text, sizeof text, text_slice(raw), false) == ERR_OK &&
		  encode_from_base64(text, strlen(text), cookie, sizeof cookie, &len) == ERR_OK &&
		  len == sizeof cookie;
	if (ok)
		memcpy(out->cookie, cookie, sizeof cookie);
	explicit_bzero(raw, sizeof raw);
	explicit_bzero(text, sizeof text);
	explicit_bzero(cookie, sizeof cookie);
	return ok;
}

static bool parse_secret(struct connect_req *out, const struct http *h)
{
	auto hex = http_header(h, "X-DTLS-Master-Secret");
	size_t len = 0;
	if (hex.n != ENCODE_HEX_LEN(CONNECT_SECRET_LEN))
		return false;
	if (encode_from_hex(hex.p, hex.n, out->secret, sizeof out->secret, &len) == ERR_OK)
		return true;
	explicit_bzero(out->secret, sizeof out->secret);
	return false;
}

static uint16_t parse_mtu(const struct http *h, const char *name)
{
	uint64_t mtu = 0;
	if (text_number(&mtu, http_header(h, name), MTU_MOST) != ERR_OK || mtu < MTU_LEAST)
		return 0;
	return (uint16_t)mtu;
}

/* Letters, digits and hyphens up to the first dot; it may become a name in DNS or an argument of a script. */
static void parse_hostname(struct connect_req *out, const struct http *h)
{
	auto name = http_header(h, "X-CSTP-Hostname");
	size_t n = 0;
	for (size_t i = 0; i < name.n && name.p[i] != '.' && n + 1 < sizeof out->hostname; i++) {
		char c = name.p[i];
		bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		if (alnum || (c == '-' && n > 0))
			out->hostname[n++] = c;
	}
	while (n > 0 && out->hostname[n - 1] == '-')
		out->hostname[--n] = '\0';
}

static void parse_families(struct connect_req *out, const struct http *h)
{
	auto types = http_header(h, "X-CSTP-Address-Type");
	out->want_ipv4 = types.p == nullptr || text_list_has(types, ',', "IPv4");
	out->want_ipv6 = types.p == nullptr || text_list_has(types, ',', "IPv6");
	out->full_ipv6 = text_is_nocase(http_header(h, "X-CSTP-Full-IPv6-Capability"), "true");
}

static bool is_mobile(const struct connect_req *r)
{
	auto platform = text_slice(r->device_platform);
	return r->client == LOGIN_CLIENT_APPLE || r->client == LOGIN_CLIENT_ANDROID ||
	       text_has_prefix_nocase(platform, "apple-ios") || text_has_prefix_nocase(platform, "android");
}

void connect_parse(struct connect_req *out, const struct http *h)
{
	*out = (struct connect_req){};
	parse_texts(out, h);
	parse_hostname(out, h);
	parse_families(out, h);
	out->has_cookie = parse_cookie(out, h);
	out->has_secret = parse_secret(out, h);
	out->base_mtu = parse_mtu(h, "X-CSTP-Base-MTU");
	out->mtu = parse_mtu(h, "X-CSTP-MTU");
	out->psk = text_list_has(http_header(h, "X-DTLS-CipherSuite"), ':', "PSK-NEGOTIATE");
	out->psk13 = text_list_has(http_header(h, "X-DTLS-CipherSuite"), ':', "PSK-NEGOTIATE-13");
	out->license_mobile = text_is_nocase(http_header(h, "X-CSTP-License"), "mobile");
	out->fips = text_is_nocase(http_header(h, "X-CSTP-FIPS-Mode"), "enabled");
	out->no_keepalive = text_is_nocase(http_header(h, "X-CSTP-TCP-Keepalive"), "false");
	out->client = login_client_class(http_header(h, "User-Agent"));
	out->mobile = is_mobile(out);
}

struct connect_dialect connect_dialect_of(const struct connect_req *r)
{
	bool apple = r->client == LOGIN_CLIENT_APPLE ||
		     text_has_prefix_nocase(text_slice(r->device_platform), "apple-ios");
	return (struct connect_dialect){
		.full_ipv6 = r->full_ipv6,
		.license = r->license_mobile,
		.dns_ip6 = r->client == LOGIN_CLIENT_CISCO || r->client == LOGIN_CLIENT_ANDROID || apple,
		.no_keepalive = r->no_keepalive,
		.alert = r->client == LOGIN_CLIENT_CISCO,
		.apple = apple,
		.no_ipv6_lists = r->client == LOGIN_CLIENT_OPENCONNECT_OLD,
	};
}
