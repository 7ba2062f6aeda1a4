/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: record13_open, record13_seal, record13_next.
 *
 * Input: suite, length of the connection id, place and value of a change, then bytes.  They are split and opened as they come;
 * then sealed as a payload, and the record opened with that one byte changed: nothing but the unchanged record may pass, and
 * that only once.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/record13.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t cid[8] = { 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7 };

/* The secret is 00 01 02 .. as in unit/test_record13.c, so that its records can be seeds. */
static void set_up(struct record13_dir *d, enum record_suite suite, uint64_t seq, size_t cid_len)
{
	uint8_t secret[48];
	for (size_t i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)i;
	enum err e =
		record13_init(d, suite, secret, suite == RECORD_AES256_GCM ? 48 : 32, 3, seq, cid, cid_len);
	assert(e == ERR_OK);
}

/* Opens a copy of exactly its size. */
static enum err open_copy(struct record13_dir *d, struct replay *r, const uint8_t *record, size_t n,
			  const uint8_t *text, size_t text_len)
{
	uint8_t *copy = malloc(n > 0 ? n : 1), type, *payload;
	size_t len;
	if (copy == nullptr)
		abort();
	if (n > 0)
		memcpy(copy, record, n);
	struct replay before = *r;
	enum err e = record13_open(d, r, copy, n, &type, &payload, &len);
	if (e == ERR_OK)
		assert(type == 23 && len == text_len && payload + len <= copy + n &&
		       memcmp(payload, text, len) == 0);
	else
		assert(memcmp(&before, r, sizeof before) == 0);
	free(copy);
	return e;
}

/* data are records; one can only pass if it was made with our key, as seeds of the corpus are. */
static void open_raw(enum record_suite suite, size_t cid_len, const uint8_t *data, size_t size)
{
	struct record13_dir d;
	struct replay r;
	struct record13_head h;
	uint8_t type, *payload, *copy = malloc(size > 0 ? size : 1);
	size_t len;
	if (copy == nullptr)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	replay_init(&r);
	set_up(&d, suite, 0, cid_len);
	for (size_t at = 0, start = 0;; start = at) {
		if (record13_next(copy, size, &at, cid_len, &h) != ERR_OK) {
			assert(at == start);
			break;
		}
		assert(at == start + h.len && at <= size && h.len >= h.head_len + 16);
		assert(h.number_at + h.number_len <= h.head_len &&
		       (h.cid == nullptr || h.cid == copy + start + 1));
		if (record13_open(&d, &r, copy + start, h.len, &type, &payload, &len) == ERR_OK)
			assert(payload == copy + start + h.head_len && len + 17 + h.head_len <= h.len);
	}
	record13_fini(&d);
	free(copy);
}

static void seal_and_bend(enum record_suite suite, size_t cid_len, size_t place, uint8_t change,
			  const uint8_t *text, size_t len)
{
	static uint8_t buf[RECORD13_HEAD_MAX + RECORD_PAYLOAD_MAX + RECORD13_TAIL_MAX];
	struct record13_dir tx, rx;
	struct replay r;
	size_t n;
	replay_init(&r);
	set_up(&tx, suite, len, cid_len);
	set_up(&rx, suite, 0, cid_len);
	memcpy(buf + record13_head_len(&tx), text, len);
	enum err e = record13_seal(&tx, 23, buf, len, &n);
	assert(e == ERR_OK && n == len + record13_overhead(cid_len));
	buf[place % n] ^= change;
	e = open_copy(&rx, &r, buf, n, text, len);
	assert((e == ERR_OK) == (change == 0));
	buf[place % n] ^= change;
	e = open_copy(&rx, &r, buf, n, text, len);
	assert(e == (change == 0 ? ERR_REPLAY : ERR_OK));
	e = open_copy(&rx, &r, buf, n, text, len);
	assert(e == ERR_REPLAY);
	record13_fini(&tx);
	record13_fini(&rx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 5)
		return 0;
	enum record_suite suite = (enum record_suite)(1 + data[0] % 3);
	size_t cid_len = data[1] % (RECORD13_CID_MAX + 1);
	size_t place = (size_t)data[2] << 8 | data[3];
	open_raw(suite, cid_len, data + 5, size - 5);
	if (size - 5 <= RECORD_PAYLOAD_MAX)
		seal_and_bend(suite, cid_len, place, data[4], data + 5, size - 5);
	return 0;
}
