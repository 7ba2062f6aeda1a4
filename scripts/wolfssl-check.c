/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wolfssl-check - does this wolfSSL have what the server needs, at hardware speed?
 *
 * Compiled, linked and run by wolfssl.sh. Exit 0: take it. Anything else: build our own.
 * Prints one line saying why not. Every function the product cannot do without is named here.
 */
#define _GNU_SOURCE
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/kdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if LIBWOLFSSL_VERSION_HEX < 0x05008002
#error "wolfSSL older than 5.8.2"
#endif
#if !defined(WOLFSSL_DTLS) || !defined(WOLFSSL_DTLS13) || !defined(WOLFSSL_DTLS_CID)
#error "no DTLS 1.2, DTLS 1.3 or connection id"
#endif
#if !defined(HAVE_SERVER_RENEGOTIATION_INFO)
#error "no renegotiation indication: OpenSSL 3 clients refuse to connect"
#endif
#if !defined(HAVE_SECRET_CALLBACK) || !defined(HAVE_EXT_CACHE) || !defined(HAVE_PK_CALLBACKS)
#error "no secret, session cache or private key callbacks"
#endif
#if !defined(WOLFSSL_STATIC_PSK) || !defined(WOLFSSL_STATIC_RSA) || defined(NO_PSK)
#error "no PSK or static RSA suites"
#endif
#if !defined(WOLFSSL_HAVE_TLS_UNIQUE)
#error "no tls-unique: the Finished that some clients bind their key to"
#endif
#if !defined(HAVE_SESSION_TICKET) || !defined(HAVE_ALPN) || !defined(HAVE_SNI) || !defined(HAVE_CRL)
#error "no tickets, ALPN, SNI or CRL"
#endif

typedef void any_function(void);

#define NEED(f) (any_function *)(f)

/* Taken through a volatile table, so that the linker has to find each one. */
static any_function *volatile const needed[] = {
	NEED(wolfSSL_export_keying_material),
	NEED(wolfSSL_KeepArrays),
	NEED(wolfSSL_get_finished),
	NEED(wolfSSL_get_peer_finished),
	NEED(wolfSSL_GetServerWriteKey),
	NEED(wolfSSL_GetServerWriteIV),
	NEED(wolfSSL_GetClientWriteKey),
	NEED(wolfSSL_GetClientWriteIV),
	NEED(wolfSSL_GetKeySize),
	NEED(wolfSSL_GetSequenceNumber),
	NEED(wolfDTLS_accept_stateless),
	NEED(wolfDTLSv1_2_server_method),
	NEED(wolfDTLS_server_method),
	NEED(wolfTLS_server_method),
	NEED(wolfSSL_DTLS_SetCookieSecret),
	NEED(wolfSSL_dtls_set_mtu),
	NEED(wolfSSL_dtls_set_peer),
	NEED(wolfSSL_dtls_cid_use),
	NEED(wolfSSL_send_hrr_cookie),
	NEED(wolfSSL_set_tls13_secret_cb),
	NEED(wolfSSL_set_psk_server_callback),
	NEED(wolfSSL_CTX_set_psk_server_callback),
	NEED(wolfSSL_CTX_SetEccSignCb),
	NEED(wolfSSL_CTX_SetRsaSignCb),
	NEED(wolfSSL_CTX_SetRsaPssSignCb),
	NEED(wolfSSL_CTX_SetRsaPssSignCheckCb),
	NEED(wolfSSL_CTX_SetRsaDecCb),
	NEED(wolfSSL_CTX_SetEd25519SignCb),
	NEED(wolfSSL_CTX_sess_set_get_cb),
	NEED(wolfSSL_d2i_SSL_SESSION),
	NEED(wolfSSL_CTX_NoTicketTLSv12),
	NEED(wolfSSL_CTX_set_TicketEncCb),
	NEED(wolfSSL_CTX_use_certificate_chain_buffer),
	NEED(wolfSSL_UseALPN),
	NEED(wolfSSL_SNI_GetFromBuffer),
	NEED(wolfSSL_CTX_LoadCRLBuffer),
	NEED(wc_ChaCha20Poly1305_Encrypt),
	NEED(wc_HmacFinal),
	NEED(wc_Tls13_HKDF_Expand_Label),
};

enum { ROUNDS = 401, RECORD_LEN = 1400, LIMIT_NS = 3000 };

static int by_value(const void *a, const void *b)
{
	const long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* Median time to seal one record, or -1. */
static long seal_ns(void)
{
	static unsigned char record[RECORD_LEN];
	static long took[ROUNDS];
	unsigned char key[16] = { 1 }, nonce[12] = { 2 }, aad[13] = { 3 }, tag[16];
	Aes aes;

	if (wc_AesInit(&aes, NULL, INVALID_DEVID) != 0 || wc_AesGcmSetKey(&aes, key, sizeof key) != 0)
		return -1;
	for (int i = 0; i < ROUNDS; i++) {
		const long start = now_ns();

		if (wc_AesGcmEncrypt(&aes, record, record, sizeof record, nonce, sizeof nonce, tag,
				     sizeof tag, aad, sizeof aad) != 0)
			return -1;
		took[i] = now_ns() - start;
	}
	wc_AesFree(&aes);
	qsort(took, ROUNDS, sizeof took[0], by_value);
	return took[ROUNDS / 2];
}

int main(void)
{
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (needed[i] == NULL)
			return 2;
	if (wolfSSL_Init() != WOLFSSL_SUCCESS) {
		puts("wolfSSL_Init failed");
		return 2;
	}

	const long ns = seal_ns();

	wolfSSL_Cleanup();
	printf("wolfSSL %s: AES-128-GCM seals 1400 bytes in %ld ns (limit %d)\n", LIBWOLFSSL_VERSION_STRING,
	       ns, LIMIT_NS);
	return ns >= 0 && ns < LIMIT_NS ? 0 : 3;
}
