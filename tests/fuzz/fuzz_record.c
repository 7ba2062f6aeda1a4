/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: record_open, record_seal, replay_check, replay_accept.
 *
 * Input: suite, place and value of a change, then bytes.  They are opened as they come; then sealed as a payload, and
 * the record opened with that one byte changed: nothing but the unchanged record may pass, and that only once.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[32] = { 1, 2, 3 };
static const uint8_t iv[12] = { 4, 5, 6 };

static void set_up(struct record_dir *d, enum record_suite suite, uint64_t seq)
{
	const struct record_aead *a = record_aead_of(suite);
	enum err e = record_init(d, suite, key, a->key_len, iv, a->iv_len, 1, seq);
	assert(e == ERR_OK);
}

/* Opens a copy of exactly its size. */
static enum err open_copy(struct record_dir *d, struct replay *r, const uint8_t *record, size_t n,
			  const uint8_t *text, size_t text_len)
{
	uint8_t *copy = malloc(n > 0 ? n : 1), type, *payload;
	size_t len;
	if (copy == nullptr)
		abort();
	if (n > 0)
		memcpy(copy, record, n);
	struct replay before = *r;
	enum err e = record_open(d, r, copy, n, &type, &payload, &len);
	if (e == ERR_OK)
		assert(len == text_len && payload + len <= copy + n && memcmp(payload, text, len) == 0);
	else
		assert(memcmp(&before, r, sizeof before) == 0);
	free(copy);
	return e;
}

/* data is the record itself; it can only pass if it was made with our key, as seeds of the corpus are. */
static void open_raw(enum record_suite suite, const uint8_t *data, size_t size)
{
	struct record_dir d;
	struct replay r;
	uint8_t type, *payload, *copy = malloc(size > 0 ? size : 1);
	size_t len;
	if (copy == nullptr)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	replay_init(&r);
	set_up(&d, suite, 0);
	if (record_open(&d, &r, copy, size, &type, &payload, &len) == ERR_OK)
		assert(payload == copy + record_head_len(&d) && len + record_overhead(suite) == size);
	record_fini(&d);
	free(copy);
}

static void seal_and_bend(enum record_suite suite, size_t place, uint8_t change, const uint8_t *text,
			  size_t len)
{
	static uint8_t buf[RECORD_HEAD_MAX + RECORD_PAYLOAD_MAX + RECORD_TAIL_MAX];
	struct record_dir tx, rx;
	struct replay r;
	size_t n;
	replay_init(&r);
	set_up(&tx, suite, len);
	set_up(&rx, suite, 0);
	memcpy(buf + record_head_len(&tx), text, len);
	enum err e = record_seal(&tx, 23, buf, len, &n);
	assert(e == ERR_OK && n == len + record_overhead(suite));
	buf[place % n] ^= change;
	e = open_copy(&rx, &r, buf, n, text, len);
	assert((e == ERR_OK) == (change == 0));
	buf[place % n] ^= change;
	e = open_copy(&rx, &r, buf, n, text, len);
	assert(e == (change == 0 ? ERR_REPLAY : ERR_OK));
	e = open_copy(&rx, &r, buf, n, text, len);
	assert(e == ERR_REPLAY);
	record_fini(&tx);
	record_fini(&rx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4)
		return 0;
	enum record_suite suite = (enum record_suite)(1 + data[0] % 3);
	size_t place = (size_t)data[1] << 8 | data[2];
	open_raw(suite, data + 4, size - 4);
	if (size - 4 <= RECORD_PAYLOAD_MAX)
		seal_and_bend(suite, place, data[3], data + 4, size - 4);
	return 0;
}
