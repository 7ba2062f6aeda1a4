/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/sso.h"

#include <string.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/hmac.h>

#include "base/encode.h"

const char SSO_PATH_LOGIN[] = "/+CSCOE+/saml/sp/login";
const char SSO_PATH_RETURN[] = "/sso/callback";
const char SSO_PATH_FINAL[] = "/+CSCOE+/saml_ac_login.html";
const char SSO_COOKIE_TOKEN[] = "acSamlv2Token";
const char SSO_COOKIE_ERROR[] = "acSamlv2Error";
const char SSO_COOKIE_BROWSER[] = "__Host-ocsso";

constexpr size_t PAIRS_MAX = 64;

/* {{ query }} */

enum err sso_id_parse(uint8_t out[SSO_ID_LEN], struct slice hex)
{
	size_t n = 0;
	if (hex.n != SSO_HEX)
		return ERR_SYNTAX;
	return encode_from_hex(hex.p, hex.n, out, SSO_ID_LEN, &n);
}

void sso_query_wipe(struct sso_query *q)
{
	explicit_bzero(q, sizeof *q);
}

static enum err take_id(bool *has, uint8_t out[SSO_ID_LEN], struct slice value)
{
	if (*has)
		return ERR_PROTO;
	TRY(sso_id_parse(out, value));
	*has = true;
	return ERR_OK;
}

static enum err take_text(char *out, size_t cap, struct slice value)
{
	return out[0] == '\0' ? text_percent_decode(out, cap, value, true) : ERR_PROTO;
}

static enum err take_pair(struct sso_query *out, struct slice name, struct slice value)
{
	if (text_is(name, "id"))
		return take_id(&out->has_id, out->id, value);
	if (text_is(name, "state"))
		return take_id(&out->has_state, out->state, value);
	if (text_is(name, "code"))
		return take_text(out->code, sizeof out->code, value);
	if (text_is(name, "error"))
		return take_text(out->error, sizeof out->error, value);
	return ERR_OK;
}

static enum err take_field(struct sso_query *out, struct slice name, struct slice value)
{
	if (text_is(name, "RelayState"))
		return take_id(&out->has_state, out->state, value);
	if (!text_is(name, "SAMLResponse"))
		return ERR_OK;
	if (out->saml.p != nullptr || value.n == 0)
		return ERR_PROTO;
	out->saml = value;
	return ERR_OK;
}

typedef enum err taker(struct sso_query *out, struct slice name, struct slice value);

static enum err parse(struct sso_query *out, struct slice query, taker *take)
{
	enum err e = ERR_OK;
	size_t n = 0;
	*out = (struct sso_query){};
	for (auto pair = text_next_word(&query, '&'); pair.p != nullptr && e == ERR_OK; n++) {
		auto name = text_next_word(&pair, '=');
		e = n < PAIRS_MAX ? take(out, name, pair) : ERR_RANGE;
		pair = text_next_word(&query, '&');
	}
	if (e != ERR_OK)
		sso_query_wipe(out);
	return e;
}

enum err sso_query_parse(struct sso_query *out, struct slice query)
{
	return parse(out, query, take_pair);
}

enum err sso_form_parse(struct sso_query *out, struct slice body)
{
	return parse(out, body, take_field);
}

/* {{ the sealed token }} */

constexpr size_t DER_LEN = 91, POINT_LEN = 65, Z_LEN = 32, IV_LEN = 12, TAG_LEN = 16, TAG_SENT_LEN = 12;
constexpr size_t TOKEN_MAX = 128;
constexpr size_t BLOB_MAX = 2 + 4 * 4 + DER_LEN + TAG_SENT_LEN + TOKEN_MAX + IV_LEN;
enum blob_part : uint16_t { BLOB_KEY = 1, BLOB_TAG, BLOB_TEXT, BLOB_IV };
constexpr uint16_t BLOB_VERSION = 1;
constexpr char LABEL[] = "AC_ECIES";

/* SubjectPublicKeyInfo of an uncompressed point of P-256, up to that point. */
static const uint8_t der_head[DER_LEN - POINT_LEN] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
						       0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
						       0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

struct sealed {
	uint8_t point[POINT_LEN]; /* our key of this one token */
	uint8_t iv[IV_LEN];
	uint8_t tag[TAG_LEN];
	uint8_t text[TOKEN_MAX];
	size_t len;
};

/* What the client gets from the same two keys; z is wiped by the caller. */
static enum err agree(struct sealed *out, uint8_t z[Z_LEN], const uint8_t key[SSO_KEY_LEN], WC_RNG *rng)
{
	ecc_key ours, theirs;
	uint8_t point[POINT_LEN] = { 0x04 };
	word32 point_len = POINT_LEN, z_len = Z_LEN;
	memcpy(point + 1, key, SSO_KEY_LEN);
	if (wc_ecc_init(&ours) != 0)
		return ERR_CRYPTO;
	if (wc_ecc_init(&theirs) != 0) {
		wc_ecc_free(&ours);
		return ERR_CRYPTO;
	}
	/* a point that is not on the curve would give our key away, if it were used again */
	bool ok = wc_ecc_import_x963_ex(point, sizeof point, &theirs, ECC_SECP256R1) == 0 &&
		  wc_ecc_check_key(&theirs) == 0 && wc_ecc_make_key_ex(rng, 32, &ours, ECC_SECP256R1) == 0 &&
		  wc_ecc_set_rng(&ours, rng) == 0 && wc_ecc_shared_secret(&ours, &theirs, z, &z_len) == 0 &&
		  wc_ecc_export_x963(&ours, out->point, &point_len) == 0 && z_len == Z_LEN &&
		  point_len == POINT_LEN;
	wc_ecc_free(&theirs);
	wc_ecc_free(&ours);
	return ok ? ERR_OK : ERR_CRYPTO;
}

static enum err encrypt(struct sealed *out, const uint8_t z[Z_LEN], const char *token)
{
	Aes aes;
	uint8_t key[32];
	bool ok = wc_HKDF(WC_SHA256, z, Z_LEN, nullptr, 0, (const byte *)LABEL, sizeof LABEL - 1, key,
			  sizeof key) == 0 &&
		  wc_AesInit(&aes, nullptr, INVALID_DEVID) == 0;
	if (!ok)
		return ERR_CRYPTO;
	out->len = strlen(token);
	ok = wc_AesGcmSetKey(&aes, key, sizeof key) == 0 &&
	     wc_AesGcmEncrypt(&aes, out->text, (const byte *)token, (word32)out->len, out->iv, IV_LEN,
			      out->tag, TAG_LEN, nullptr, 0) == 0;
	wc_AesFree(&aes);
	explicit_bzero(key, sizeof key);
	return ok ? ERR_OK : ERR_CRYPTO;
}

static void emit_part(struct writer *w, enum blob_part part, const uint8_t *head, size_t head_len,
		      const uint8_t *bytes, size_t len)
{
	writer_u16be(w, part);
	writer_u16be(w, (uint16_t)(head_len + len));
	writer_put(w, head, head_len);
	writer_put(w, bytes, len);
}

static void emit_blob(struct writer *w, const struct sealed *s)
{
	writer_u16be(w, BLOB_VERSION);
	emit_part(w, BLOB_KEY, der_head, sizeof der_head, s->point, POINT_LEN);
	emit_part(w, BLOB_TAG, nullptr, 0, s->tag, TAG_SENT_LEN);
	emit_part(w, BLOB_TEXT, nullptr, 0, s->text, s->len);
	emit_part(w, BLOB_IV, nullptr, 0, s->iv, IV_LEN);
}

enum err sso_emit_local(struct writer *w, const char *token, const uint8_t key[SSO_KEY_LEN], const char *back,
			WC_RNG *rng)
{
	struct sealed s = {};
	uint8_t z[Z_LEN], blob[BLOB_MAX];
	char text[ENCODE_BASE64_LEN(BLOB_MAX) + 1];
	size_t n = 0;
	if (strlen(token) > TOKEN_MAX)
		return ERR_RANGE;
	enum err e = wc_RNG_GenerateBlock(rng, s.iv, IV_LEN) == 0 ? agree(&s, z, key, rng) : ERR_CRYPTO;
	if (e == ERR_OK)
		e = encrypt(&s, z, token);
	explicit_bzero(z, sizeof z);
	TRY(e);
	struct writer b = writer_of(blob, sizeof blob);
	emit_blob(&b, &s);
	TRY(encode_to_base64(blob, b.len, text, sizeof text - 1, &n));
	text[n] = '\0';
	writer_str(w, "http://localhost:29786/api/sso/");
	text_emit_percent(w, text);
	writer_str(w, "?return=");
	text_emit_percent(w, back);
	return writer_ok(w) && writer_ok(&b) ? ERR_OK : ERR_RANGE;
}
