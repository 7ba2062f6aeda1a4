/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: dtls_classify, dtls_next_record. */
#include "wire/dtls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const struct dtls_record *k, size_t start, size_t size)
{
	assert(k->start == start && k->len <= size - start);
	assert(k->body_len > 0 && k->body_len <= DTLS_BODY_MAX && k->len == DTLS_HEAD_LEN + k->body_len);
	assert(k->seq < 1ull << 48);
}

static void check_hello(const struct dtls_peek *k, const uint8_t *data)
{
	const struct dtls_hello *h = &k->hello;
	assert(k->record.type == DTLS_TYPE_HANDSHAKE && k->record.epoch == 0);
	assert(h->session_id_len <= DTLS_SESSION_ID_MAX);
	assert((h->session_id == nullptr) == (h->session_id_len == 0));
	if (h->session_id == nullptr)
		return;
	assert(h->session_id == data + 60 && data[59] == h->session_id_len);
	assert(60u + h->session_id_len + 1 + h->cookie_len <= k->record.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dtls_peek k;
	enum dtls_kind kind = dtls_classify(data, size, &k);
	if (kind == DTLS_CLIENT_HELLO)
		check_hello(&k, data);
	size_t at = 0, n = 0;
	for (size_t start = 0;; start = at, n++) {
		struct dtls_record r;
		enum err e = dtls_next_record(data, size, &at, &r);
		assert((e == ERR_NOTFOUND) == (start == size));
		if (e != ERR_OK)
			break;
		check_record(&r, start, size);
		assert(at == start + r.len);
	}
	assert((n > 0) || (kind != DTLS_CLIENT_HELLO && kind != DTLS_RECORD));
	return 0;
}
