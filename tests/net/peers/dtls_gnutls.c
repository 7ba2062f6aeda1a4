/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dtls_gnutls - a client of faked resumption on GnuTLS, as Debian's openconnect is; see peer.h */
#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>

#include "peer.h"

struct suite {
	const char *name, *priority;
	gnutls_kx_algorithm_t kx;
	gnutls_cipher_algorithm_t cipher;
	gnutls_mac_algorithm_t mac;
};

#define GCM(kx) "+COMP-NULL:+AEAD:+SIGN-ALL:+GROUP-ALL:+" kx ":%COMPAT"
#define CBC(kx) "+COMP-NULL:+SHA1:+SIGN-ALL:+GROUP-ALL:+" kx ":%COMPAT"

static const struct suite suites[] = {
	{ "AES128-GCM-SHA256", "+AES-128-GCM:" GCM("RSA"), GNUTLS_KX_RSA, GNUTLS_CIPHER_AES_128_GCM,
	  GNUTLS_MAC_AEAD },
	{ "AES256-GCM-SHA384", "+AES-256-GCM:" GCM("RSA"), GNUTLS_KX_RSA, GNUTLS_CIPHER_AES_256_GCM,
	  GNUTLS_MAC_AEAD },
	{ "ECDHE-RSA-AES128-GCM-SHA256", "+AES-128-GCM:" GCM("ECDHE-RSA"), GNUTLS_KX_ECDHE_RSA,
	  GNUTLS_CIPHER_AES_128_GCM, GNUTLS_MAC_AEAD },
	{ "ECDHE-RSA-AES256-GCM-SHA384", "+AES-256-GCM:" GCM("ECDHE-RSA"), GNUTLS_KX_ECDHE_RSA,
	  GNUTLS_CIPHER_AES_256_GCM, GNUTLS_MAC_AEAD },
	{ "ECDHE-ECDSA-AES128-GCM-SHA256", "+AES-128-GCM:" GCM("ECDHE-ECDSA"), GNUTLS_KX_ECDHE_ECDSA,
	  GNUTLS_CIPHER_AES_128_GCM, GNUTLS_MAC_AEAD },
	{ "ECDHE-ECDSA-AES256-GCM-SHA384", "+AES-256-GCM:" GCM("ECDHE-ECDSA"), GNUTLS_KX_ECDHE_ECDSA,
	  GNUTLS_CIPHER_AES_256_GCM, GNUTLS_MAC_AEAD },
	{ "DHE-RSA-AES128-GCM-SHA256", "+AES-128-GCM:" GCM("DHE-RSA"), GNUTLS_KX_DHE_RSA,
	  GNUTLS_CIPHER_AES_128_GCM, GNUTLS_MAC_AEAD },
	{ "DHE-RSA-AES256-GCM-SHA384", "+AES-256-GCM:" GCM("DHE-RSA"), GNUTLS_KX_DHE_RSA,
	  GNUTLS_CIPHER_AES_256_GCM, GNUTLS_MAC_AEAD },
	{ "DHE-RSA-AES256-SHA", "+AES-256-CBC:" CBC("DHE-RSA"), GNUTLS_KX_DHE_RSA, GNUTLS_CIPHER_AES_256_CBC,
	  GNUTLS_MAC_SHA1 },
	{ "DHE-RSA-AES128-SHA", "+AES-128-CBC:" CBC("DHE-RSA"), GNUTLS_KX_DHE_RSA, GNUTLS_CIPHER_AES_128_CBC,
	  GNUTLS_MAC_SHA1 },
	{ "AES256-SHA", "+AES-256-CBC:" CBC("RSA"), GNUTLS_KX_RSA, GNUTLS_CIPHER_AES_256_CBC,
	  GNUTLS_MAC_SHA1 },
	{ "AES128-SHA", "+AES-128-CBC:" CBC("RSA"), GNUTLS_KX_RSA, GNUTLS_CIPHER_AES_128_CBC,
	  GNUTLS_MAC_SHA1 },
};

static const struct suite *suite_of(const char *name)
{
	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
		if (strcmp(suites[i].name, name) == 0)
			return &suites[i];
	peer_die("no such suite", name);
}

static void must(int result, const char *what)
{
	if (result < 0)
		peer_die(what, gnutls_strerror(result));
}

void *peer_handshake(const struct peer *p)
{
	const struct suite *s = suite_of(p->suite);
	gnutls_session_t session;
	gnutls_certificate_credentials_t nobody;
	char priority[256];
	snprintf(priority, sizeof priority, "NONE:+VERS-DTLS%s:%s", p->is_old ? "0.9" : "1.2", s->priority);
	gnutls_datum_t master = { (unsigned char *)(uintptr_t)p->master, sizeof p->master };
	gnutls_datum_t id = { (unsigned char *)(uintptr_t)p->id, sizeof p->id };
	must(gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_DATAGRAM), "init");
	must(gnutls_priority_set_direct(session, priority, nullptr), priority);
	must(gnutls_certificate_allocate_credentials(&nobody), "credentials");
	must(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, nobody), "credentials");
	must(gnutls_session_set_premaster(session, GNUTLS_CLIENT, p->is_old ? GNUTLS_DTLS0_9 : GNUTLS_DTLS1_2,
					  s->kx, s->cipher, s->mac, GNUTLS_COMP_NULL, &master, &id),
	     "no session");
	gnutls_transport_set_int(session, p->fd);
	gnutls_dtls_set_mtu(session, 1500);
	gnutls_dtls_set_timeouts(session, 400, 20000);
	int result;
	do
		result = gnutls_handshake(session);
	while (result < 0 && gnutls_error_is_fatal(result) == 0);
	must(result, "handshake");
	if (gnutls_session_is_resumed(session) == 0)
		peer_die("not resumed", nullptr);
	printf("up %s\n", gnutls_session_get_desc(session));
	return session;
}

int peer_send(void *session, const void *p, size_t n)
{
	return (int)gnutls_record_send(session, p, n);
}

int peer_receive(void *session, void *p, size_t cap)
{
	return (int)gnutls_record_recv(session, p, cap);
}

int main(int argc, char **argv)
{
	return peer_run(argc, argv);
}
