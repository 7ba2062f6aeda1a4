/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/cstp.h"

static const uint8_t dpd[] = { 'S', 'T', 'F', 1, 0, 4, 3, 0, 'p', 'i', 'n', 'g' };

static void a_frame_is_parsed(void **)
{
	struct cstp_frame f;
	assert_int_equal(cstp_parse(dpd, sizeof dpd, &f), ERR_OK);
	assert_int_equal(f.type, CSTP_DPD_REQ);
	assert_ptr_equal(f.payload, dpd + 8);
	assert_int_equal(f.payload_len, 4);
	assert_int_equal(f.len, 12);
}

static void frames_follow_each_other(void **)
{
	uint8_t stream[2 * sizeof dpd + 8 + 3];
	memcpy(stream, dpd, sizeof dpd);
	cstp_put_header(stream + sizeof dpd, CSTP_KEEPALIVE, 0);
	memcpy(stream + sizeof dpd + 8, dpd, sizeof dpd);
	memcpy(stream + 2 * sizeof dpd + 8, dpd, 3);
	static const enum cstp_type expect[] = { CSTP_DPD_REQ, CSTP_KEEPALIVE, CSTP_DPD_REQ };
	size_t at = 0;
	for (size_t i = 0; i < ARRAY_LEN(expect); i++) {
		struct cstp_frame f;
		assert_int_equal(cstp_parse(stream + at, sizeof stream - at, &f), ERR_OK);
		assert_int_equal(f.type, expect[i]);
		at += f.len;
	}
	struct cstp_frame f;
	assert_int_equal(cstp_parse(stream + at, sizeof stream - at, &f), ERR_SHORT);
}

/* In a heap block of exactly that size, so that a sanitizer sees a byte read too far. */
static void every_cut_waits_for_more(void **)
{
	for (size_t n = 0; n < sizeof dpd; n++) {
		uint8_t *cut = malloc(n + 1);
		memcpy(cut + 1, dpd, n);
		struct cstp_frame f = { .len = 99 };
		assert_int_equal(cstp_parse(cut + 1, n, &f), ERR_SHORT);
		assert_int_equal(f.len, 99);
		free(cut);
	}
}

static void wrong_start_is_refused_at_its_first_byte(void **)
{
	for (size_t wrong = 0; wrong < 4; wrong++) {
		for (size_t n = wrong + 1; n <= sizeof dpd; n++) {
			uint8_t bad[sizeof dpd];
			memcpy(bad, dpd, sizeof dpd);
			bad[wrong] ^= 0x20;
			struct cstp_frame f;
			assert_int_equal(cstp_parse(bad, n, &f), ERR_PROTO);
		}
	}
}

static void wrong_last_header_byte_is_refused(void **)
{
	uint8_t bad[sizeof dpd];
	memcpy(bad, dpd, sizeof dpd);
	bad[7] = 1;
	struct cstp_frame f;
	assert_int_equal(cstp_parse(bad, sizeof bad, &f), ERR_PROTO);
}

static void other_protocols_are_refused(void **)
{
	static const char *const others[] = { "GET / HTTP/1.1\r\n", "\x16\x03\x01\x02", "STF\x02", "stf\x01",
					      "SSH-2.0" };
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct cstp_frame f;
		assert_int_equal(cstp_parse((const uint8_t *)others[i], strlen(others[i]), &f), ERR_PROTO);
	}
}

static void longest_frame_passes_a_longer_one_does_not(void **)
{
	static uint8_t big[CSTP_HEAD_LEN + 65535];
	struct cstp_frame f;
	cstp_put_header(big, CSTP_DATA, CSTP_PAYLOAD_MAX);
	assert_int_equal(cstp_parse(big, CSTP_HEAD_LEN + CSTP_PAYLOAD_MAX, &f), ERR_OK);
	assert_int_equal(f.payload_len, CSTP_PAYLOAD_MAX);
	assert_int_equal(cstp_parse(big, CSTP_HEAD_LEN + CSTP_PAYLOAD_MAX - 1, &f), ERR_SHORT);
	big[5]++;
	assert_int_equal(cstp_parse(big, sizeof big, &f), ERR_PROTO);
	assert_int_equal(cstp_parse(big, CSTP_HEAD_LEN, &f), ERR_PROTO);
	big[4] = big[5] = 0xff;
	assert_int_equal(cstp_parse(big, sizeof big, &f), ERR_PROTO);
}

static void a_stream_knows_how_much_it_lacks(void **)
{
	uint8_t head[CSTP_HEAD_LEN];
	for (size_t n = 0; n < CSTP_HEAD_LEN; n++)
		assert_int_equal(cstp_frame_len(dpd, n), CSTP_HEAD_LEN);
	for (size_t n = CSTP_HEAD_LEN; n <= sizeof dpd; n++)
		assert_int_equal(cstp_frame_len(dpd, n), sizeof dpd);
	cstp_put_header(head, CSTP_DATA, CSTP_PAYLOAD_MAX);
	assert_int_equal(cstp_frame_len(head, sizeof head), CSTP_HEAD_LEN + CSTP_PAYLOAD_MAX);
	head[5]++;
	assert_int_equal(cstp_frame_len(head, sizeof head), CSTP_HEAD_LEN);
	head[4] = head[5] = 0xff;
	assert_int_equal(cstp_frame_len(head, sizeof head), CSTP_HEAD_LEN);
}

static void unknown_types_are_framed_but_not_known(void **)
{
	unsigned known = 0;
	for (unsigned t = 0; t < 256; t++) {
		uint8_t p[8];
		struct cstp_frame f;
		cstp_put_header(p, (enum cstp_type)t, 0);
		assert_int_equal(cstp_parse(p, sizeof p, &f), ERR_OK);
		assert_int_equal(f.type, t);
		known += cstp_is_known(f.type) ? 1 : 0;
	}
	assert_int_equal(known, 7);
	assert_false(cstp_is_known((enum cstp_type)1));
	assert_false(cstp_is_known((enum cstp_type)6));
	assert_false(cstp_is_known((enum cstp_type)10));
}

static void header_is_as_on_the_wire(void **)
{
	uint8_t p[8];
	cstp_put_header(p, CSTP_TERMINATE, 0x1234);
	assert_memory_equal(p, "STF\x01\x12\x34\x09\x00", 8);
}

static void reasons_of_a_goodbye(void **)
{
	static const struct {
		const char *payload;
		size_t len;
		enum cstp_reason reason;
		size_t text_len;
	} rows[] = {
		{ "", 0, CSTP_REASON_NONE, 0 },
		{ "\xb0", 1, CSTP_REASON_USER, 0 },
		{ "\xb0User aborted", 13, CSTP_REASON_USER, 12 },
		{ "\x91x", 2, CSTP_REASON_RECONNECT, 1 },
		{ "\xd1", 1, CSTP_REASON_PAUSE, 0 },
		{ "\x70", 1, CSTP_REASON_LOCAL_ERROR, 0 },
		{ "\x00", 1, CSTP_REASON_OTHER, 0 },
		{ "\x01", 1, CSTP_REASON_OTHER, 0 },
		{ "\xb1zzz", 4, CSTP_REASON_OTHER, 3 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const uint8_t *p = (const uint8_t *)rows[i].payload;
		struct cstp_bye bye = cstp_parse_bye(p, rows[i].len);
		assert_int_equal(bye.reason, rows[i].reason);
		assert_int_equal(bye.text_len, rows[i].text_len);
		assert_ptr_equal(bye.text, rows[i].text_len > 0 ? p + 1 : nullptr);
		assert_non_null(cstp_reason_text(bye.reason));
	}
	assert_int_equal(cstp_parse_bye(nullptr, 0).reason, CSTP_REASON_NONE);
	assert_non_null(cstp_reason_text((enum cstp_reason)0xee));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_parsed),
		cmocka_unit_test(frames_follow_each_other),
		cmocka_unit_test(every_cut_waits_for_more),
		cmocka_unit_test(wrong_start_is_refused_at_its_first_byte),
		cmocka_unit_test(wrong_last_header_byte_is_refused),
		cmocka_unit_test(other_protocols_are_refused),
		cmocka_unit_test(longest_frame_passes_a_longer_one_does_not),
		cmocka_unit_test(a_stream_knows_how_much_it_lacks),
		cmocka_unit_test(unknown_types_are_framed_but_not_known),
		cmocka_unit_test(header_is_as_on_the_wire),
		cmocka_unit_test(reasons_of_a_goodbye),
	};
	return cmocka_run_group_tests_name("cstp", tests, nullptr, nullptr);
}
