/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dtls_openssl - a client of faked resumption on OpenSSL, as Cisco's own is; see peer.h */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "peer.h"

static const SSL_CIPHER *cipher_of(SSL *ssl, const char *name)
{
	STACK_OF(SSL_CIPHER) *all = SSL_get_ciphers(ssl);
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++)
		if (strcmp(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i)), name) == 0)
			return sk_SSL_CIPHER_value(all, i);
	peer_die("OpenSSL has no such suite", name);
}

static void pretend(SSL *ssl, const struct peer *p, int version)
{
	SSL_SESSION *s = SSL_SESSION_new();
	if (s == nullptr || SSL_SESSION_set_protocol_version(s, version) != 1 ||
	    SSL_SESSION_set1_master_key(s, p->master, sizeof p->master) != 1 ||
	    SSL_SESSION_set1_id(s, p->id, sizeof p->id) != 1 ||
	    SSL_SESSION_set_cipher(s, cipher_of(ssl, p->suite)) != 1 || SSL_set_session(ssl, s) != 1)
		peer_die("no session", ERR_error_string(ERR_get_error(), nullptr));
	SSL_SESSION_free(s);
}

static SSL *make(const struct peer *p)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
	int version = p->is_old ? DTLS1_BAD_VER : DTLS1_2_VERSION;
	char list[128];
	snprintf(list, sizeof list, "%s:@SECLEVEL=0", p->suite);
	if (ctx == nullptr || SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, version) != 1 || SSL_CTX_set_cipher_list(ctx, list) != 1)
		peer_die("no context", ERR_error_string(ERR_get_error(), nullptr));
	if (p->is_old) /* nobody spoke of RFC 5746 then */
		SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL *ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	BIO *bio = BIO_new_dgram(p->fd, BIO_NOCLOSE);
	struct sockaddr_storage to;
	socklen_t len = sizeof to;
	getpeername(p->fd, (struct sockaddr *)&to, &len);
	if (ssl == nullptr || bio == nullptr)
		peer_die("no memory", nullptr);
	BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &to);
	SSL_set_bio(ssl, bio, bio);
	pretend(ssl, p, version);
	return ssl;
}

void *peer_handshake(const struct peer *p)
{
	SSL *ssl = make(p);
	int result = SSL_connect(ssl);
	if (result != 1)
		peer_die("handshake", ERR_error_string(ERR_get_error(), nullptr));
	if (SSL_session_reused(ssl) != 1)
		peer_die("not resumed", nullptr);
	printf("up %s %s\n", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
	return ssl;
}

int peer_send(void *session, const void *p, size_t n)
{
	return SSL_write(session, p, (int)n);
}

int peer_receive(void *session, void *p, size_t cap)
{
	return SSL_read(session, p, (int)cap);
}

int main(int argc, char **argv)
{
	return peer_run(argc, argv);
}
