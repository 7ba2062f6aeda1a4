/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: cbc_open, cbc_seal.
 *
 * Input: dialect and key length, place and value of a change, then bytes.  They are opened as they come; then sealed as a payload,
 * and the record opened with that one byte changed: nothing but the unchanged record may pass, and that only once.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/cbc.h"
#include "wire/dtls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t mac[20] = { 1 }, key[32] = { 2 }, iv_key[16] = { 3 };

static enum err open_copy(struct cbc_dir *d, struct replay *r, const uint8_t *record, size_t n,
			  const uint8_t *text, size_t text_len)
{
	uint8_t *copy = malloc(n > 0 ? n : 1), type, *payload;
	size_t len;
	if (copy == nullptr)
		abort();
	if (n > 0)
		memcpy(copy, record, n);
	struct replay before = *r;
	enum err e = cbc_open(d, r, copy, n, &type, &payload, &len);
	if (e == ERR_OK && text != nullptr)
		assert(len == text_len && memcmp(payload, text, len) == 0);
	if (e == ERR_OK)
		assert(payload >= copy && payload + len <= copy + n);
	else
		assert(memcmp(&before, r, sizeof before) == 0);
	free(copy);
	return e;
}

static void go_round(struct cbc_dir *rx, struct cbc_dir *tx, size_t place, uint8_t change,
		     const uint8_t *text, size_t len)
{
	struct replay window;
	size_t n;
	uint8_t *buf = malloc(CBC_HEAD_LEN + len + CBC_TAIL_MAX);
	if (buf == nullptr)
		abort();
	if (len > 0)
		memcpy(buf + CBC_HEAD_LEN, text, len);
	replay_init(&window);
	enum err e = cbc_seal(tx, 23, buf, len, &n);
	assert(e == ERR_OK && n <= CBC_HEAD_LEN + len + CBC_TAIL_MAX);
	buf[place % n] ^= change;
	e = open_copy(rx, &window, buf, n, text, len);
	assert((e == ERR_OK) == (change == 0));
	buf[place % n] ^= change;
	e = open_copy(rx, &window, buf, n, text, len);
	assert(e == (change == 0 ? ERR_REPLAY : ERR_OK));
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4 || size - 4 > CBC_PAYLOAD_MAX)
		return 0;
	struct cbc_dir rx, tx;
	struct replay window;
	uint16_t version = (data[0] & 1) != 0 ? DTLS_VERSION_BAD : DTLS_VERSION_12;
	size_t key_len = (data[0] & 2) != 0 ? 32 : 16;
	const struct cbc_keys in = { mac, key, key_len, nullptr }, out = { mac, key, key_len, iv_key };
	enum err e = cbc_init(&rx, &in, version, 1, 0);
	assert(e == ERR_OK);
	e = cbc_init(&tx, &out, version, 1, data[3]);
	assert(e == ERR_OK);
	replay_init(&window);
	(void)open_copy(&rx, &window, data + 4, size - 4, nullptr, 0);
	go_round(&rx, &tx, data[1], data[2], data + 4, size - 4);
	cbc_fini(&rx);
	cbc_fini(&tx);
	return 0;
}
