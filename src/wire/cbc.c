/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/cbc.h"

#include <string.h>

#include "base/secret.h"

constexpr size_t HEAD = 13;
constexpr size_t BLOCK = 16;
constexpr size_t SHA_BLOCK = 64;
constexpr size_t PAD_MOST = 255; /* the length byte not counted */
constexpr size_t MAC_HEAD = 13;
constexpr uint64_t SEQ_MAX = (1ull << 48) - 1;

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

/* {{ words without branches: all ones if it holds, else zero; operands below 2^31 }} */

static uint32_t hide(uint32_t v)
{
	__asm__("" : "+r"(v)); /* the compiler shall not make a branch of it */
	return v;
}

static uint32_t is_less(uint32_t a, uint32_t b)
{
	return 0u - (hide(a - b) >> 31);
}

static uint32_t is_same(uint32_t a, uint32_t b)
{
	uint32_t x = hide(a ^ b);
	return ~(0u - ((x | (0u - x)) >> 31));
}

/* {{ keys }} */

static enum err take_mac_key(wc_Sha *sha, const uint8_t *key, uint8_t mask)
{
	uint8_t block[SHA_BLOCK] = {};
	memcpy(block, key, CBC_MAC_LEN);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= mask;
	bool ok = wc_InitSha(sha) == 0 && wc_ShaUpdate(sha, block, sizeof block) == 0;
	secret_wipe_bytes(block, sizeof block);
	return ok ? ERR_OK : ERR_CRYPTO;
}

static enum err take_keys(struct cbc_dir *d, const struct cbc_keys *k)
{
	int way = k->iv_key != nullptr ? AES_ENCRYPTION : AES_DECRYPTION;
	if (wc_AesInit(&d->aes, nullptr, INVALID_DEVID) != 0 ||
	    wc_AesInit(&d->iv_aes, nullptr, INVALID_DEVID) != 0)
		return ERR_CRYPTO;
	if (wc_AesSetKey(&d->aes, k->key, (word32)k->key_len, nullptr, way) != 0)
		return ERR_CRYPTO;
	if (k->iv_key != nullptr && wc_AesSetKey(&d->iv_aes, k->iv_key, 16, nullptr, AES_ENCRYPTION) != 0)
		return ERR_CRYPTO;
	TRY(take_mac_key(&d->inner, k->mac, 0x36));
	return take_mac_key(&d->outer, k->mac, 0x5c);
}

enum err cbc_init(struct cbc_dir *d, const struct cbc_keys *k, uint16_t version, uint16_t epoch,
		  uint64_t first_seq)
{
	if ((k->key_len != 16 && k->key_len != 32) || first_seq > SEQ_MAX)
		return ERR_RANGE;
	memset(d, 0, sizeof *d);
	d->ready = true;
	d->seals = k->iv_key != nullptr;
	d->version = version;
	d->epoch = epoch;
	d->next_seq = first_seq;
	enum err e = take_keys(d, k);
	if (e != ERR_OK)
		cbc_fini(d);
	return e;
}

void cbc_fini(struct cbc_dir *d)
{
	if (d->ready) {
		wc_AesFree(&d->aes);
		wc_AesFree(&d->iv_aes);
		wc_ShaFree(&d->inner);
		wc_ShaFree(&d->outer);
	}
	secret_wipe_bytes(d, sizeof *d);
}

/* {{ MAC }} */

/* epoch and seq, type, version, length of the text; head as it stands on the wire. */
static void make_mac_head(const uint8_t *head, size_t text_len, uint8_t out[MAC_HEAD])
{
	memcpy(out, head + 3, 8);
	memcpy(out + 8, head, 3);
	put_be(out + 11, text_len, 2);
}

static enum err finish_outer(struct cbc_dir *d, const uint8_t *inner, uint8_t *mac)
{
	wc_Sha sha;
	if (wc_ShaCopy(&d->outer, &sha) != 0)
		return ERR_CRYPTO;
	bool ok = wc_ShaUpdate(&sha, inner, CBC_MAC_LEN) == 0 && wc_ShaFinal(&sha, mac) == 0;
	wc_ShaFree(&sha);
	return ok ? ERR_OK : ERR_CRYPTO;
}

static enum err make_mac(struct cbc_dir *d, const uint8_t *head, const uint8_t *text, size_t len,
			 uint8_t *mac)
{
	uint8_t mac_head[MAC_HEAD], inner[CBC_MAC_LEN];
	make_mac_head(head, len, mac_head);
	wc_Sha sha;
	if (wc_ShaCopy(&d->inner, &sha) != 0)
		return ERR_CRYPTO;
	bool ok = wc_ShaUpdate(&sha, mac_head, sizeof mac_head) == 0 &&
		  wc_ShaUpdate(&sha, text, (word32)len) == 0 && wc_ShaFinal(&sha, inner) == 0;
	wc_ShaFree(&sha);
	return ok ? finish_outer(d, inner, mac) : ERR_CRYPTO;
}

/* The MAC's message of secret length: mac_head, text; total counts both. */
struct message {
	const uint8_t *head, *text;
	uint32_t total;      /* secret */
	uint32_t total_most; /* public */
};

/* Block k as SHA-1 pads it, if the message ended at m->total. */
static void make_block(const struct message *m, uint32_t k, uint32_t last, uint8_t out[SHA_BLOCK])
{
	uint64_t bits = 8ull * (SHA_BLOCK + m->total); /* the block of the key came before */
	for (uint32_t i = 0; i < SHA_BLOCK; i++) {
		uint32_t at = k * (uint32_t)SHA_BLOCK + i;
		uint8_t b = 0;
		if (at < MAC_HEAD) /* these bounds are public */
			b = m->head[at];
		else if (at < m->total_most)
			b = m->text[at - MAC_HEAD];
		b &= (uint8_t)is_less(at, m->total);
		b |= (uint8_t)(0x80 & is_same(at, m->total));
		if (i >= SHA_BLOCK - 8)
			b |= (uint8_t)((uint32_t)(bits >> 8 * (SHA_BLOCK - 1 - i)) & is_same(k, last));
		out[i] = b;
	}
}

/* The inner hash: every block that the longest message could have is hashed, and the state after the true last one is kept. */
static enum err hash_inner(struct cbc_dir *d, const struct message *m, uint8_t inner[CBC_MAC_LEN])
{
	uint32_t least = m->total_most > PAD_MOST ? m->total_most - (uint32_t)PAD_MOST : 0;
	uint32_t last = (m->total + 8) / (uint32_t)SHA_BLOCK; /* of the padded message; a shift */
	uint32_t first = (least + 8) / (uint32_t)SHA_BLOCK; /* public: it cannot end before */
	uint32_t most = (m->total_most + 8) / (uint32_t)SHA_BLOCK;
	uint8_t block[SHA_BLOCK], state[CBC_MAC_LEN];
	memset(inner, 0, CBC_MAC_LEN);
	wc_Sha sha;
	if (wc_ShaCopy(&d->inner, &sha) != 0)
		return ERR_CRYPTO;
	bool ok = true;
	for (uint32_t k = 0; k <= most; k++) {
		make_block(m, k, last, block);
		ok &= wc_ShaUpdate(&sha, block, sizeof block) == 0;
		if (k < first)
			continue;
		ok &= wc_ShaFinalRaw(&sha, state) == 0;
		uint8_t take = (uint8_t)is_same(k, last);
		for (size_t i = 0; i < sizeof state; i++)
			inner[i] |= state[i] & take;
	}
	wc_ShaFree(&sha);
	secret_wipe_bytes(block, sizeof block);
	return ok ? ERR_OK : ERR_CRYPTO;
}

/* All ones if the padding is what it must be; *text_len is then (and always) a possible length. */
static uint32_t check_padding(const uint8_t *plain, size_t n, uint32_t *text_len)
{
	uint32_t most = (uint32_t)(n - CBC_MAC_LEN - 1); /* public */
	uint32_t pad = plain[n - 1];
	uint32_t good = ~is_less(most, pad);
	size_t looked_at = MIN(n, PAD_MOST + 1);
	for (size_t i = 0; i < looked_at; i++) {
		uint32_t in = ~is_less(pad, (uint32_t)i);
		good &= ~in | is_same(plain[n - 1 - i], pad);
	}
	*text_len = most - (pad & good);
	return good;
}

/* The 20 bytes behind a text of secret length. */
static void pick_mac(const uint8_t *plain, size_t n, uint32_t text_len, uint8_t mac[CBC_MAC_LEN])
{
	size_t from = n > CBC_MAC_LEN + 1 + PAD_MOST ? n - CBC_MAC_LEN - 1 - PAD_MOST : 0;
	memset(mac, 0, CBC_MAC_LEN);
	for (size_t i = from; i < n; i++)
		for (uint32_t j = 0; j < CBC_MAC_LEN; j++)
			mac[j] |= plain[i] & (uint8_t)is_same((uint32_t)i, text_len + j);
}

/* Whether plain, n bytes, is text, MAC and padding. */
static bool check(struct cbc_dir *d, const uint8_t *head, const uint8_t *plain, size_t n, size_t *text_len)
{
	uint32_t len;
	uint8_t mac_head[MAC_HEAD], inner[CBC_MAC_LEN], due[CBC_MAC_LEN], got[CBC_MAC_LEN];
	uint32_t good = check_padding(plain, n, &len);
	make_mac_head(head, len, mac_head);
	const struct message m = { mac_head, plain, MAC_HEAD + len,
				   (uint32_t)(MAC_HEAD + n - CBC_MAC_LEN - 1) };
	if (hash_inner(d, &m, inner) != ERR_OK || finish_outer(d, inner, due) != ERR_OK)
		return false;
	pick_mac(plain, n, len, got);
	uint32_t differs = 0;
	for (size_t i = 0; i < CBC_MAC_LEN; i++)
		differs |= due[i] ^ got[i];
	*text_len = len;
	return (is_same(differs, 0) & good) != 0;
}

/* {{ records }} */

static enum err make_iv(struct cbc_dir *d, const uint8_t *number, uint8_t iv[CBC_IV_LEN])
{
	uint8_t counter[BLOCK] = {}, zero[BLOCK] = {};
	memcpy(counter, number, 8);
	/* one block of CBC from a zero IV is the bare cipher */
	if (wc_AesSetIV(&d->iv_aes, zero) != 0 || wc_AesCbcEncrypt(&d->iv_aes, iv, counter, BLOCK) != 0)
		return ERR_CRYPTO;
	return ERR_OK;
}

enum err cbc_seal(struct cbc_dir *d, uint8_t type, uint8_t *buf, size_t payload_len, size_t *record_len)
{
	if (!d->seals || payload_len > CBC_PAYLOAD_MAX || d->next_seq >= SEQ_MAX)
		return ERR_RANGE;
	size_t pad = BLOCK - (payload_len + CBC_MAC_LEN) % BLOCK;
	size_t plain_len = payload_len + CBC_MAC_LEN + pad;
	uint8_t *text = buf + CBC_HEAD_LEN;
	buf[0] = type;
	put_be(buf + 1, d->version, 2);
	put_be(buf + 3, (uint64_t)d->epoch << 48 | d->next_seq, 8);
	put_be(buf + 11, CBC_IV_LEN + plain_len, 2);
	d->next_seq++;
	d->blocks_n += plain_len / BLOCK;
	TRY(make_mac(d, buf, text, payload_len, text + payload_len));
	memset(text + payload_len + CBC_MAC_LEN, (int)(pad - 1), pad);
	TRY(make_iv(d, buf + 3, buf + HEAD));
	if (wc_AesSetIV(&d->aes, buf + HEAD) != 0 ||
	    wc_AesCbcEncrypt(&d->aes, text, text, (word32)plain_len) != 0)
		return ERR_CRYPTO;
	*record_len = CBC_HEAD_LEN + plain_len;
	return ERR_OK;
}

/* One whole record of this epoch, whole blocks, and enough of them for MAC and padding. */
static bool is_ours(const struct cbc_dir *d, const uint8_t *record, size_t n)
{
	size_t least = CBC_HEAD_LEN + (CBC_MAC_LEN + BLOCK) / BLOCK * BLOCK;
	if (n < least || n > CBC_HEAD_LEN + CBC_PAYLOAD_MAX + CBC_MAC_LEN + 1 + PAD_MOST ||
	    (n - CBC_HEAD_LEN) % BLOCK != 0)
		return false;
	return record[0] >= 20 && record[0] <= 23 && get_be(record + 1, 2) == d->version &&
	       get_be(record + 3, 2) == d->epoch && get_be(record + 11, 2) == n - HEAD;
}

enum err cbc_open(struct cbc_dir *d, struct replay *replay, uint8_t *record, size_t n, uint8_t *type,
		  uint8_t **payload, size_t *payload_len)
{
	if (!d->ready || d->seals || !is_ours(d, record, n))
		return ERR_PROTO;
	if (d->failed_n >= CBC_FAILED_MAX)
		return ERR_RANGE;
	uint64_t seq = get_be(record + 5, 6);
	TRY(replay_check(replay, seq));
	uint8_t *text = record + CBC_HEAD_LEN;
	size_t plain_len = n - CBC_HEAD_LEN, text_len;
	if (wc_AesSetIV(&d->aes, record + HEAD) != 0 ||
	    wc_AesCbcDecrypt(&d->aes, text, text, (word32)plain_len) != 0)
		return ERR_CRYPTO;
	if (!check(d, record, text, plain_len, &text_len)) {
		d->failed_n++;
		return ERR_AUTH;
	}
	d->blocks_n += plain_len / BLOCK;
	TRY(replay_accept(replay, seq));
	*type = record[0];
	*payload = text;
	*payload_len = text_len;
	return ERR_OK;
}

bool cbc_is_exhausted(const struct cbc_dir *d)
{
	return d->blocks_n >= CBC_SOFT_BLOCKS || d->failed_n >= CBC_FAILED_MAX / 2 ||
	       d->next_seq >= SEQ_MAX / 2;
}
