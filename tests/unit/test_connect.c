/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire/connect.h"

static struct http http;
static struct connect_req req;

#define COOKIE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define SECRET \
	"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292a2b2c2d2e2f"

/* Parse a CONNECT with these header lines, each with its line end. */
static void parse(const char *lines)
{
	char text[8192] = "CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\n";
	size_t used = 0;
	strcat(strcat(text, lines), "\r\n");
	http_init(&http);
	assert_int_equal(http_feed(&http, (const uint8_t *)text, strlen(text), &used), HTTP_REQUEST);
	assert_int_equal(used, strlen(text));
	memset(&req, 0xa5, sizeof req);
	connect_parse(&req, &http);
}

static void request_of_openconnect(void **)
{
	parse("Host: 127.0.0.1:4443\r\n"
	      "User-Agent: Open AnyConnect VPN Agent v9.01-3\r\n"
	      "Cookie: webvpn=" COOKIE "\r\n"
	      "X-CSTP-Version: 1\r\n"
	      "X-CSTP-Hostname: laptop.example.com\r\n"
	      "X-CSTP-Accept-Encoding: oc-lz4,lzs\r\n"
	      "X-CSTP-Base-MTU: 1500\r\n"
	      "X-CSTP-MTU: 1390\r\n"
	      "X-CSTP-Address-Type: IPv6,IPv4\r\n"
	      "X-CSTP-Full-IPv6-Capability: true\r\n"
	      "X-DTLS-Master-Secret: " SECRET "\r\n"
	      "X-DTLS-CipherSuite: PSK-NEGOTIATE:OC-DTLS1_2-AES256-GCM:AES128-SHA\r\n"
	      "X-DTLS12-CipherSuite: ECDHE-RSA-AES256-GCM-SHA384:AES128-GCM-SHA256\r\n"
	      "X-DTLS-Accept-Encoding: lzs\r\n");
	assert_true(req.has_cookie && req.has_secret && req.want_ipv4 && req.want_ipv6 && req.full_ipv6 &&
		    req.psk);
	assert_false(req.mobile || req.license_mobile);
	for (size_t i = 0; i < CONNECT_COOKIE_LEN; i++)
		assert_int_equal(req.cookie[i], i);
	for (size_t i = 0; i < CONNECT_SECRET_LEN; i++)
		assert_int_equal(req.secret[i], i);
	assert_int_equal(req.client, LOGIN_CLIENT_OPENCONNECT);
	assert_int_equal(req.base_mtu, 1500);
	assert_int_equal(req.mtu, 1390);
	assert_string_equal(req.hostname, "laptop");
	assert_string_equal(req.user_agent, "Open AnyConnect VPN Agent v9.01-3");
	assert_string_equal(req.dtls_ciphers, "PSK-NEGOTIATE:OC-DTLS1_2-AES256-GCM:AES128-SHA");
	assert_string_equal(req.dtls12_ciphers, "ECDHE-RSA-AES256-GCM-SHA384:AES128-GCM-SHA256");
	assert_string_equal(req.encodings, "oc-lz4,lzs");
	assert_string_equal(req.dtls_encodings, "lzs");
}

static void request_of_a_cisco_phone(void **)
{
	parse("User-Agent: Cisco AnyConnect VPN Agent for Apple iPhone 5.0\r\n"
	      "Cookie: webvpncontext=x; webvpn=" COOKIE "; webvpnc=y\r\n"
	      "X-CSTP-License: mobile\r\n"
	      "X-AnyConnect-Identifier-Platform: apple-ios\r\n"
	      "X-AnyConnect-Identifier-DeviceType: iPhone10,1\r\n"
	      "X-CSTP-Address-Type: IPv4\r\n");
	assert_true(req.has_cookie && req.license_mobile && req.mobile && req.want_ipv4);
	assert_false(req.want_ipv6 || req.full_ipv6 || req.psk || req.has_secret);
	assert_string_equal(req.device_type, "iPhone10,1");
	assert_string_equal(req.device_platform, "apple-ios");
	auto d = connect_dialect_of(&req);
	assert_true(d.license && d.dns_ip6 && d.apple);
	assert_false(d.full_ipv6 || d.no_ipv6_lists);
}

static void an_empty_request(void **)
{
	parse("");
	assert_false(req.has_cookie || req.has_secret || req.psk || req.full_ipv6 || req.mobile ||
		     req.license_mobile);
	assert_true(req.want_ipv4 && req.want_ipv6);
	assert_int_equal(req.base_mtu, 0);
	assert_int_equal(req.mtu, 0);
	assert_int_equal(req.client, LOGIN_CLIENT_OTHER);
	assert_string_equal(req.hostname, "");
	assert_string_equal(req.user_agent, "");
	assert_string_equal(req.dtls12_ciphers, "");
}

static void the_tunnel_has_one_name(void **)
{
	static const char *const bad[] = {
		"", "/", "/tunnel", "/cscosslc/tunnel", "/CSCOSSLC/tunnel/", "//CSCOSSLC/tunnel", "gw:443"
	};
	assert_true(connect_is_tunnel(text_slice("/CSCOSSLC/tunnel")));
	assert_true(connect_is_tunnel(text_slice("CSCOSSLC/tunnel")));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(connect_is_tunnel(text_slice(bad[i])));
}

static void cookies(void **)
{
	static const struct {
		const char *line;
		bool ok;
	} rows[] = {
		{ "Cookie: webvpn=" COOKIE "\r\n", true },
		{ "Cookie: webvpn=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\r\n", true },
		{ "Cookie: webvpn=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8%3D\r\n", true },
		{ "Cookie: webvpn=%41AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8%3d\r\n", true },
		{ "Cookie: webvpn=////////////////////////////////////////////\r\n", false }, /* 33 bytes */
		{ "Cookie: webvpn=%2F%2f////////////////////////////////////////8=\r\n", true },
		{ "Cookie: webvpn=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\r\n", false }, /* 31 */
		{ "Cookie: webvpn=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\r\n",
		  false }, /* unused bits */
		{ "Cookie: webvpn=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==\r\n", false },
		{ "Cookie: webvpn=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8%3\r\n", false },
		{ "Cookie: webvpn=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8%00\r\n", false },
		{ "Cookie: webvpn=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH*8=\r\n", false },
		{ "Cookie: webvpn=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH h8=\r\n", false },
		{ "Cookie: webvpn=\r\n", false },
		{ "Cookie: WEBVPN=" COOKIE "\r\n", false },
		{ "Cookie: webvpncontext=" COOKIE "\r\n", false },
		{ "Cookie: webvpn=" COOKIE COOKIE COOKIE COOKIE COOKIE COOKIE COOKIE COOKIE "\r\n", false },
		{ "X-Cookie: webvpn=" COOKIE "\r\n", false },
	};
	static const uint8_t nothing[CONNECT_COOKIE_LEN];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		parse(rows[i].line);
		assert_int_equal(req.has_cookie, rows[i].ok);
		if (!rows[i].ok)
			assert_memory_equal(req.cookie, nothing, sizeof nothing);
	}
}

static void mtus_out_of_range_are_ignored(void **)
{
	static const struct {
		const char *value;
		uint16_t mtu;
	} rows[] = {
		{ "256", 256 }, { "500", 500 }, { "16384", 16384 }, { "255", 0 },        { "0", 0 },
		{ "16385", 0 }, { "65535", 0 }, { "65792", 0 },     { "-1", 0 },         { "", 0 },
		{ "1500x", 0 }, { "0x5dc", 0 }, { "1e3", 0 },       { "4294968796", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[128] = "X-CSTP-MTU: 1400\r\nX-CSTP-MTU: ";
		strcat(strcat(line, rows[i].value), "\r\nX-CSTP-Base-MTU: ");
		strcat(strcat(line, rows[i].value), "\r\n");
		parse(line);
		assert_int_equal(req.mtu, rows[i].mtu);
		assert_int_equal(req.base_mtu, rows[i].mtu);
	}
}

static void a_bad_secret_is_none(void **)
{
	static const char *const bad[] = {
		"",
		"00",
		(SECRET "00"),
		(SECRET "0"),
		("0x" SECRET),
		"zz0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292a2b2c2d2e2f",
		"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292a2b2c2d2e2 "
	};
	static const uint8_t nothing[CONNECT_SECRET_LEN];
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char line[256] = "X-DTLS-Master-Secret: ";
		strcat(strcat(line, bad[i]), "\r\n");
		parse(line);
		assert_false(req.has_secret);
		assert_memory_equal(req.secret, nothing, sizeof nothing);
	}
}

static void hostnames_are_made_harmless(void **)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "vm", "vm" },
		{ "VM-01.example.com", "VM-01" },
		{ "my laptop (2)", "mylaptop2" },
		{ "$(reboot)", "reboot" },
		{ "--help", "help" },
		{ "a-b--", "a-b" },
		{ "-", "" },
		{ ".x", "" },
		{ "../etc", "" },
		{ "gr\xc3\xbc\xc3\x9f", "gr" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789",
		  "012345678901234567890123456789012345678901234567890123456789012" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[256] = "X-CSTP-Hostname: ";
		strcat(strcat(line, rows[i].in), "\r\n");
		parse(line);
		assert_string_equal(req.hostname, rows[i].out);
	}
}

static void families(void **)
{
	static const struct {
		const char *line;
		bool ipv4, ipv6, full;
	} rows[] = {
		{ "X-CSTP-Address-Type: IPv4\r\n", true, false, false },
		{ "X-CSTP-Address-Type: ipv6 , X\r\n", false, true, false },
		{ "X-CSTP-Address-Type: none\r\n", false, false, false },
		{ "X-CSTP-Address-Type:\r\n", false, false, false },
		{ "X-CSTP-Address-Type: IPv6\r\nX-CSTP-Address-Type: IPv4\r\n", true, false, false },
		{ "X-CSTP-Full-IPv6-Capability: TRUE\r\n", true, true, true },
		{ "X-CSTP-Full-IPv6-Capability: false\r\n", true, true, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		parse(rows[i].line);
		assert_int_equal(req.want_ipv4, rows[i].ipv4);
		assert_int_equal(req.want_ipv6, rows[i].ipv6);
		assert_int_equal(req.full_ipv6, rows[i].full);
	}
}

static void psk_is_a_word_of_its_list(void **)
{
	parse("X-DTLS-CipherSuite: AES128-SHA:PSK-NEGOTIATE\r\n");
	assert_true(req.psk);
	parse("X-DTLS-CipherSuite: XPSK-NEGOTIATE:PSK-NEGOTIATE2\r\n");
	assert_false(req.psk);
	parse("X-DTLS12-CipherSuite: PSK-NEGOTIATE\r\n");
	assert_false(req.psk);
}

static void long_values_are_cut_or_dropped(void **)
{
	char line[2048] = "User-Agent: ";
	memset(line + strlen(line), 'a', 500);
	strcat(line, "\x80\r\nX-DTLS-CipherSuite: ");
	memset(line + strlen(line), 'b', 600);
	strcat(line, ":PSK-NEGOTIATE\r\nX-AnyConnect-Identifier-DeviceType: a\xff"
		     "b\r\n");
	parse(line);
	assert_int_equal(strlen(req.user_agent), sizeof req.user_agent - 1);
	assert_string_equal(req.dtls_ciphers, "");
	assert_true(req.psk);
	assert_string_equal(req.device_type, "a?b");
}

static void kinds_choose_the_dialect(void **)
{
	static const struct {
		const char *lines;
		struct connect_dialect d;
	} rows[] = {
		{ "User-Agent: Open AnyConnect VPN Agent v9.01\r\nX-CSTP-Full-IPv6-Capability: true\r\n",
		  { .full_ipv6 = true } },
		{ "User-Agent: Open AnyConnect VPN Agent v3.20\r\n", { .no_ipv6_lists = true } },
		{ "User-Agent: Cisco AnyConnect VPN Agent for Windows 4.10\r\n",
		  { .dns_ip6 = true, .alert = true } },
		{ "User-Agent: AnyConnect Windows 5.0\r\nX-CSTP-TCP-Keepalive: FALSE\r\n",
		  { .dns_ip6 = true, .alert = true, .no_keepalive = true } },
		{ "User-Agent: Open AnyConnect VPN Agent v9.01\r\nX-CSTP-TCP-Keepalive: no\r\n", {} },
		{ "User-Agent: AnyConnect Android 4.10\r\nX-CSTP-License: mobile\r\n",
		  { .dns_ip6 = true, .license = true } },
		{ "User-Agent: Open AnyConnect VPN Agent v9.01\r\nX-AnyConnect-Identifier-Platform: apple-ios\r\n",
		  { .dns_ip6 = true, .apple = true } },
		{ "", {} },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		parse(rows[i].lines);
		auto d = connect_dialect_of(&req);
		assert_memory_equal(&d, &rows[i].d, sizeof d);
	}
}

static void secrets_can_be_wiped(void **)
{
	static const struct connect_req nothing;
	parse("Cookie: webvpn=" COOKIE "\r\n");
	connect_req_wipe(&req);
	assert_memory_equal(&req, &nothing, sizeof req);
}

static char out[16384];
static struct writer w;

static const char *emit(const struct connect_reply *r)
{
	memset(out, 0, sizeof out);
	w = writer_of(out, sizeof out - 1);
	connect_emit(&w, r);
	assert_true(writer_ok(&w));
	return out;
}

static struct connect_prefix net(const char *text, uint8_t len)
{
	struct connect_prefix p = { .family = strchr(text, ':') == nullptr ? AF_INET : AF_INET6, .len = len };
	assert_int_equal(inet_pton(p.family, text, p.addr), 1);
	return p;
}

static void answer_with_all(void **)
{
	const struct connect_prefix dns[] = { net("192.0.2.53", 32), net("2001:db8::53", 128) };
	const struct connect_prefix nbns[] = { net("192.0.2.54", 32), net("2001:db8::54", 128) };
	const struct connect_prefix routes[] = { net("10.1.2.3", 8), net("2001:db8:1::1", 48),
						 net("192.168.5.128", 25) };
	const struct connect_prefix no_routes[] = { net("10.5.0.0", 16), net("2001:db8:2::", 33) };
	static const char *const domains[] = { "example.com", "corp.example" };
	static const char *const headers[] = { "X-My-Header: hi there", "X-Frame-Options: deny" };
	const struct connect_reply r = {
		.server_name = "ocserv-modern",
		.hostname = "laptop",
		.default_domain = "example.com corp.example",
		.ipv4 = net("10.9.0.7", 24),
		.ipv6 = net("2001:db8:9::7", 64),
		.dns = { dns, 2 },
		.nbns = { nbns, 2 },
		.split_dns = { domains, 2 },
		.routes = { routes, 3 },
		.no_routes = { no_routes, 2 },
		.dyndns = true,
		.proxy_url = "http://wpad/x.pac",
		.timers = { .dpd_s = 90,
			    .keepalive_s = 32400,
			    .idle_s = 1200,
			    .session_s = 86400,
			    .session_remaining_s = 86000,
			    .rekey_s = 172800,
			    .rekey_method = "new-tunnel" },
		.headers = { headers, 2 },
		.dtls = { .enabled = true,
			  .port = 4443,
			  .app_id = { 0x00, 0x01, 0xfe, 0xff, [31] = 0xab },
			  .dpd_s = 91,
			  .keepalive_s = 32401,
			  .rekey_s = 172810 },
		.base_mtu = 1500,
		.mtu = 1390,
		.banner = "Welcome\r\nX-Evil: 1",
		.encoding = "oc-lz4",
		.dtls_encoding = "lzs",
		.dialect = { .full_ipv6 = true, .license = true },
	};
	assert_string_equal(
		emit(&r),
		"HTTP/1.1 200 CONNECTED\r\n"
		"X-CSTP-Version: 1\r\n"
		"X-CSTP-Server-Name: ocserv-modern\r\n"
		"X-CSTP-Hostname: laptop\r\n"
		"X-CSTP-DPD: 90\r\n"
		"X-CSTP-Default-Domain: example.com corp.example\r\n"
		"X-CSTP-Address: 10.9.0.7\r\n"
		"X-CSTP-Netmask: 255.255.255.0\r\n"
		"X-CSTP-Address-IP6: 2001:db8:9::7/64\r\n"
		"X-CSTP-DNS: 192.0.2.53\r\n"
		"X-CSTP-DNS: 2001:db8::53\r\n"
		"X-CSTP-NBNS: 192.0.2.54\r\n"
		"X-CSTP-Split-DNS: example.com\r\n"
		"X-CSTP-Split-DNS: corp.example\r\n"
		"X-CSTP-Split-Include: 10.0.0.0/255.0.0.0\r\n"
		"X-CSTP-Split-Include-IP6: 2001:db8:1::/48\r\n"
		"X-CSTP-Split-Include: 192.168.5.128/255.255.255.128\r\n"
		"X-CSTP-Tunnel-All-DNS: false\r\n"
		"X-CSTP-Client-Bypass-Protocol: false\r\n"
		"X-CSTP-Split-Exclude: 10.5.0.0/255.255.0.0\r\n"
		"X-CSTP-Split-Exclude-IP6: 2001:db8::/33\r\n"
		"X-CSTP-Keepalive: 32400\r\n"
		"X-CSTP-Idle-Timeout: 1200\r\n"
		"X-CSTP-Smartcard-Removal-Disconnect: true\r\n"
		"X-CSTP-DynDNS: true\r\n"
		"X-CSTP-Rekey-Time: 172800\r\n"
		"X-CSTP-Rekey-Method: new-tunnel\r\n"
		"X-CSTP-MSIE-Proxy-Pac-URL: http://wpad/x.pac\r\n"
		"X-CSTP-MSIE-Proxy-PAC-URL: http://wpad/x.pac\r\n"
		"X-CSTP-Session-Timeout: 86400\r\n"
		"X-CSTP-Session-Timeout-Remaining: 86000\r\n"
		"X-CSTP-Lease-Duration: 86000\r\n"
		"X-CSTP-Disconnected-Timeout: none\r\n"
		"X-CSTP-Keep: true\r\n"
		"X-CSTP-TCP-Keepalive: true\r\n"
		"X-CSTP-License: accept\r\n"
		"X-My-Header: hi there\r\n"
		"X-Frame-Options: deny\r\n"
		"X-DTLS-DPD: 91\r\n"
		"X-DTLS-Port: 4443\r\n"
		"X-DTLS-Rekey-Time: 172810\r\n"
		"X-DTLS-Rekey-Method: new-tunnel\r\n"
		"X-DTLS-Keepalive: 32401\r\n"
		"X-DTLS-App-ID: 0001feff000000000000000000000000000000000000000000000000000000ab\r\n"
		"X-DTLS-CipherSuite: PSK-NEGOTIATE\r\n"
		"X-CSTP-Base-MTU: 1500\r\n"
		"X-CSTP-MTU: 1390\r\n"
		"X-CSTP-Banner: Welcome  X-Evil: 1\r\n"
		"X-DTLS-Content-Encoding: lzs\r\n"
		"X-CSTP-Content-Encoding: oc-lz4\r\n"
		"\r\n");
}

static void answer_with_the_least(void **)
{
	const struct connect_reply r = {
		.ipv4 = net("10.9.0.7", 32), .server_name = "", .base_mtu = 1500, .mtu = 1390
	};
	assert_string_equal(emit(&r), "HTTP/1.1 200 CONNECTED\r\n"
				      "X-CSTP-Version: 1\r\n"
				      "X-CSTP-Address: 10.9.0.7\r\n"
				      "X-CSTP-Netmask: 255.255.255.255\r\n"
				      "X-CSTP-Tunnel-All-DNS: true\r\n"
				      "X-CSTP-Client-Bypass-Protocol: false\r\n"
				      "X-CSTP-Idle-Timeout: none\r\n"
				      "X-CSTP-Smartcard-Removal-Disconnect: true\r\n"
				      "X-CSTP-Session-Timeout: none\r\n"
				      "X-CSTP-Disconnected-Timeout: none\r\n"
				      "X-CSTP-Keep: true\r\n"
				      "X-CSTP-TCP-Keepalive: true\r\n"
				      "X-CSTP-Base-MTU: 1500\r\n"
				      "X-CSTP-MTU: 1390\r\n"
				      "\r\n");
}

/* protocol.md 10.2: a resumption has a session id, one of the two headers, and an MTU. */
static void answer_with_a_suite(void **)
{
	struct connect_reply r = { .ipv4 = net("10.9.0.7", 32),
				   .dtls = { .enabled = true,
					     .port = 443,
					     .app_id = { [31] = 0xab },
					     .suite = "AES256-GCM-SHA384",
					     .is_12 = true,
					     .mtu = 1390 } };
	const char *text = emit(&r);
	assert_non_null(strstr(text, "X-DTLS-Session-ID: "
				     "00000000000000000000000000000000000000000000000000000000000000ab\r\n"
				     "X-DTLS12-CipherSuite: AES256-GCM-SHA384\r\nX-DTLS-MTU: 1390\r\n"));
	assert_null(strstr(text, "X-DTLS-CipherSuite"));
	assert_null(strstr(text, "X-DTLS-App-ID"));
	r.dtls.suite = "OC-DTLS1_2-AES256-GCM";
	r.dtls.is_12 = false;
	text = emit(&r);
	assert_non_null(
		strstr(text, "\r\nX-DTLS-CipherSuite: OC-DTLS1_2-AES256-GCM\r\nX-DTLS-MTU: 1390\r\n"));
	assert_null(strstr(text, "X-DTLS12-CipherSuite"));
}

static void no_udp_means_no_line_of_dtls(void **)
{
	const struct connect_reply r = { .ipv4 = net("10.9.0.7", 32),
					 .timers = { .rekey_s = UINT32_MAX, .rekey_method = "ssl" },
					 .dtls = { .port = 443, .dpd_s = 90, .rekey_s = 1 } };
	assert_null(strstr(emit(&r), "X-DTLS"));
	assert_non_null(strstr(out, "X-CSTP-Rekey-Time: 2147483647\r\nX-CSTP-Rekey-Method: ssl\r\n"));
}

static void a_client_without_full_ipv6_gets_two_addresses(void **)
{
	const struct connect_reply r = { .ipv4 = net("10.9.0.7", 24), .ipv6 = net("2001:db8:9::7", 64) };
	assert_non_null(strstr(emit(&r),
			       "X-CSTP-Address: 10.9.0.7\r\nX-CSTP-Netmask: 255.255.255.0\r\n"
			       "X-CSTP-Address: 2001:db8:9::7\r\nX-CSTP-Netmask: 2001:db8:9::/64\r\n"));
	assert_null(strstr(out, "Address-IP6"));
}

static void cisco_clients_get_ipv6_their_way(void **)
{
	const struct connect_prefix dns[] = { net("2001:db8::53", 128) };
	struct connect_reply r = {
		.ipv4 = net("10.9.0.7", 24),
		.ipv6 = net("2001:db8:9::7", 64),
		.dns = { dns, 1 },
		.dialect = { .full_ipv6 = true, .dns_ip6 = true, .apple = true },
	};
	assert_non_null(strstr(emit(&r), "X-CSTP-DNS-IP6: 2001:db8::53\r\n"));
	assert_non_null(strstr(out, "X-CSTP-Split-Include-IP6: 2000::/3\r\n"));
	r.dialect = (struct connect_dialect){ .full_ipv6 = true, .no_ipv6_lists = true };
	assert_null(strstr(emit(&r), "2001:db8::53"));
	assert_null(strstr(out, "2000::/3"));
}

static void a_family_without_address_has_no_routes(void **)
{
	const struct connect_prefix nets[] = { net("10.0.0.0", 8), net("2001:db8::", 32) };
	struct connect_reply r = { .ipv4 = net("10.9.0.7", 24),
				   .routes = { nets, 2 },
				   .no_routes = { nets, 2 },
				   .dns = { &nets[1], 1 },
				   .dialect = { .full_ipv6 = true, .apple = true } };
	assert_null(strstr(emit(&r), "2001:db8"));
	assert_null(strstr(out, "2000::"));
	r.ipv6 = net("2001:db8:9::7", 64);
	r.ipv4 = (struct connect_prefix){};
	assert_null(strstr(emit(&r), "10."));
	assert_non_null(strstr(out, "X-CSTP-Split-Include-IP6: 2001:db8::/32\r\n"));
}

static void a_default_route_is_no_line(void **)
{
	const struct connect_prefix all[] = { net("0.0.0.0", 0), net("10.0.0.0", 8), net("::", 0) };
	const struct connect_reply r = { .ipv4 = net("10.9.0.7", 24),
					 .ipv6 = net("2001:db8:9::7", 64),
					 .routes = { all, 3 },
					 .dialect = { .full_ipv6 = true } };
	assert_null(strstr(emit(&r), "Split-Include"));
	assert_non_null(strstr(out, "X-CSTP-Tunnel-All-DNS: true\r\n"));
}

static void a_bad_header_line_fails(void **)
{
	static const char *const bad[] = { "X-A: b\r\n\r\nSTF", "X-A", "X-A: b\n" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct connect_reply r = { .headers = { &bad[i], 1 } };
		w = writer_of(out, sizeof out);
		connect_emit(&w, &r);
		assert_false(writer_ok(&w));
	}
}

static void texts_cannot_end_their_line(void **)
{
	static const char evil[] = "a\r\n\r\nSTF\x01\n";
	static const char *const evils[] = { evil };
	char long_banner[5000];
	memset(long_banner, 'x', sizeof long_banner);
	long_banner[sizeof long_banner - 1] = '\0';
	struct connect_reply r = { .server_name = evil,
				   .hostname = evil,
				   .default_domain = evil,
				   .split_dns = { evils, 1 },
				   .proxy_url = evil,
				   .banner = evil };
	emit(&r);
	assert_ptr_equal(strstr(out, "\r\n\r\n"), out + strlen(out) - 4);
	assert_null(strstr(out, "\nSTF"));
	r.banner = long_banner;
	emit(&r);
	assert_int_equal(strspn(strstr(out, "Banner: ") + 8, "x"), 1023);
}

static void what_a_client_declines(void **)
{
	parse("X-CSTP-FIPS-Mode: enabled\r\nX-CSTP-TCP-Keepalive: false\r\n");
	assert_true(req.fips && req.no_keepalive);
	parse("X-CSTP-FIPS-Mode: disabled\r\nX-CSTP-TCP-Keepalive: true\r\n");
	assert_false(req.fips || req.no_keepalive);
	const struct connect_reply r = { .dialect = { .no_keepalive = true } };
	assert_non_null(strstr(emit(&r), "\r\nX-CSTP-TCP-Keepalive: false\r\n"));
}

static void only_ciscos_clients_are_told_when_to_warn(void **)
{
	const struct connect_timers t = { .session_s = 600, .session_remaining_s = 500 };
	struct connect_reply r = { .timers = t };
	assert_null(strstr(emit(&r), "Alert-Interval"));
	r.dialect.alert = true;
	assert_non_null(strstr(emit(&r), "\r\nX-CSTP-Session-Timeout-Alert-Interval: 60\r\n"));
	r.timers.session_s = 0;
	assert_null(strstr(emit(&r), "Alert-Interval"));
	assert_null(strstr(out, "Lease-Duration"));
}

static void an_answer_without_room_fails(void **)
{
	const struct connect_reply r = { .ipv4 = net("10.9.0.7", 32) };
	size_t need = strlen(emit(&r));
	for (size_t cap = 0; cap < need; cap++) {
		w = writer_of(out, cap);
		connect_emit(&w, &r);
		assert_false(writer_ok(&w));
	}
}

static void refusals(void **)
{
	static const struct {
		unsigned status;
		const char *reason, *text;
	} rows[] = {
		{ 401, nullptr,
		  "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" },
		{ 404, "", "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" },
		{ 405, nullptr,
		  "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" },
		{ 503, "no address\r\nleft",
		  "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n"
		  "X-Reason: no address  left\r\n\r\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(out, 0, sizeof out);
		w = writer_of(out, sizeof out - 1);
		connect_emit_refusal(&w, rows[i].status, rows[i].reason);
		assert_true(writer_ok(&w));
		assert_string_equal(out, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_of_openconnect),
		cmocka_unit_test(request_of_a_cisco_phone),
		cmocka_unit_test(an_empty_request),
		cmocka_unit_test(the_tunnel_has_one_name),
		cmocka_unit_test(cookies),
		cmocka_unit_test(mtus_out_of_range_are_ignored),
		cmocka_unit_test(a_bad_secret_is_none),
		cmocka_unit_test(hostnames_are_made_harmless),
		cmocka_unit_test(families),
		cmocka_unit_test(psk_is_a_word_of_its_list),
		cmocka_unit_test(long_values_are_cut_or_dropped),
		cmocka_unit_test(kinds_choose_the_dialect),
		cmocka_unit_test(secrets_can_be_wiped),
		cmocka_unit_test(answer_with_all),
		cmocka_unit_test(answer_with_the_least),
		cmocka_unit_test(answer_with_a_suite),
		cmocka_unit_test(no_udp_means_no_line_of_dtls),
		cmocka_unit_test(a_client_without_full_ipv6_gets_two_addresses),
		cmocka_unit_test(cisco_clients_get_ipv6_their_way),
		cmocka_unit_test(a_family_without_address_has_no_routes),
		cmocka_unit_test(a_default_route_is_no_line),
		cmocka_unit_test(a_bad_header_line_fails),
		cmocka_unit_test(texts_cannot_end_their_line),
		cmocka_unit_test(what_a_client_declines),
		cmocka_unit_test(only_ciscos_clients_are_told_when_to_warn),
		cmocka_unit_test(an_answer_without_room_fails),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests_name("connect", tests, nullptr, nullptr);
}
