/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: resume_parse, resume_begin, resume_emit_verify, resume_emit_hello, resume_check_finished.
 *
 * Input: the suite, then a datagram.  What is taken for a hello lies inside of it and is answered by whole records; the datagram
 * is no Finished.
 */
#include <string.h>

#include "wire/dtls.h"
#include "wire/resume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const uint8_t *p, size_t n, const uint8_t *data, size_t size)
{
	assert(p >= data && n <= size && p + n <= data + size);
}

static size_t records_of(const struct writer *w)
{
	struct dtls_record r;
	size_t at = 0, n = 0;
	assert(writer_ok(w));
	while (dtls_next_record(w->start, w->len, &at, &r) == ERR_OK) {
		assert(r.epoch == 0);
		n++;
	}
	assert(at == w->len);
	return n;
}

static void answer(const struct resume_suite *s, const struct resume_hello *h, const uint8_t *data,
		   size_t size)
{
	static const uint8_t master[RESUME_MASTER_LEN] = { 1 }, random[RESUME_RANDOM_LEN] = { 2 },
			     cookie[RESUME_COOKIE_LEN] = { 3 };
	struct resume r;
	struct resume_keys keys;
	uint8_t out[512];
	auto w = writer_of(out, sizeof out);
	resume_emit_verify(&w, s, h, cookie);
	assert(records_of(&w) == 1);
	enum err e = resume_begin(&r, s, master, random, h, &keys);
	assert(e == ERR_OK);
	if (r.record_seq > 1ull << 47)
		return; /* the number wraps in the header, which is the client's own fault */
	w = writer_of(out, sizeof out);
	resume_emit_hello(&r, &w);
	assert(records_of(&w) == 2);
	assert(resume_check_finished(&r, data, size) != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	const struct resume_suite *s = &resume_suites[data[0] % resume_suites_n];
	struct resume_hello h;
	data++;
	size--;
	if (resume_parse(data, size, s, &h) != ERR_OK) {
		assert(h.message == nullptr && h.id == nullptr && h.cookie_len == 0);
		return 0;
	}
	inside(h.message, h.message_len, data, size);
	inside(h.random, RESUME_RANDOM_LEN, data, size);
	inside(h.id, RESUME_ID_LEN, data, size);
	inside(h.cookie, h.cookie_len, data, size);
	answer(s, &h, data, size);
	return 0;
}
