/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/hello13.h"

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "base/buf.h"

static const char DIGITS[] = "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100";

/* What a hello is made of; the default is a good one. */
struct recipe {
	uint16_t suites[4], versions[3];
	size_t suites_n, versions_n;
	const char *identity;
	size_t identity_len;
	size_t identities_n, binders_n, binder_len;
	size_t session_id_len;
	bool no_psk, no_versions, psk_first, fragment;
	int extra_in_psk; /* bytes behind the binders */
	int extra_behind; /* bytes behind the extensions */
};

static const struct recipe good = { .suites = { 0x1301, 0x1303 },
				    .suites_n = 2,
				    .versions = { 0xfefc },
				    .versions_n = 1,
				    .identity = DIGITS,
				    .identity_len = 64,
				    .identities_n = 1,
				    .binders_n = 1,
				    .binder_len = 32 };

static void put_zeros(struct writer *w, size_t n)
{
	while (n-- > 0)
		writer_u8(w, 0);
}

/* Room for a length of two bytes, which close_vector fills in. */
static size_t open_vector(struct writer *w)
{
	writer_u16be(w, 0);
	return w->len;
}

static void close_vector(struct writer *w, size_t from)
{
	size_t n = w->len - from;
	w->start[from - 2] = (uint8_t)(n >> 8);
	w->start[from - 1] = (uint8_t)n;
}

static void put_versions(struct writer *w, const struct recipe *r)
{
	writer_u16be(w, 43);
	size_t ext = open_vector(w);
	writer_u8(w, (uint8_t)(2 * r->versions_n));
	for (size_t i = 0; i < r->versions_n; i++)
		writer_u16be(w, r->versions[i]);
	close_vector(w, ext);
}

static void put_psk(struct writer *w, const struct recipe *r)
{
	writer_u16be(w, 41);
	size_t ext = open_vector(w), list = open_vector(w);
	for (size_t i = 0; i < r->identities_n; i++) {
		writer_u16be(w, (uint16_t)r->identity_len);
		writer_put(w, r->identity, r->identity_len);
		put_zeros(w, 4);
	}
	close_vector(w, list);
	list = open_vector(w);
	for (size_t i = 0; i < r->binders_n; i++) {
		writer_u8(w, (uint8_t)r->binder_len);
		put_zeros(w, r->binder_len);
	}
	close_vector(w, list);
	put_zeros(w, (size_t)r->extra_in_psk);
	close_vector(w, ext);
}

static size_t build(uint8_t *out, size_t cap, const struct recipe *r)
{
	struct writer w = writer_of(out, cap);
	writer_put(&w, "\x16\xfe\xfd\0\0\0\0\0\0\0\0", 11);
	size_t record = open_vector(&w);
	writer_put(&w, "\1\0\0\0\0\0\0\0\0\0\0\0", 12);
	writer_u16be(&w, 0xfefd);
	for (uint8_t i = 0; i < 32; i++)
		writer_u8(&w, i);
	writer_u8(&w, (uint8_t)r->session_id_len);
	put_zeros(&w, r->session_id_len);
	writer_u8(&w, 0); /* cookie */
	size_t list = open_vector(&w);
	for (size_t i = 0; i < r->suites_n; i++)
		writer_u16be(&w, r->suites[i]);
	close_vector(&w, list);
	writer_u16be(&w, 0x0100); /* compression: none */
	size_t extensions = open_vector(&w);
	if (r->psk_first)
		put_psk(&w, r);
	if (!r->no_versions)
		put_versions(&w, r);
	writer_put(&w, "\0\x2d\0\2\1\1", 6); /* psk_key_exchange_modes */
	if (!r->no_psk && !r->psk_first)
		put_psk(&w, r);
	close_vector(&w, extensions);
	put_zeros(&w, (size_t)r->extra_behind);
	size_t body_len = w.len - record - 12;
	close_vector(&w, record);
	out[record + 2] = out[record + 10] = (uint8_t)(body_len >> 8);
	out[record + 3] = out[record + 11] = (uint8_t)body_len;
	if (r->fragment)
		out[record + 3]++;
	assert_true(writer_ok(&w));
	return w.len;
}

/* In a heap block of exactly that size; an answer is written only on success. */
static enum err parse(const uint8_t *p, size_t n, struct hello13 *out)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	memcpy(copy, p, n);
	struct hello13 before = { .app_id = { 0x5a } };
	*out = before;
	enum err e = hello13_parse(copy, n, out);
	if (e != ERR_OK)
		assert_memory_equal(out, &before, sizeof before);
	free(copy);
	return e;
}

static enum err parse_recipe(const struct recipe *r, struct hello13 *out)
{
	uint8_t bytes[2048];
	return parse(bytes, build(bytes, sizeof bytes, r), out);
}

static void check_id(const struct hello13 *h)
{
	for (size_t i = 0; i < 16; i++) {
		assert_int_equal(h->app_id[i], 0x11 * i);
		assert_int_equal(h->app_id[31 - i], 0x11 * i);
	}
}

static void a_good_hello_names_its_session(void **)
{
	struct hello13 h;
	assert_int_equal(parse_recipe(&good, &h), ERR_OK);
	assert_true(h.has_aes128 && h.has_chacha20);
	check_id(&h);
	struct recipe r = good;
	r.suites[0] = 0x1302;
	r.suites_n = 1;
	r.versions[0] = 0xfefd;
	r.versions[1] = 0xfefc;
	r.versions_n = 2;
	r.binder_len = 48;
	r.session_id_len = 32; /* of an older session: harmless */
	assert_int_equal(parse_recipe(&r, &h), ERR_OK);
	assert_false(h.has_aes128 || h.has_chacha20);
}

static void other_hellos_are_refused(void **)
{
	static const struct {
		const char *name;
		struct recipe change; /* fields that are set replace those of the good one */
		enum err verdict;
	} rows[] = {
		{ "no key", { .no_psk = true }, ERR_UNSUPPORTED },
		{ "no list of versions", { .no_versions = true }, ERR_UNSUPPORTED },
		{ "only DTLS 1.2", { .versions = { 0xfefd }, .versions_n = 1 }, ERR_UNSUPPORTED },
		{ "two keys", { .identities_n = 2, .binders_n = 2 }, ERR_UNSUPPORTED },
		{ "two keys, one binder", { .identities_n = 2 }, ERR_UNSUPPORTED },
		{ "two binders", { .binders_n = 2 }, ERR_UNSUPPORTED },
		{ "short identity", { .identity_len = 62 }, ERR_UNSUPPORTED },
		{ "no digit",
		  { .identity = "0011223344556677x899aabbccddeeffFFEEDDCCBBAA99887766554433221100" },
		  ERR_UNSUPPORTED },
		{ "short binder", { .binder_len = 31 }, ERR_PROTO },
		{ "bytes behind the binders", { .extra_in_psk = 1 }, ERR_PROTO },
		{ "bytes behind the extensions", { .extra_behind = 1 }, ERR_PROTO },
		{ "the key is not the last extension", { .psk_first = true }, ERR_PROTO },
		{ "a fragment", { .fragment = true }, ERR_PROTO },
		{ "session id too long", { .session_id_len = 33 }, ERR_PROTO },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct recipe r = rows[i].change;
		struct hello13 h;
		if (r.versions_n == 0)
			r.versions_n = good.versions_n, r.versions[0] = good.versions[0];
		r.suites_n = good.suites_n;
		memcpy(r.suites, good.suites, sizeof r.suites);
		r.identity = r.identity != nullptr ? r.identity : good.identity;
		r.identity_len = r.identity_len > 0 ? r.identity_len : good.identity_len;
		r.identities_n = r.identities_n > 0 ? r.identities_n : 1;
		r.binders_n = r.binders_n > 0 ? r.binders_n : 1;
		r.binder_len = r.binder_len > 0 ? r.binder_len : good.binder_len;
		enum err e = parse_recipe(&r, &h);
		if (e != rows[i].verdict)
			fail_msg("%s: %s", rows[i].name, err_text(e));
	}
	struct recipe none = good;
	struct hello13 h;
	none.suites_n = 0;
	assert_int_equal(parse_recipe(&none, &h), ERR_PROTO);
	none = good;
	none.versions_n = 0;
	assert_int_equal(parse_recipe(&none, &h), ERR_PROTO);
	none = good;
	none.identities_n = none.binders_n = 0;
	assert_int_equal(parse_recipe(&none, &h), ERR_PROTO);
}

static void every_cut_is_refused(void **)
{
	uint8_t bytes[2048];
	struct hello13 h;
	size_t n = build(bytes, sizeof bytes, &good);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_not_equal(parse(bytes, cut, &h), ERR_OK);
	/* and with the lengths of record and message that agree */
	for (size_t cut = 26; cut < n; cut++) {
		size_t len = cut - 25;
		bytes[11] = (uint8_t)((len + 12) >> 8);
		bytes[12] = (uint8_t)(len + 12);
		bytes[15] = bytes[23] = (uint8_t)(len >> 8);
		bytes[16] = bytes[24] = (uint8_t)len;
		assert_int_equal(parse(bytes, cut, &h), ERR_PROTO);
	}
}

/* Lengths inside that do not agree: no byte is read twice or beyond; identity and App-ID are one. */
static void no_changed_length_confuses(void **)
{
	uint8_t bytes[2048];
	struct hello13 h;
	size_t n = build(bytes, sizeof bytes, &good);
	for (size_t at = 13; at < n; at++) {
		for (unsigned v = 0; v < 256; v++) {
			uint8_t before = bytes[at];
			bytes[at] = (uint8_t)v;
			if (parse(bytes, n, &h) == ERR_OK && (at < n - 39 - 64 || at >= n - 39))
				check_id(&h);
			bytes[at] = before;
		}
	}
}

/* {{ the hello of a real client }} */

static uint8_t sent[2048];
static size_t sent_len;

static int push(WOLFSSL *, char *p, int n, void *)
{
	memcpy(sent, p, (size_t)n);
	sent_len = (size_t)n;
	return n;
}

static int pull(WOLFSSL *, char *, int, void *)
{
	return WOLFSSL_CBIO_ERR_WANT_READ;
}

static unsigned give_psk(WOLFSSL *, const char *, char *identity, unsigned, unsigned char *key, unsigned,
			 const char **suite)
{
	memcpy(identity, DIGITS, sizeof DIGITS);
	memset(key, 1, 32);
	*suite = "TLS13-AES128-GCM-SHA256";
	return 32;
}

static void the_library_s_hello_is_understood(void **)
{
	assert_int_equal(wolfSSL_Init(), WOLFSSL_SUCCESS);
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfDTLSv1_3_client_method());
	wolfSSL_CTX_set_psk_client_tls13_callback(ctx, give_psk);
	wolfSSL_CTX_SetIORecv(ctx, pull);
	wolfSSL_CTX_SetIOSend(ctx, push);
	WOLFSSL *ssl = wolfSSL_new(ctx);
	wolfSSL_dtls_set_using_nonblock(ssl, 1);
	assert_int_equal(wolfSSL_dtls_cid_use(ssl), WOLFSSL_SUCCESS);
	assert_int_equal(wolfSSL_CTX_set_cipher_list(ctx, "TLS13-AES128-GCM-SHA256"), WOLFSSL_SUCCESS);
	assert_int_not_equal(wolfSSL_connect(ssl), WOLFSSL_SUCCESS);
	struct hello13 h;
	assert_int_equal(parse(sent, sent_len, &h), ERR_OK);
	assert_true(h.has_aes128);
	check_id(&h);
	/* where the steering program looks for it */
	assert_memory_equal(sent + sent_len - 39 - 64, DIGITS, 64);
	assert_int_equal(sent[59], 0);
	wolfSSL_free(ssl);
	wolfSSL_CTX_free(ctx);
	wolfSSL_Cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_hello_names_its_session),
		cmocka_unit_test(other_hellos_are_refused),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(no_changed_length_confuses),
		cmocka_unit_test(the_library_s_hello_is_understood),
	};
	return cmocka_run_group_tests_name("hello13", tests, nullptr, nullptr);
}
