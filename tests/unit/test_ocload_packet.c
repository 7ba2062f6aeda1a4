/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ocload: packets it makes are right, damage is noticed; what servers answer is understood */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../tools/ocload/packet.c"
#include "../tools/ocload/probe.c"
#include "../tools/ocload/reply.c"

constexpr uint16_t PORT = 7788;

static struct packet_path path_of(bool ip6)
{
	static const uint8_t a4[] = { 10, 77, 0, 2 }, b4[] = { 203, 0, 113, 2 };
	static const uint8_t a6[16] = { 0xfd, 0x77, [15] = 2 }, b6[16] = { 0x20, 1, [15] = 2 };
	struct packet_path p = { addr_of_ip(ip6 ? a6 : a4, ip6 ? 16 : 4),
				 addr_of_ip(ip6 ? b6 : b4, ip6 ? 16 : 4) };
	/* as if the peer had sent it */
	p.src.port = PORT;
	p.dst.port = PACKET_CLIENT_PORT;
	return p;
}

static enum packet_verdict look(const uint8_t *bytes, size_t n, struct packet_in *in)
{
	return packet_look(in, bytes, n, PORT);
}

/* Every size, so that odd ends are summed right; the checksums are verified by other code than made them. */
static void packets_are_right(void **)
{
	static uint8_t bytes[PACKET_ROOM];
	for (unsigned ip6 = 0; ip6 < 2; ip6++)
		for (size_t size = packet_least(ip6 != 0 ? 6 : 4, 0); size < 1500; size++) {
			struct packet_shape s;
			struct packet_in in;
			struct packet_path path = path_of(ip6 != 0);
			const struct probe p = { PROBE_DATA, 7, 3, size * 1000, 99 };
			packet_shape_init(&s, ip6 != 0 ? 6 : 4, size);
			packet_put_udp(bytes, &s, &path, &p);
			assert_int_equal(look(bytes, size, &in), PACKET_GOOD);
			assert_int_equal(in.probe.seq, size * 1000);
			assert_int_equal(in.probe.run, 7);
			assert_int_equal(in.len, size);
		}
}

static void each_bit_counts(void **)
{
	uint8_t bytes[100], bad[100];
	struct packet_shape s;
	struct packet_in in;
	struct packet_path path = path_of(false);
	const struct probe p = { PROBE_DATA, 7, 3, 5, 99 };
	packet_shape_init(&s, 4, sizeof bytes);
	packet_put_udp(bytes, &s, &path, &p);
	for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
		memcpy(bad, bytes, sizeof bad);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(look(bad, sizeof bad, &in), PACKET_GOOD);
	}
	for (size_t n = 0; n < sizeof bytes; n++)
		assert_int_equal(look(bytes, n, &in), PACKET_CORRUPT);
}

/* The checksum of the Internet does not see two words that changed places: the fill does. */
static void swapped_words_are_seen(void **)
{
	uint8_t bytes[100];
	struct packet_shape s;
	struct packet_in in;
	struct packet_path path = path_of(false);
	const struct probe p = { PROBE_DATA, 7, 3, 5, 99 };
	packet_shape_init(&s, 4, sizeof bytes);
	packet_put_udp(bytes, &s, &path, &p);
	uint8_t word[2];
	memcpy(word, bytes + 70, 2);
	memcpy(bytes + 70, bytes + 80, 2);
	memcpy(bytes + 80, word, 2);
	assert_int_equal(look(bytes, sizeof bytes, &in), PACKET_CORRUPT);
}

static void echo_and_control(void **)
{
	uint8_t bytes[300];
	struct packet_shape s;
	struct packet_in in;
	struct packet_path path = path_of(false);
	const struct probe p = { PROBE_DATA, 7, 3, 5, 99 };
	packet_shape_init(&s, 4, 200);
	packet_put_echo(bytes, &s, &path, &p);
	assert_int_equal(look(bytes, 200, &in), PACKET_OTHER); /* a request of somebody */
	bytes[20] = 0;
	bytes[22] = (uint8_t)(bytes[22] + 8); /* as the kernel does it: the type is a part of the sum */
	assert_int_equal(look(bytes, 200, &in), PACKET_GOOD);
	assert_true(in.is_echo);

	uint8_t body[PROBE_REPORT_LEN];
	struct probe_report out;
	probe_put_report(body, &(struct probe_report){ .received = 1ull << 40, .sent = 12 });
	size_t n = packet_put_control(bytes, &path, &(struct probe){ .kind = PROBE_REPORT, .run = 7 }, body,
				      sizeof body);
	assert_int_equal(look(bytes, n, &in), PACKET_GOOD);
	assert_int_equal(probe_get_report(&out, in.body, in.body_len), ERR_OK);
	assert_int_equal(out.received, 1ull << 40);
	assert_int_equal(out.sent, 12);
	assert_int_equal(probe_get_report(&out, in.body, in.body_len - 1), ERR_SHORT);
}

static void answers_are_understood(void **)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nSet-Cookie: webvpnc=; path=/\r\nset-cookie: webvpn=abc=; Secure\r\n"
		"Content-Length: 65\r\n\r\n"
		"<config-auth><form action=\"/auth\"><input name=\"username\"/></form>more";
	struct reply r;
	struct reply_form f;
	for (size_t n = 0; n < sizeof text - 5; n++)
		assert_int_equal(reply_parse(&r, text, n, true), ERR_SHORT);
	assert_int_equal(reply_parse(&r, text, sizeof text - 1, true), ERR_OK);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.len, sizeof text - 5);
	assert_true(text_is(reply_cookie(&r, "webvpn"), "abc="));
	assert_null(reply_cookie(&r, "webvpnc").p);
	reply_read_form(&f, r.body);
	assert_true(f.asks_user && f.has_form);
	assert_false(f.asks_password || f.is_done || f.has_error);
	assert_true(text_is(f.action, "/auth"));
	assert_int_equal(reply_parse(&r, "SSH-2.0 hello\r\n\r\n", 17, true), ERR_PROTO);
}

static void tunnel_is_understood(void **)
{
	static const char text[] =
		"HTTP/1.1 200 CONNECTED\r\nX-CSTP-Address: 10.77.0.9\r\nX-CSTP-Netmask: 255.255.255.0\r\n"
		"X-CSTP-Address-IP6: fd77::9/128\r\nX-CSTP-MTU: 1434\r\nX-CSTP-DPD: 60\r\n"
		"X-DTLS-Port: 443\r\nX-DTLS-App-ID: 0a0b\r\nX-DTLS-CipherSuite: PSK-NEGOTIATE\r\n\r\n";
	struct reply r;
	struct reply_tunnel t;
	char name[ADDR_TEXT_MAX];
	assert_int_equal(reply_parse(&r, text, sizeof text - 1, false), ERR_OK);
	assert_int_equal(reply_read_tunnel(&t, &r), ERR_OK);
	assert_int_equal(t.mtu, 1434);
	assert_int_equal(t.dpd_s, 60);
	assert_int_equal(t.dtls_port, 443);
	assert_int_equal(t.app_id_len, 2);
	assert_string_equal(addr_text(&t.gateway4, name), "10.77.0.1");
	assert_string_equal(addr_text(&t.ip6, name), "fd77::9");
	assert_int_equal(reply_parse(&r, "HTTP/1.1 200 OK\r\n\r\n", 19, false), ERR_OK);
	assert_int_equal(reply_read_tunnel(&t, &r), ERR_PROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_right),      cmocka_unit_test(each_bit_counts),
		cmocka_unit_test(swapped_words_are_seen), cmocka_unit_test(echo_and_control),
		cmocka_unit_test(answers_are_understood), cmocka_unit_test(tunnel_is_understood),
	};
	return cmocka_run_group_tests_name("ocload_packet", tests, nullptr, nullptr);
}
