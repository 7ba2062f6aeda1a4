/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/record.h"

#include <string.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "base/secret.h"

constexpr size_t HEAD = 13;
constexpr uint64_t NO_LIMIT = UINT64_MAX;
/* RFC 8446, 5.5: 2^24.5 full records of 2^10 blocks keep AES-GCM at 2^-57. */
constexpr uint64_t GCM_BLOCKS = 23'726'566ull << 10;

static enum err gcm_init(union record_key *k, const uint8_t *key, size_t len)
{
	if (wc_AesInit(&k->aes, nullptr, INVALID_DEVID) != 0)
		return ERR_CRYPTO;
	return wc_AesGcmSetKey(&k->aes, key, (word32)len) == 0 ? ERR_OK : ERR_CRYPTO;
}

static enum err gcm_seal(union record_key *k, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
			 uint8_t *text, size_t len, uint8_t *tag)
{
	int rc = wc_AesGcmEncrypt(&k->aes, text, text, (word32)len, nonce, RECORD_NONCE_LEN, tag, 16, aad,
				  (word32)aad_len);
	return rc == 0 ? ERR_OK : ERR_CRYPTO;
}

static enum err gcm_open(union record_key *k, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
			 uint8_t *text, size_t len, const uint8_t *tag)
{
	int rc = wc_AesGcmDecrypt(&k->aes, text, text, (word32)len, nonce, RECORD_NONCE_LEN, tag, 16, aad,
				  (word32)aad_len);
	return rc == 0 ? ERR_OK : ERR_AUTH;
}

static void gcm_fini(union record_key *k)
{
	wc_AesFree(&k->aes);
}

static enum err chacha_init(union record_key *k, const uint8_t *key, size_t len)
{
	memcpy(k->chacha, key, len);
	return ERR_OK;
}

static enum err chacha_seal(union record_key *k, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
			    uint8_t *text, size_t len, uint8_t *tag)
{
	int rc = wc_ChaCha20Poly1305_Encrypt(k->chacha, nonce, aad, (word32)aad_len, text, (word32)len, text,
					     tag);
	return rc == 0 ? ERR_OK : ERR_CRYPTO;
}

static enum err chacha_open(union record_key *k, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
			    uint8_t *text, size_t len, const uint8_t *tag)
{
	int rc = wc_ChaCha20Poly1305_Decrypt(k->chacha, nonce, aad, (word32)aad_len, text, (word32)len, tag,
					     text);
	return rc == 0 ? ERR_OK : ERR_AUTH;
}

static void chacha_fini(union record_key *)
{
}

/* Another engine is another table of this kind. */
static const struct record_aead aeads[RECORD_SUITE_N] = {
	[RECORD_AES128_GCM] = { "AES128-GCM", 16, 4, 8, 16, GCM_BLOCKS, gcm_init, gcm_seal, gcm_open,
				gcm_fini },
	[RECORD_AES256_GCM] = { "AES256-GCM", 32, 4, 8, 16, GCM_BLOCKS, gcm_init, gcm_seal, gcm_open,
				gcm_fini },
	[RECORD_CHACHA20_POLY1305] = { "CHACHA20-POLY1305", 32, 12, 0, 16, NO_LIMIT, chacha_init, chacha_seal,
				       chacha_open, chacha_fini },
};

static const struct {
	uint16_t id;
	enum record_suite suite;
} suites[] = {
	{ 0x009c, RECORD_AES128_GCM },        /* RSA */
	{ 0x009d, RECORD_AES256_GCM },
	{ 0x009e, RECORD_AES128_GCM },        /* DHE-RSA */
	{ 0x009f, RECORD_AES256_GCM },
	{ 0x00a8, RECORD_AES128_GCM },        /* PSK */
	{ 0x00a9, RECORD_AES256_GCM },
	{ 0xc02b, RECORD_AES128_GCM },        /* ECDHE-ECDSA */
	{ 0xc02c, RECORD_AES256_GCM },
	{ 0xc02f, RECORD_AES128_GCM },        /* ECDHE-RSA */
	{ 0xc030, RECORD_AES256_GCM },
	{ 0xd001, RECORD_AES128_GCM },        /* ECDHE-PSK */
	{ 0xd002, RECORD_AES256_GCM },
	{ 0xcca8, RECORD_CHACHA20_POLY1305 }, /* ECDHE-RSA, ECDHE-ECDSA, DHE-RSA, PSK, ECDHE-PSK, DHE-PSK */
	{ 0xcca9, RECORD_CHACHA20_POLY1305 },
	{ 0xccaa, RECORD_CHACHA20_POLY1305 },
	{ 0xccab, RECORD_CHACHA20_POLY1305 },
	{ 0xccac, RECORD_CHACHA20_POLY1305 },
	{ 0xccad, RECORD_CHACHA20_POLY1305 },
};

const struct record_aead *record_aead_of(enum record_suite suite)
{
	return suite > RECORD_NONE && suite < RECORD_SUITE_N ? &aeads[suite] : nullptr;
}

enum record_suite record_suite_of(uint16_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (suites[i].id == id)
			return suites[i].suite;
	return RECORD_NONE;
}

size_t record_overhead(enum record_suite suite)
{
	const struct record_aead *a = record_aead_of(suite);
	return a == nullptr ? 0 : HEAD + a->explicit_len + a->tag_len;
}

enum err record_init(struct record_dir *d, enum record_suite suite, const uint8_t *key, size_t key_len,
		     const uint8_t *iv, size_t iv_len, uint16_t epoch, uint64_t first_seq)
{
	const struct record_aead *a = record_aead_of(suite);
	if (a == nullptr || key_len != a->key_len || iv_len != a->iv_len || first_seq > RECORD_SEQ_MAX)
		return ERR_RANGE;
	*d = (struct record_dir){ .aead = a, .epoch = epoch, .next_seq = first_seq };
	memcpy(d->iv, iv, iv_len);
	enum err e = a->init(&d->key, key, key_len);
	if (e != ERR_OK)
		record_fini(d);
	return e;
}

void record_fini(struct record_dir *d)
{
	if (d->aead != nullptr)
		d->aead->fini(&d->key);
	secret_wipe_bytes(d, sizeof *d);
}

static void put_be(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

static uint64_t get_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/*
 * number: the 8 bytes epoch and seq as they stand in the record's header.  RFC 5288: salt and explicit part (from the
 * wire: peers begin at a random one).  RFC 7905: number, padded in front, xor iv.
 */
static void make_nonce(const struct record_dir *d, const uint8_t *number, const uint8_t *explicit,
		       uint8_t *nonce)
{
	memcpy(nonce, d->iv, RECORD_NONCE_LEN);
	if (d->aead->explicit_len > 0) {
		memcpy(nonce + d->aead->iv_len, explicit, 8);
		return;
	}
	for (size_t i = 0; i < 8; i++)
		nonce[4 + i] ^= number[i];
}

/* RFC 5246, 6.2.3.3: number, type, version, length of the text. */
static void make_aad(const uint8_t *head, size_t text_len, uint8_t *aad)
{
	memcpy(aad, head + 3, 8);
	memcpy(aad + 8, head, 3);
	put_be(aad + 11, text_len, 2);
}

static uint64_t blocks_of(size_t len)
{
	return len / 16 + 2; /* and the one of the tag, the one of the remainder */
}

enum err record_seal(struct record_dir *d, uint8_t type, uint8_t *buf, size_t payload_len, size_t *record_len)
{
	const struct record_aead *a = d->aead;
	if (payload_len > RECORD_PAYLOAD_MAX || d->next_seq >= RECORD_SEQ_MAX)
		return ERR_RANGE;
	size_t body_len = a->explicit_len + payload_len + a->tag_len;
	buf[0] = type;
	buf[1] = 0xfe;
	buf[2] = 0xfd;
	put_be(buf + 3, (uint64_t)d->epoch << 48 | d->next_seq, 8);
	put_be(buf + 11, body_len, 2);
	memcpy(buf + HEAD, buf + 3, a->explicit_len);
	uint8_t nonce[RECORD_NONCE_LEN], aad[RECORD_AAD_LEN];
	make_nonce(d, buf + 3, buf + HEAD, nonce);
	make_aad(buf, payload_len, aad);
	uint8_t *text = buf + HEAD + a->explicit_len;
	/* before the call: whatever becomes of it, this nonce is used */
	d->next_seq++;
	d->blocks_n += blocks_of(payload_len);
	TRY(a->seal(&d->key, nonce, aad, sizeof aad, text, payload_len, text + payload_len));
	*record_len = HEAD + body_len;
	return ERR_OK;
}

/* One whole record of this epoch, and long enough. */
static bool is_ours(const struct record_dir *d, const uint8_t *record, size_t n)
{
	size_t least = HEAD + d->aead->explicit_len + d->aead->tag_len;
	if (n < least || n > least + RECORD_PAYLOAD_MAX || get_be(record + 11, 2) != n - HEAD)
		return false;
	return record[0] >= 20 && record[0] <= 23 && record[1] == 0xfe && record[2] == 0xfd &&
	       get_be(record + 3, 2) == d->epoch;
}

enum err record_open(struct record_dir *d, struct replay *replay, uint8_t *record, size_t n, uint8_t *type,
		     uint8_t **payload, size_t *payload_len)
{
	const struct record_aead *a = d->aead;
	if (!is_ours(d, record, n))
		return ERR_PROTO;
	if (d->failed_n >= RECORD_FAILED_MAX)
		return ERR_RANGE;
	uint64_t seq = get_be(record + 5, 6);
	TRY(replay_check(replay, seq));
	uint8_t *text = record + HEAD + a->explicit_len;
	size_t len = n - HEAD - a->explicit_len - a->tag_len;
	uint8_t nonce[RECORD_NONCE_LEN], aad[RECORD_AAD_LEN];
	make_nonce(d, record + 3, record + HEAD, nonce);
	make_aad(record, len, aad);
	enum err e = a->open(&d->key, nonce, aad, sizeof aad, text, len, text + len);
	if (e != ERR_OK) {
		d->failed_n++;
		return e;
	}
	d->blocks_n += blocks_of(len);
	TRY(replay_accept(replay, seq));
	*type = record[0];
	*payload = text;
	*payload_len = len;
	return ERR_OK;
}

bool record_is_exhausted(const struct record_dir *d)
{
	return d->blocks_n >= d->aead->soft_blocks || d->failed_n >= RECORD_FAILED_MAX / 2 ||
	       d->next_seq >= RECORD_SEQ_MAX / 2;
}
