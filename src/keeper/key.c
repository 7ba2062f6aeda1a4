/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/key.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keeper/vault.h"

constexpr int RSA_BITS_LEAST = 2048;
constexpr int RSA_BITS_MOST = 8192;
constexpr size_t PUBLIC_MAX = 2048; /* bytes of a public key, flattened */

/* What must stay secret; all of it inside the vault. */
struct inner {
	union {
		RsaKey rsa;
		ecc_key ecc;
		ed25519_key ed;
	};
	WC_RNG rng;
};

struct key {
	struct vault memory; /* a struct inner */
	enum msgs_key type;
	bool has_rng, has_key;
	int64_t not_after;
	char *chain;
	size_t chain_len;
};

/* A public key as bytes that can be compared. */
struct public
{
	enum msgs_key type;
	uint8_t bytes[PUBLIC_MAX];
	size_t len;
};

static struct inner *inner_of(const struct key *k)
{
	return (struct inner *)(void *)k->memory.p;
}

/* {{ texts }} */

static const struct {
	const char *text;
	bool in_key;
} problems[KEY_PROBLEM_N] = {
#define KEY_PROBLEM(name, where, what) [KEY_##name] = { .text = (what), .in_key = (where) },
#include "keeper/key.def"
#undef KEY_PROBLEM
};

const char *key_problem_text(enum key_problem p)
{
	return p < KEY_PROBLEM_N ? problems[p].text : "unknown problem";
}

bool key_problem_is_in_key(enum key_problem p)
{
	return p < KEY_PROBLEM_N && problems[p].in_key;
}

/* {{ public keys }} */

static bool flatten_rsa(RsaKey *rsa, struct public *out)
{
	word32 e_len = 16, n_len = PUBLIC_MAX - 16;
	out->type = KEY_RSA;
	out->len = PUBLIC_MAX;
	memset(out->bytes, 0, sizeof out->bytes);
	return wc_RsaFlattenPublicKey(rsa, out->bytes, &e_len, out->bytes + 16, &n_len) == 0;
}

static bool flatten_ecc(ecc_key *ecc, struct public *out)
{
	word32 len = PUBLIC_MAX - 1;
	out->type = KEY_ECDSA;
	out->bytes[0] = (uint8_t)ecc->dp->id; /* a point is a point only on its curve */
	bool ok = wc_ecc_export_x963(ecc, out->bytes + 1, &len) == 0;
	out->len = len + 1;
	return ok;
}

static bool flatten_ed(ed25519_key *ed, struct public *out)
{
	word32 len = PUBLIC_MAX;
	out->type = KEY_ED25519;
	bool ok = wc_ed25519_export_public(ed, out->bytes, &len) == 0;
	out->len = len;
	return ok;
}

static bool rsa_of_spki(const uint8_t *spki, word32 len, struct public *out)
{
	RsaKey rsa;
	word32 at = 0;
	if (wc_InitRsaKey(&rsa, nullptr) != 0)
		return false;
	bool ok = wc_RsaPublicKeyDecode(spki, &at, &rsa, len) == 0 && flatten_rsa(&rsa, out);
	wc_FreeRsaKey(&rsa);
	return ok;
}

static bool ecc_of_spki(const uint8_t *spki, word32 len, struct public *out)
{
	ecc_key ecc;
	word32 at = 0;
	if (wc_ecc_init(&ecc) != 0)
		return false;
	bool ok = wc_EccPublicKeyDecode(spki, &at, &ecc, len) == 0 && flatten_ecc(&ecc, out);
	wc_ecc_free(&ecc);
	return ok;
}

static bool ed_of_spki(const uint8_t *spki, word32 len, struct public *out)
{
	ed25519_key ed;
	word32 at = 0;
	if (wc_ed25519_init(&ed) != 0)
		return false;
	bool ok = wc_Ed25519PublicKeyDecode(spki, &at, &ed, len) == 0 && flatten_ed(&ed, out);
	wc_ed25519_free(&ed);
	return ok;
}

/* {{ certificates }} */

/* Base64 of a block into malloc'd or given bytes; the length or 0. */
static size_t decode(struct span body, uint8_t *out, size_t cap)
{
	word32 len = (word32)cap;
	if (body.len > 1 << 20 || Base64_Decode((const byte *)body.p, (word32)body.len, out, &len) != 0)
		return 0;
	return len;
}

static int64_t end_of(const DecodedCert *cert)
{
	const byte *date;
	byte format;
	int len;
	struct tm tm = {};
	if (cert->afterDate == nullptr ||
	    wc_GetDateInfo(cert->afterDate, cert->afterDateLen, &date, &format, &len) != 0 ||
	    wc_GetDateAsCalendarTime(date, len, format, &tm) != 0)
		return 0;
	return timegm(&tm);
}

static enum key_problem read_leaf(struct key *k, struct span body, struct public *out)
{
	uint8_t *der OWNED(base_freep) = calloc(1, body.len + 1);
	if (der == nullptr)
		return KEY_NOMEM;
	size_t len = decode(body, der, body.len);
	if (len == 0)
		return KEY_CERT_BAD;
	DecodedCert cert;
	wc_InitDecodedCert(&cert, der, (word32)len, nullptr);
	bool ok = wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, nullptr) == 0;
	if (ok)
		k->not_after = end_of(&cert);
	wc_FreeDecodedCert(&cert);
	uint8_t spki[PUBLIC_MAX];
	word32 spki_len = sizeof spki;
	ok = ok && wc_GetSubjectPubKeyInfoDerFromCert(der, (word32)len, spki, &spki_len) == 0;
	ok = ok && (rsa_of_spki(spki, spki_len, out) || ecc_of_spki(spki, spki_len, out) ||
		    ed_of_spki(spki, spki_len, out));
	return ok ? KEY_FINE : KEY_CERT_BAD;
}

/* Copy the CERTIFICATE blocks and nothing else: the file may hold the key as well. */
static enum key_problem read_chain(struct key *k, struct span pem, struct public *out)
{
	k->chain = calloc(1, pem.len + 2); /* a last line without its end gets one */
	if (k->chain == nullptr)
		return KEY_NOMEM;
	struct pem_block block;
	while (pem_next(&pem, &block)) {
		if (!span_is(block.label, "CERTIFICATE"))
			continue;
		if (k->chain_len == 0) {
			enum key_problem p = read_leaf(k, block.body, out);
			if (p != KEY_FINE)
				return p;
		}
		memcpy(k->chain + k->chain_len, block.whole.p, block.whole.len);
		k->chain_len += block.whole.len;
		k->chain[k->chain_len++] = '\n';
	}
	return k->chain_len > 0 ? KEY_FINE : KEY_CERT_NOT_PEM;
}

/* {{ private keys }} */

static bool load_rsa(struct key *k, const struct vault *der, struct public *out)
{
	struct inner *in = inner_of(k);
	word32 at = 0;
	if (wc_InitRsaKey(&in->rsa, nullptr) != 0)
		return false;
	if (wc_RsaPrivateKeyDecode(der->p, &at, &in->rsa, (word32)der->len) == 0 &&
	    wc_RsaSetRNG(&in->rsa, &in->rng) == 0 && flatten_rsa(&in->rsa, out))
		return true;
	wc_FreeRsaKey(&in->rsa);
	return false;
}

static bool load_ecc(struct key *k, const struct vault *der, struct public *out)
{
	struct inner *in = inner_of(k);
	word32 at = 0;
	if (wc_ecc_init(&in->ecc) != 0)
		return false;
	if (wc_EccPrivateKeyDecode(der->p, &at, &in->ecc, (word32)der->len) == 0 &&
	    (in->ecc.type == ECC_PRIVATEKEY || wc_ecc_make_pub(&in->ecc, nullptr) == 0) &&
	    in->ecc.dp != nullptr && flatten_ecc(&in->ecc, out))
		return true;
	wc_ecc_free(&in->ecc);
	return false;
}

static bool load_ed(struct key *k, const struct vault *der, struct public *out)
{
	struct inner *in = inner_of(k);
	word32 at = 0;
	if (wc_ed25519_init(&in->ed) != 0)
		return false;
	uint8_t pub[ED25519_PUB_KEY_SIZE];
	if (wc_Ed25519PrivateKeyDecode(der->p, &at, &in->ed, (word32)der->len) == 0 &&
	    wc_ed25519_make_public(&in->ed, pub, sizeof pub) == 0 &&
	    wc_ed25519_import_public(pub, sizeof pub, &in->ed) == 0 && flatten_ed(&in->ed, out))
		return true;
	wc_ed25519_free(&in->ed);
	return false;
}

static void free_rsa(struct inner *in)
{
	wc_FreeRsaKey(&in->rsa);
}
static void free_ecc(struct inner *in)
{
	wc_ecc_free(&in->ecc);
}
static void free_ed(struct inner *in)
{
	wc_ed25519_free(&in->ed);
}

/* {{ signatures }} */

typedef enum err sign_fn(struct inner *in, uint32_t hash, const uint8_t *digest, word32 len, uint8_t *out,
			 word32 *out_len);

static enum err sign_ecdsa(struct inner *in, uint32_t, const uint8_t *digest, word32 len, uint8_t *out,
			   word32 *out_len)
{
	if (len < WC_SHA256_DIGEST_SIZE || len > WC_SHA512_DIGEST_SIZE)
		return ERR_RANGE;
	return wc_ecc_sign_hash(digest, len, out, out_len, &in->rng, &in->ecc) == 0 ? ERR_OK : ERR_CRYPTO;
}

static enum err rsa_result(int n, word32 *out_len)
{
	if (n <= 0)
		return ERR_CRYPTO;
	*out_len = (word32)n;
	return ERR_OK;
}

static enum err sign_pkcs1(struct inner *in, uint32_t, const uint8_t *digest, word32 len, uint8_t *out,
			   word32 *out_len)
{
	return rsa_result(wc_RsaSSL_Sign(digest, len, out, *out_len, &in->rsa, &in->rng), out_len);
}

static enum err sign_pss(struct inner *in, uint32_t hash, const uint8_t *digest, word32 len, uint8_t *out,
			 word32 *out_len)
{
	static const struct {
		enum wc_HashType hash;
		int mgf;
		word32 len;
	} kinds[] = {
		{ WC_HASH_TYPE_SHA256, WC_MGF1SHA256, WC_SHA256_DIGEST_SIZE },
		{ WC_HASH_TYPE_SHA384, WC_MGF1SHA384, WC_SHA384_DIGEST_SIZE },
		{ WC_HASH_TYPE_SHA512, WC_MGF1SHA512, WC_SHA512_DIGEST_SIZE },
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (hash != (uint32_t)kinds[i].hash)
			continue;
		if (len != kinds[i].len)
			return ERR_RANGE;
		return rsa_result(wc_RsaPSS_Sign_ex(digest, len, out, *out_len, kinds[i].hash, kinds[i].mgf,
						    RSA_PSS_SALT_LEN_DEFAULT, &in->rsa, &in->rng),
				  out_len);
	}
	return ERR_UNSUPPORTED;
}

static enum err sign_ed25519(struct inner *in, uint32_t, const uint8_t *message, word32 len, uint8_t *out,
			     word32 *out_len)
{
	return wc_ed25519_sign_msg(message, len, out, out_len, &in->ed) == 0 ? ERR_OK : ERR_CRYPTO;
}

/* {{ the kinds of key }} */

static const struct {
	bool (*load)(struct key *k, const struct vault *der, struct public *out);
	void (*drop)(struct inner *in);
	sign_fn *sign[SIGN_ED25519 + 1]; /* by scheme; absent: refused */
} kinds_of_key[KEY_ED25519 + 1] = {
	[KEY_RSA] = { load_rsa, free_rsa, { [SIGN_RSA_PKCS1] = sign_pkcs1, [SIGN_RSA_PSS] = sign_pss } },
	[KEY_ECDSA] = { load_ecc, free_ecc, { [SIGN_ECDSA] = sign_ecdsa } },
	[KEY_ED25519] = { load_ed, free_ed, { [SIGN_ED25519] = sign_ed25519 } },
};

static enum key_problem load_der(struct key *k, const struct vault *der, struct public *out)
{
	for (enum msgs_key t = KEY_RSA; t <= KEY_ED25519; t++)
		if (kinds_of_key[t].load(k, der, out)) {
			k->type = t;
			k->has_key = true;
			break;
		}
	if (!k->has_key)
		return KEY_BAD;
	if (k->type != KEY_RSA)
		return KEY_FINE;
	int bits = wc_RsaEncryptSize(&inner_of(k)->rsa) * 8;
	return bits >= RSA_BITS_LEAST && bits <= RSA_BITS_MOST ? KEY_FINE : KEY_WEAK;
}

static bool is_encrypted(const struct pem_block *block)
{
	static const char header[] = "ENCRYPTED";
	return memmem(block->label.p, block->label.len, header, strlen(header)) != nullptr ||
	       memmem(block->body.p, block->body.len, header, strlen(header)) != nullptr;
}

static bool is_private_key(struct span label)
{
	static const char tail[] = "PRIVATE KEY";
	return label.len >= strlen(tail) &&
	       memcmp(label.p + label.len - strlen(tail), tail, strlen(tail)) == 0;
}

static enum key_problem read_key(struct key *k, struct span pem, struct public *out)
{
	struct pem_block block;
	do /* "EC PARAMETERS" and certificates may stand before it */
		if (!pem_next(&pem, &block))
			return KEY_NOT_PEM;
	while (!is_private_key(block.label));
	if (is_encrypted(&block))
		return KEY_ENCRYPTED;
	struct vault der OWNED(vault_fini) = {};
	if (vault_new(&der, block.body.len + 1) != ERR_OK)
		return KEY_NOMEM;
	der.len = decode(block.body, der.p, block.body.len);
	enum key_problem p = der.len > 0 ? load_der(k, &der, out) : KEY_BAD;
	der.len = block.body.len + 1; /* wipe and unmap all of it */
	return p;
}

/* {{ public functions }} */

static enum key_problem fill(struct key *k, struct span cert_pem, struct span key_pem)
{
	static struct public of_cert, of_key; /* 4 KB; the loop thread's */
	if (vault_new(&k->memory, sizeof(struct inner)) != ERR_OK || wc_InitRng(&inner_of(k)->rng) != 0)
		return KEY_NOMEM;
	k->has_rng = true;
	enum key_problem p = read_chain(k, cert_pem, &of_cert);
	if (p == KEY_FINE)
		p = read_key(k, key_pem, &of_key);
	if (p != KEY_FINE)
		return p;
	bool same = of_cert.type == of_key.type && of_cert.len == of_key.len &&
		    memcmp(of_cert.bytes, of_key.bytes, of_key.len) == 0;
	return same ? KEY_FINE : KEY_MISMATCH;
}

enum key_problem key_new(struct key **out, struct span cert_pem, struct span key_pem)
{
	struct key *k = calloc(1, sizeof *k);
	if (k == nullptr)
		return KEY_NOMEM;
	enum key_problem p = fill(k, cert_pem, key_pem);
	if (p == KEY_FINE)
		*out = k;
	else
		key_free(k);
	return p;
}

void key_free(struct key *k)
{
	if (k == nullptr)
		return;
	if (k->has_key)
		kinds_of_key[k->type].drop(inner_of(k));
	if (k->has_rng)
		wc_FreeRng(&inner_of(k)->rng);
	vault_fini(&k->memory);
	free(k->chain);
	free(k);
}

enum msgs_key key_type(const struct key *k)
{
	return k->type;
}
struct span key_chain(const struct key *k)
{
	return span_of(k->chain, k->chain_len);
}
int64_t key_not_after(const struct key *k)
{
	return k->not_after;
}

enum err key_sign(struct key *k, enum msgs_sign scheme, uint32_t hash, const uint8_t *digest,
		  size_t digest_len, uint8_t *out, size_t *out_len)
{
	if (scheme > SIGN_ED25519 || kinds_of_key[k->type].sign[scheme] == nullptr)
		return ERR_UNSUPPORTED;
	if (digest_len > 512)
		return ERR_RANGE;
	word32 len = KEY_SIGNATURE_MAX;
	TRY(kinds_of_key[k->type].sign[scheme](inner_of(k), hash, digest, (word32)digest_len, out, &len));
	*out_len = len;
	return ERR_OK;
}
