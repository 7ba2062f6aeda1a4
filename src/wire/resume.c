/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/resume.h"

#include <string.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/kdf.h>
#include <wolfssl/wolfcrypt/sha.h>

#include "base/secret.h"
#include "wire/dtls.h"
#include "wire/md5.h"

constexpr size_t MESSAGE_HEAD = 12;
constexpr size_t VERIFY_LEN = 12;
constexpr size_t HASH_MAX = 64;
constexpr size_t SEED_MAX = 32 + 64;
constexpr uint8_t CLIENT_HELLO = 1;
constexpr uint8_t SERVER_HELLO = 2;
constexpr uint8_t HELLO_VERIFY_REQUEST = 3;
constexpr uint8_t FINISHED = 20;
constexpr uint16_t SIGNAL_RENEGOTIATION = 0x00ff; /* RFC 5746, 3.3 */
constexpr uint16_t EXTENSION_RENEGOTIATION = 0xff01;

static bool is_prestandard(const struct resume_suite *s)
{
	return s->version == DTLS_VERSION_BAD;
}

/* {{ ClientHello }} */

/* The suite in the list; the list also signals RFC 5746. */
static bool offers_suite(struct reader *r, uint16_t id, struct resume_hello *h)
{
	bool found = false;
	size_t len = reader_u16be(r);
	struct reader list = reader_of(reader_take(r, len), reader_ok(r) ? len : 0);
	while (list.left >= 2) {
		uint16_t offered = reader_u16be(&list);
		found |= offered == id;
		h->secure_renegotiation |= offered == SIGNAL_RENEGOTIATION;
	}
	r->failed |= list.left != 0 || len == 0;
	return found;
}

static bool offers_no_compression(struct reader *r)
{
	bool found = false;
	size_t len = reader_u8(r);
	const uint8_t *methods = reader_take(r, len);
	for (size_t i = 0; methods != nullptr && i < len; i++)
		found |= methods[i] == 0;
	return found;
}

/* Only renegotiation_info says something to us: in a first handshake it is empty. */
static void read_extensions(struct reader *r, struct resume_hello *h)
{
	if (r->failed || r->left == 0)
		return; /* none at all */
	size_t all = reader_u16be(r);
	r->failed |= all != r->left;
	while (!r->failed && r->left > 0) {
		uint16_t type = reader_u16be(r);
		size_t len = reader_u16be(r);
		const uint8_t *body = reader_take(r, len);
		if (type != EXTENSION_RENEGOTIATION || body == nullptr)
			continue;
		r->failed |= len != 1 || body[0] != 0;
		h->secure_renegotiation = true;
	}
}

static enum err read_hello(struct reader *r, const struct resume_suite *suite, struct resume_hello *h)
{
	uint16_t version = reader_u16be(r);
	h->random = reader_take(r, RESUME_RANDOM_LEN);
	size_t id_len = reader_u8(r);
	h->id = reader_take(r, id_len);
	h->cookie_len = reader_u8(r);
	h->cookie = reader_take(r, h->cookie_len);
	bool suite_ok = offers_suite(r, suite->id, h);
	bool plain_ok = offers_no_compression(r);
	read_extensions(r, h);
	if (!reader_ok(r) || id_len != RESUME_ID_LEN)
		return ERR_PROTO;
	return suite_ok && plain_ok && version == suite->version ? ERR_OK : ERR_UNSUPPORTED;
}

enum err resume_parse(const uint8_t *datagram, size_t n, const struct resume_suite *suite,
		      struct resume_hello *out)
{
	*out = (struct resume_hello){};
	struct dtls_record record;
	size_t at = 0;
	if (dtls_next_record(datagram, n, &at, &record) != ERR_OK || record.type != DTLS_TYPE_HANDSHAKE ||
	    record.epoch != 0 || record.body_len > RESUME_MESSAGE_MAX)
		return ERR_PROTO;
	if (is_prestandard(suite) != (record.version == DTLS_VERSION_BAD))
		return ERR_UNSUPPORTED;
	struct resume_hello h = { .message = datagram + DTLS_HEAD_LEN,
				  .message_len = record.body_len,
				  .record_seq = record.seq };
	struct reader r = reader_of(h.message, h.message_len);
	uint8_t type = reader_u8(&r);
	uint32_t len = reader_u24be(&r);
	h.message_seq = reader_u16be(&r);
	uint32_t offset = reader_u24be(&r), fragment_len = reader_u24be(&r);
	if (!reader_ok(&r) || type != CLIENT_HELLO || offset != 0 || fragment_len != len || len != r.left)
		return ERR_PROTO;
	TRY(read_hello(&r, suite, &h));
	*out = h;
	return ERR_OK;
}

/* {{ messages }} */

static void put_message_head(struct writer *w, uint8_t type, uint16_t seq, size_t body_len)
{
	writer_u8(w, type);
	writer_u24be(w, (uint32_t)body_len);
	writer_u16be(w, seq);
	writer_u24be(w, 0);
	writer_u24be(w, (uint32_t)body_len);
}

static void put_record_head(struct writer *w, uint8_t type, uint16_t version, uint64_t seq, size_t body_len)
{
	writer_u8(w, type);
	writer_u16be(w, version);
	writer_u16be(w, 0);
	writer_u48be(w, seq);
	writer_u16be(w, (uint16_t)body_len);
}

void resume_emit_verify(struct writer *w, const struct resume_suite *suite, const struct resume_hello *h,
			const uint8_t cookie[RESUME_COOKIE_LEN])
{
	/* RFC 6347, 4.2.1: version 1.0 whatever is negotiated later */
	uint16_t version = is_prestandard(suite) ? DTLS_VERSION_BAD : DTLS_VERSION_10;
	size_t body_len = 2 + 1 + RESUME_COOKIE_LEN;
	put_record_head(w, DTLS_TYPE_HANDSHAKE, version, h->record_seq, MESSAGE_HEAD + body_len);
	put_message_head(w, HELLO_VERIFY_REQUEST, 0, body_len);
	writer_u16be(w, version);
	writer_u8(w, RESUME_COOKIE_LEN);
	writer_put(w, cookie, RESUME_COOKIE_LEN);
}

static enum err make_hello(struct resume *r, const struct resume_hello *h, const uint8_t *random)
{
	bool extensions = h->secure_renegotiation && !is_prestandard(r->suite);
	size_t body_len = 2 + RESUME_RANDOM_LEN + 1 + RESUME_ID_LEN + 2 + 1 + (extensions ? 7 : 0);
	struct writer w = writer_of(r->hello, sizeof r->hello);
	put_message_head(&w, SERVER_HELLO, h->message_seq, body_len);
	writer_u16be(&w, r->suite->version);
	writer_put(&w, random, RESUME_RANDOM_LEN);
	writer_u8(&w, RESUME_ID_LEN);
	writer_put(&w, h->id, RESUME_ID_LEN);
	writer_u16be(&w, r->suite->id);
	writer_u8(&w, 0);
	if (extensions) {
		writer_u16be(&w, 5);
		writer_u16be(&w, EXTENSION_RENEGOTIATION);
		writer_u16be(&w, 1);
		writer_u8(&w, 0);
	}
	r->hello_len = w.len;
	return writer_ok(&w) ? ERR_OK : ERR_RANGE;
}

void resume_emit_hello(struct resume *r, struct writer *w)
{
	uint16_t version = r->suite->version;
	put_record_head(w, DTLS_TYPE_HANDSHAKE, version, r->record_seq++, r->hello_len);
	writer_put(w, r->hello, r->hello_len);
	bool numbered = is_prestandard(r->suite);
	put_record_head(w, DTLS_TYPE_CCS, version, r->record_seq++, numbered ? 3 : 1);
	writer_u8(w, 1);
	if (numbered)
		writer_u16be(w, r->ccs_seq);
}

enum err resume_check_finished(const struct resume *r, const uint8_t *message, size_t len)
{
	struct reader m = reader_of(message, len);
	uint8_t type = reader_u8(&m);
	uint32_t body_len = reader_u24be(&m);
	reader_u16be(&m);
	uint32_t offset = reader_u24be(&m), fragment_len = reader_u24be(&m);
	const uint8_t *got = reader_take(&m, VERIFY_LEN);
	if (!reader_ok(&m) || m.left != 0 || type != FINISHED || body_len != VERIFY_LEN || offset != 0 ||
	    fragment_len != body_len)
		return ERR_AUTH;
	return secret_is_equal_bytes(got, r->due, VERIFY_LEN) ? ERR_OK : ERR_AUTH;
}

/* {{ PRF }} */

/* RFC 2246, 5: P_MD5 of the first half, xor P_SHA1 of the second.  seed: label and seed. */
static enum err p_md5(uint8_t *out, size_t len, const uint8_t *secret, size_t secret_len, const uint8_t *seed,
		      size_t seed_len)
{
	uint8_t a[MD5_LEN], part[MD5_LEN];
	TRY(md5_hmac(secret, secret_len, seed, seed_len, nullptr, 0, a));
	for (size_t done = 0; done < len; done += MD5_LEN) {
		TRY(md5_hmac(secret, secret_len, a, sizeof a, seed, seed_len, part));
		memcpy(out + done, part, MIN(sizeof part, len - done));
		TRY(md5_hmac(secret, secret_len, a, sizeof a, nullptr, 0, a));
	}
	secret_wipe_bytes(a, sizeof a);
	secret_wipe_bytes(part, sizeof part);
	return ERR_OK;
}

static enum err prf_tls10(uint8_t *out, size_t len, const uint8_t *master, const uint8_t *seed,
			  size_t seed_len)
{
	constexpr size_t half = RESUME_MASTER_LEN / 2;
	uint8_t other[160];
	if (len > sizeof other)
		return ERR_RANGE;
	TRY(p_md5(out, len, master, half, seed, seed_len));
	if (wc_PRF(other, (word32)len, master + half, half, seed, (word32)seed_len, sha_mac, nullptr,
		   INVALID_DEVID) != 0)
		return ERR_CRYPTO;
	for (size_t i = 0; i < len; i++)
		out[i] ^= other[i];
	secret_wipe_bytes(other, sizeof other);
	return ERR_OK;
}

static enum err prf(enum resume_prf kind, uint8_t *out, size_t len, const uint8_t *master, const char *label,
		    const uint8_t *seed, size_t seed_len)
{
	uint8_t whole[SEED_MAX];
	struct writer w = writer_of(whole, sizeof whole);
	writer_str(&w, label);
	writer_put(&w, seed, seed_len);
	if (!writer_ok(&w))
		return ERR_RANGE;
	if (kind == RESUME_PRF_TLS10)
		return prf_tls10(out, len, master, whole, w.len);
	int hash = kind == RESUME_PRF_SHA384 ? sha384_mac : sha256_mac;
	return wc_PRF(out, (word32)len, master, RESUME_MASTER_LEN, whole, (word32)w.len, hash, nullptr,
		      INVALID_DEVID) == 0
		       ? ERR_OK
		       : ERR_CRYPTO;
}

/* {{ the hash of the handshake }} */

struct part {
	const uint8_t *message;
	size_t len;
};

static enum err hash_prestandard(const struct part *parts, size_t n, uint8_t *out)
{
	struct md5 md5;
	wc_Sha sha;
	md5_init(&md5);
	bool ok = wc_InitSha(&sha) == 0;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *body = parts[i].message + MESSAGE_HEAD;
		size_t len = parts[i].len - MESSAGE_HEAD;
		md5_add(&md5, body, len);
		ok &= wc_ShaUpdate(&sha, body, (word32)len) == 0;
	}
	md5_finish(&md5, out);
	ok &= wc_ShaFinal(&sha, out + MD5_LEN) == 0;
	wc_ShaFree(&sha);
	return ok ? ERR_OK : ERR_CRYPTO;
}

/* The hash of whole messages with their headers, and of bodies only before the RFC. */
static enum err hash_of(enum resume_prf kind, const struct part *parts, size_t n, uint8_t out[HASH_MAX],
			size_t *out_len)
{
	if (kind == RESUME_PRF_TLS10) {
		*out_len = MD5_LEN + WC_SHA_DIGEST_SIZE;
		return hash_prestandard(parts, n, out);
	}
	enum wc_HashType type = kind == RESUME_PRF_SHA384 ? WC_HASH_TYPE_SHA384 : WC_HASH_TYPE_SHA256;
	wc_HashAlg hash;
	*out_len = (size_t)wc_HashGetDigestSize(type);
	if (wc_HashInit(&hash, type) != 0)
		return ERR_CRYPTO;
	bool ok = true;
	for (size_t i = 0; i < n; i++)
		ok &= wc_HashUpdate(&hash, type, parts[i].message, (word32)parts[i].len) == 0;
	ok &= wc_HashFinal(&hash, type, out) == 0;
	wc_HashFree(&hash, type);
	return ok ? ERR_OK : ERR_CRYPTO;
}

static enum err verify_data(const struct resume *r, const uint8_t *master, const char *label,
			    const struct part *parts, size_t n, uint8_t out[VERIFY_LEN])
{
	uint8_t hash[HASH_MAX];
	size_t len;
	TRY(hash_of(r->suite->prf, parts, n, hash, &len));
	return prf(r->suite->prf, out, VERIFY_LEN, master, label, hash, len);
}

/* The server's covers both hellos, the client's the server's too. */
static enum err make_finished(struct resume *r, const uint8_t *master, const struct resume_hello *h)
{
	const struct part parts[] = { { h->message, h->message_len },
				      { r->hello, r->hello_len },
				      { r->finished, sizeof r->finished } };
	uint16_t seq = (uint16_t)(h->message_seq + (is_prestandard(r->suite) ? 2 : 1));
	struct writer w = writer_of(r->finished, sizeof r->finished);
	put_message_head(&w, FINISHED, seq, VERIFY_LEN);
	TRY(verify_data(r, master, "server finished", parts, 2, r->finished + MESSAGE_HEAD));
	return verify_data(r, master, "client finished", parts, 3, r->due);
}

static enum err make_keys(const struct resume *r, const uint8_t *master, const uint8_t *client_random,
			  const uint8_t *server_random, struct resume_keys *keys)
{
	uint8_t seed[2 * RESUME_RANDOM_LEN], block[2 * (20 + 32 + 4)];
	bool cbc = r->suite->aead == RECORD_NONE;
	size_t mac_len = cbc ? 20 : 0, key_len = r->suite->key_len, iv_len = cbc ? 0 : 4;
	memcpy(seed, server_random, RESUME_RANDOM_LEN);
	memcpy(seed + RESUME_RANDOM_LEN, client_random, RESUME_RANDOM_LEN);
	size_t len = 2 * (mac_len + key_len + iv_len);
	enum err e = prf(r->suite->prf, block, len, master, "key expansion", seed, sizeof seed);
	struct reader b = reader_of(block, len);
	reader_copy(&b, keys->client_mac, mac_len);
	reader_copy(&b, keys->server_mac, mac_len);
	reader_copy(&b, keys->client_key, key_len);
	reader_copy(&b, keys->server_key, key_len);
	reader_copy(&b, keys->client_iv, iv_len);
	reader_copy(&b, keys->server_iv, iv_len);
	secret_wipe_bytes(block, sizeof block);
	return e;
}

enum err resume_begin(struct resume *r, const struct resume_suite *suite,
		      const uint8_t master[RESUME_MASTER_LEN], const uint8_t random[RESUME_RANDOM_LEN],
		      const struct resume_hello *h, struct resume_keys *keys)
{
	*keys = (struct resume_keys){};
	*r = (struct resume){ .suite = suite,
			      .ccs_seq = (uint16_t)(h->message_seq + 1),
			      .record_seq = h->record_seq };
	TRY(make_hello(r, h, random));
	TRY(make_finished(r, master, h));
	return make_keys(r, master, h->random, random, keys);
}
