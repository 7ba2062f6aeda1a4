/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cert_gate and tls_peer: certificates and lists of openssl(1) in certs/, which do not expire but for late.der */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keeper/cert_gate.h"
#include "worker/tls_peer.h"

#define TEST(module, what) static void module##_##what(void **)

static char uid[] = "0.9.2342.19200300.100.1.1", ou[] = "2.5.4.11", mail[] = "SAN(rfc822name)",
	    list[] = "/crl";

struct bytes {
	uint8_t p[4096];
	size_t len;
};

static struct bytes load(const char *name)
{
	struct bytes b;
	char path[512];
	snprintf(path, sizeof path, "%s/unit/certs/%s", TEST_DATA_DIR, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	b.len = fread(b.p, 1, sizeof b.p, f);
	fclose(f);
	assert_in_range(b.len, 1, sizeof b.p - 1);
	return b;
}

static struct cert_gate gate_of(char *user, char *group, bool with_crl)
{
	struct cert_gate g = {};
	const struct vhost v = { .cert_user_oid = user,
				 .cert_group_oid = group,
				 .crl = with_crl ? list : nullptr };
	const struct bytes ca = load("ca.pem");
	const char *problem;
	assert_int_equal(cert_gate_init(&g, &v, ca.p, ca.len, &problem), ERR_OK);
	return g;
}

static enum err judge(const struct cert_gate *g, const char *file, struct cert_claim *out)
{
	const struct bytes b = load(file);
	return cert_gate_judge(g, b.p, b.len, out);
}

static void is_refused(const struct cert_gate *g, const char *file, const char *why)
{
	struct cert_claim c;
	assert_int_equal(judge(g, file, &c), ERR_DENIED);
	assert_string_equal(c.why, why);
}

TEST(gate, names_user_and_groups)
{
	struct cert_gate g OWNED(cert_gate_fini) = gate_of(uid, ou, false);
	struct cert_claim c;
	assert_int_equal(judge(&g, "alice.der", &c), ERR_OK);
	assert_string_equal(c.user, "alice");
	assert_int_equal(c.groups_n, 2);
	assert_string_equal(c.groups[0], "staff");
	assert_string_equal(c.groups[1], "admins");
}

TEST(gate, names_the_user_by_mail)
{
	struct cert_gate g OWNED(cert_gate_fini) = gate_of(mail, nullptr, false);
	struct cert_claim c;
	assert_int_equal(judge(&g, "alice.der", &c), ERR_OK);
	assert_string_equal(c.user, "alice@example.test");
	assert_int_equal(c.groups_n, 0);
	is_refused(&g, "bob.der", "the certificate has no e-mail address, as cert-user-oid wants it");
	is_refused(&g, "twice.der", "the certificate names several users");
}

TEST(gate, what_is_missing_is_a_refusal)
{
	static char title[] = "2.5.4.12";
	struct cert_gate g OWNED(cert_gate_fini) = gate_of(title, nullptr, false);
	is_refused(&g, "alice.der", "the certificate has no field of cert-user-oid");
	struct cert_gate grouped OWNED(cert_gate_fini) = gate_of(uid, ou, false);
	is_refused(&grouped, "bob.der", "the certificate has no field of cert-group-oid");
	is_refused(&grouped, "twice.der", "the certificate names several users");
}

TEST(gate, what_does_not_verify_is_refused)
{
	struct cert_gate g OWNED(cert_gate_fini) = gate_of(uid, nullptr, false);
	struct cert_claim c;
	is_refused(&g, "late.der", "the certificate has expired");
	struct bytes b = load("alice.der");
	b.p[b.len - 1] ^= 1; /* in the signature */
	assert_int_equal(cert_gate_judge(&g, b.p, b.len, &c), ERR_DENIED);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(cert_gate_judge(&g, b.p, n, &c), ERR_DENIED);
	const struct bytes other = load("ca2.pem");
	const struct vhost v = { .cert_user_oid = uid };
	struct cert_gate strict OWNED(cert_gate_fini) = {};
	const char *problem;
	assert_int_equal(cert_gate_init(&strict, &v, other.p, other.len, &problem), ERR_OK);
	is_refused(&strict, "alice.der", "no authority of ca-cert has signed the certificate");
	const struct cert_gate closed = {};
	is_refused(&closed, "alice.der", "no certificate is asked for here");
}

TEST(gate, revoked)
{
	struct cert_gate g OWNED(cert_gate_fini) = gate_of(uid, nullptr, true);
	struct cert_claim c;
	const char *problem;
	is_refused(&g, "bob.der", "crl could not be read");
	struct bytes b = load("empty.crl.pem");
	assert_int_equal(cert_gate_set_crl(&g, b.p, b.len, &problem), ERR_OK);
	assert_int_equal(judge(&g, "bob.der", &c), ERR_OK);
	static const char *const forms[] = { "bob.crl.pem", "bob.crl.der" };
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		b = load("empty.crl.pem");
		assert_int_equal(cert_gate_set_crl(&g, b.p, b.len, &problem), ERR_OK);
		b = load(forms[i]);
		assert_int_equal(cert_gate_set_crl(&g, b.p, b.len, &problem), ERR_OK);
		is_refused(&g, "bob.der", "the certificate is revoked");
		assert_int_equal(judge(&g, "alice.der", &c), ERR_OK);
	}
}

TEST(gate, a_bad_list_leaves_the_last_good_one)
{
	struct cert_gate g OWNED(cert_gate_fini) = gate_of(uid, nullptr, true);
	const char *problem;
	const struct bytes good = load("bob.crl.pem"), other = load("other.crl.pem");
	assert_int_equal(cert_gate_set_crl(&g, good.p, good.len, &problem), ERR_OK);
	assert_int_equal(cert_gate_set_crl(&g, other.p, other.len, &problem), ERR_CONFIG);
	assert_string_equal(problem, "crl: a list is not signed by an authority of ca-cert");
	struct bytes b = load("bob.crl.der");
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(cert_gate_set_crl(&g, b.p, n, &problem), ERR_CONFIG);
	b.p[b.len - 1] ^= 1;
	assert_int_equal(cert_gate_set_crl(&g, b.p, b.len, &problem), ERR_CONFIG);
	b = load("ca.pem"); /* a PEM, but no list */
	assert_int_equal(cert_gate_set_crl(&g, b.p, b.len, &problem), ERR_CONFIG);
	is_refused(&g, "bob.der", "the certificate is revoked");
}

TEST(gate, options_that_are_wrong)
{
	static char cn[] = "CN", san[] = "SAN(dnsname)", empty[] = "";
	char *const bad[] = { cn, san, empty };
	struct cert_gate g = {};
	const struct bytes ca = load("ca.pem");
	const char *problem;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct vhost user = { .cert_user_oid = bad[i] };
		assert_int_equal(cert_gate_init(&g, &user, ca.p, ca.len, &problem), ERR_CONFIG);
		assert_non_null(strstr(problem, "cert-user-oid"));
		const struct vhost group = { .cert_user_oid = uid, .cert_group_oid = bad[i] };
		assert_int_equal(cert_gate_init(&g, &group, ca.p, ca.len, &problem), ERR_CONFIG);
		assert_non_null(strstr(problem, "cert-group-oid"));
	}
	const struct vhost v = { .cert_user_oid = uid };
	assert_int_equal(cert_gate_init(&g, &v, ca.p, 0, &problem), ERR_CONFIG);
	assert_int_equal(cert_gate_init(&g, &v, ca.p, ca.len / 2, &problem), ERR_CONFIG);
	assert_int_equal(cert_gate_init(&g, &v, ca.p, CERT_GATE_CA_MAX + 1, &problem), ERR_CONFIG);
	assert_null(g.ca);
}

TEST(peer, judges_what_a_client_shows)
{
	static const struct {
		const char *file, *why; /* nullptr: good */
	} rows[] = { { "alice.der", nullptr },
		     { "bob.der", nullptr },
		     { "late.der", "the certificate has expired" },
		     { "server.der", "the certificate is not made for clients" },
		     { "nosign.der", "the certificate is not made for signatures" } };
	struct tls_peer_ca *ca = nullptr, *other = nullptr;
	const struct bytes pem = load("ca.pem"), pem2 = load("ca2.pem");
	assert_int_equal(tls_peer_ca_new(&ca, pem.p, pem.len), ERR_OK);
	assert_int_equal(tls_peer_ca_new(&other, pem2.p, pem2.len), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes b = load(rows[i].file);
		const WOLFSSL_BUFFER_INFO cert = { .buffer = b.p, .length = (unsigned)b.len };
		const char *why = nullptr;
		assert_int_equal(tls_peer_judge(ca, &cert, &why),
				 rows[i].why == nullptr ? ERR_OK : ERR_DENIED);
		if (rows[i].why != nullptr)
			assert_string_equal(why, rows[i].why);
		assert_int_equal(tls_peer_judge(other, &cert, &why), ERR_DENIED);
	}
	struct bytes b = load("alice.der");
	const char *why;
	for (size_t n = 0; n < b.len; n++) {
		const WOLFSSL_BUFFER_INFO part = { .buffer = b.p, .length = (unsigned)n };
		assert_int_equal(tls_peer_judge(ca, &part, &why), ERR_DENIED);
	}
	tls_peer_ca_free(ca);
	tls_peer_ca_free(other);
	ca = nullptr;
	assert_int_equal(tls_peer_ca_new(&ca, pem.p, pem.len / 2), ERR_SYNTAX);
	assert_null(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gate_names_user_and_groups),
		cmocka_unit_test(gate_names_the_user_by_mail),
		cmocka_unit_test(gate_what_is_missing_is_a_refusal),
		cmocka_unit_test(gate_what_does_not_verify_is_refused),
		cmocka_unit_test(gate_revoked),
		cmocka_unit_test(gate_a_bad_list_leaves_the_last_good_one),
		cmocka_unit_test(gate_options_that_are_wrong),
		cmocka_unit_test(peer_judges_what_a_client_shows),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
