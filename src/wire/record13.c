/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/record13.h"

#include <string.h>
#include <wolfssl/wolfcrypt/kdf.h>

#include "base/buf.h"
#include "base/secret.h"

constexpr size_t MASK_SAMPLE = 16; /* bytes of the ciphertext that the mask of the number is made from */
constexpr uint8_t BIT_CID = 0x10;
constexpr uint8_t BIT_SEQ16 = 0x08;
constexpr uint8_t BIT_LENGTH = 0x04;
constexpr uint8_t BITS_EPOCH = 0x03;

static const struct {
	uint16_t id;
	enum record_suite suite;
} suites[] = {
	{ 0x1301, RECORD_AES128_GCM },
	{ 0x1302, RECORD_AES256_GCM },
	{ 0x1303, RECORD_CHACHA20_POLY1305 },
};

/* {{ keys }} */

enum record_suite record13_suite_of(uint16_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (suites[i].id == id)
			return suites[i].suite;
	return RECORD_NONE;
}

size_t record13_overhead(size_t cid_len)
{
	return 1 + cid_len + 2 + RECORD13_TAIL_MAX;
}

static bool is_aes(const struct record13_dir *d)
{
	return d->base.aead->iv_len == 4; /* the salt of GCM */
}

static enum err mask_init(struct record13_dir *d, const uint8_t *key, size_t len)
{
	d->has_mask = true;
	if (!is_aes(d))
		return wc_Chacha_SetKey(&d->mask.chacha, key, (word32)len) == 0 ? ERR_OK : ERR_CRYPTO;
	if (wc_AesInit(&d->mask.aes, nullptr, INVALID_DEVID) != 0)
		return ERR_CRYPTO;
	return wc_AesSetKeyDirect(&d->mask.aes, key, (word32)len, nullptr, AES_ENCRYPTION) == 0 ? ERR_OK
												: ERR_CRYPTO;
}

/* RFC 9147, 4.2.3: the first bytes of a block made from the ciphertext. */
static enum err mask_of(struct record13_dir *d, const uint8_t sample[static MASK_SAMPLE],
			uint8_t mask[static MASK_SAMPLE])
{
	if (is_aes(d))
		return wc_AesEncryptDirect(&d->mask.aes, mask, sample) == 0 ? ERR_OK : ERR_CRYPTO;
	static const uint8_t zeros[2];
	uint32_t counter =
		(uint32_t)sample[3] << 24 | (uint32_t)sample[2] << 16 | (uint32_t)sample[1] << 8 | sample[0];
	if (wc_Chacha_SetIV(&d->mask.chacha, sample + 4, counter) != 0 ||
	    wc_Chacha_Process(&d->mask.chacha, mask, zeros, sizeof zeros) != 0)
		return ERR_CRYPTO;
	return ERR_OK;
}

static enum err expand(const char *label, const uint8_t *secret, size_t secret_len, int digest, uint8_t *out,
		       size_t out_len)
{
	int rc = wc_Tls13_HKDF_Expand_Label(out, (word32)out_len, secret, (word32)secret_len,
					    (const byte *)"dtls13", 6, (const byte *)label,
					    (word32)strlen(label), nullptr, 0, digest);
	return rc == 0 ? ERR_OK : ERR_CRYPTO;
}

static enum err derive(struct record13_dir *d, const uint8_t *secret, size_t secret_len, int digest)
{
	const struct record_aead *a = d->base.aead;
	uint8_t key[32], sn[32];
	enum err e = expand("key", secret, secret_len, digest, key, a->key_len);
	if (e == ERR_OK)
		e = expand("sn", secret, secret_len, digest, sn, a->key_len);
	if (e == ERR_OK)
		e = expand("iv", secret, secret_len, digest, d->base.iv, RECORD_NONCE_LEN);
	if (e == ERR_OK)
		e = a->init(&d->base.key, key, a->key_len);
	if (e == ERR_OK)
		e = mask_init(d, sn, a->key_len);
	secret_wipe_bytes(key, sizeof key);
	secret_wipe_bytes(sn, sizeof sn);
	return e;
}

enum err record13_init(struct record13_dir *d, enum record_suite suite, const uint8_t *secret,
		       size_t secret_len, uint16_t epoch, uint64_t first_seq, const uint8_t *cid,
		       size_t cid_len)
{
	const struct record_aead *a = record_aead_of(suite);
	bool is_384 = suite == RECORD_AES256_GCM;
	if (a == nullptr || secret_len != (is_384 ? 48u : 32u) || cid_len > RECORD13_CID_MAX ||
	    first_seq > RECORD_SEQ_MAX)
		return ERR_RANGE;
	*d = (struct record13_dir){ .base = { .aead = a, .epoch = epoch, .next_seq = first_seq },
				    .cid_len = (uint8_t)cid_len };
	if (cid_len > 0)
		memcpy(d->cid, cid, cid_len);
	enum err e = derive(d, secret, secret_len, is_384 ? WC_SHA384 : WC_SHA256);
	if (e != ERR_OK)
		record13_fini(d);
	return e;
}

void record13_fini(struct record13_dir *d)
{
	if (d->has_mask && is_aes(d))
		wc_AesFree(&d->mask.aes);
	if (d->base.aead != nullptr)
		record_fini(&d->base);
	secret_wipe_bytes(d, sizeof *d);
}

/* {{ headers }} */

enum err record13_next(const uint8_t *p, size_t n, size_t *at, size_t cid_len, struct record13_head *out)
{
	if (*at >= n)
		return ERR_NOTFOUND;
	struct reader r = reader_of(p + *at, n - *at);
	uint8_t first = reader_u8(&r);
	struct record13_head h = { .epoch_low = first & BITS_EPOCH, .has_cid = (first & BIT_CID) != 0 };
	if (!record13_is_unified(first) || (h.has_cid && cid_len == 0))
		return ERR_PROTO;
	if (h.has_cid)
		h.cid = reader_take(&r, cid_len);
	h.number_at = 1 + (h.has_cid ? cid_len : 0);
	h.number_len = (first & BIT_SEQ16) != 0 ? 2 : 1;
	reader_take(&r, h.number_len);
	bool has_length = (first & BIT_LENGTH) != 0;
	size_t body_len = has_length ? reader_u16be(&r) : r.left;
	h.head_len = h.number_at + h.number_len + (has_length ? 2 : 0);
	reader_take(&r, body_len);
	if (!reader_ok(&r) || body_len < MASK_SAMPLE || body_len > RECORD_PAYLOAD_MAX + 256)
		return ERR_PROTO;
	h.len = h.head_len + body_len;
	*at += h.len;
	*out = h;
	return ERR_OK;
}

/* RFC 9147, 4.2.2: the number with these low bits that is closest to the one expected next. */
static uint64_t whole_number(uint64_t expected, uint64_t low, unsigned bits)
{
	uint64_t span = 1ull << bits, half = span / 2;
	uint64_t seq = (expected & ~(span - 1)) | low;
	if (seq > expected + half && seq >= span)
		return seq - span;
	if (seq + half < expected)
		return seq + span;
	return seq;
}

/* RFC 8446, 5.3; the epoch is not part of it. */
static void make_nonce(const struct record13_dir *d, uint64_t seq, uint8_t *nonce)
{
	memcpy(nonce, d->base.iv, RECORD_NONCE_LEN);
	for (size_t i = 0; i < 8; i++)
		nonce[4 + i] ^= (uint8_t)(seq >> 8 * (7 - i));
}

static uint64_t blocks_of(size_t len)
{
	return len / 16 + 2; /* and the one of the tag, the one of the remainder */
}

/* {{ records }} */

enum err record13_seal(struct record13_dir *d, uint8_t type, uint8_t *buf, size_t payload_len,
		       size_t *record_len)
{
	struct record_dir *b = &d->base;
	if (payload_len > RECORD_PAYLOAD_MAX || b->next_seq >= RECORD_SEQ_MAX)
		return ERR_RANGE;
	size_t head_len = record13_head_len(d), text_len = payload_len + 1;
	uint8_t *number = buf + head_len - 2, *text = buf + head_len;
	buf[0] = (uint8_t)(0x20 | (d->cid_len > 0 ? BIT_CID : 0) | BIT_SEQ16 | (b->epoch & BITS_EPOCH));
	memcpy(buf + 1, d->cid, d->cid_len);
	number[0] = (uint8_t)(b->next_seq >> 8);
	number[1] = (uint8_t)b->next_seq;
	text[payload_len] = type;
	uint8_t nonce[RECORD_NONCE_LEN], mask[MASK_SAMPLE];
	make_nonce(d, b->next_seq, nonce);
	/* before the call: whatever becomes of it, this nonce is used */
	b->next_seq++;
	b->blocks_n += blocks_of(text_len);
	TRY(b->aead->seal(&b->key, nonce, buf, head_len, text, text_len, text + text_len));
	TRY(mask_of(d, text, mask));
	number[0] ^= mask[0];
	number[1] ^= mask[1];
	*record_len = head_len + text_len + b->aead->tag_len;
	return ERR_OK;
}

static bool is_ours(const struct record13_dir *d, const uint8_t *record, size_t n, struct record13_head *h)
{
	size_t at = 0;
	if (record13_next(record, n, &at, d->cid_len, h) != ERR_OK || at != n)
		return false;
	return h->epoch_low == (d->base.epoch & BITS_EPOCH) && h->has_cid == (d->cid_len > 0) &&
	       (!h->has_cid || memcmp(h->cid, d->cid, d->cid_len) == 0) &&
	       n - h->head_len > d->base.aead->tag_len;
}

/* The header with its number in clear, as it was authenticated; the record's own bytes stay. */
static enum err clear_head(struct record13_dir *d, const uint8_t *record, const struct record13_head *h,
			   uint64_t expected, uint8_t *head, uint64_t *seq)
{
	uint8_t mask[MASK_SAMPLE];
	uint64_t low = 0;
	TRY(mask_of(d, record + h->head_len, mask));
	memcpy(head, record, h->head_len);
	for (size_t i = 0; i < h->number_len; i++) {
		head[h->number_at + i] ^= mask[i];
		low = low << 8 | head[h->number_at + i];
	}
	*seq = whole_number(expected, low, 8u * h->number_len);
	return *seq <= RECORD_SEQ_MAX ? ERR_OK : ERR_PROTO;
}

/* RFC 8446, 5.4: zeros after the type are padding. */
static enum err split_type(const uint8_t *text, size_t text_len, uint8_t *type, size_t *payload_len)
{
	while (text_len > 0 && text[text_len - 1] == 0)
		text_len--;
	if (text_len == 0)
		return ERR_UNSUPPORTED;
	*type = text[text_len - 1];
	*payload_len = text_len - 1;
	return ERR_OK;
}

enum err record13_open(struct record13_dir *d, struct replay *replay, uint8_t *record, size_t n,
		       uint8_t *type, uint8_t **payload, size_t *payload_len)
{
	struct record_dir *b = &d->base;
	struct record13_head h;
	uint8_t head[RECORD13_HEAD_MAX + 2], nonce[RECORD_NONCE_LEN];
	uint64_t seq;
	if (!is_ours(d, record, n, &h))
		return ERR_PROTO;
	if (b->failed_n >= RECORD_FAILED_MAX)
		return ERR_RANGE;
	TRY(clear_head(d, record, &h, replay->top + 1, head, &seq));
	TRY(replay_check(replay, seq));
	uint8_t *text = record + h.head_len;
	size_t len = n - h.head_len - b->aead->tag_len;
	make_nonce(d, seq, nonce);
	enum err e = b->aead->open(&b->key, nonce, head, h.head_len, text, len, text + len);
	if (e != ERR_OK) {
		b->failed_n++;
		return e;
	}
	b->blocks_n += blocks_of(len);
	TRY(replay_accept(replay, seq));
	TRY(split_type(text, len, type, payload_len));
	*payload = text;
	return ERR_OK;
}
