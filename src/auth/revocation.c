/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/revocation.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wolfssl/options.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfio.h>

#include "auth/task.h"
#include "base/log.h"
#include "ipc/msgs.h"

/* In a thread of its own, because the library's lookup waits as long as the network does. */
struct lookup {
	const struct vhost *v;
	const Msg__BackBegin *b;
	bool was_asked; /* somebody was to be asked at all */
	bool has_answer;
	int code;       /* of wolfSSL; 0: good */
};

static int ask(void *ctx, const char *url, int url_len, unsigned char *request, int len,
	       unsigned char **answer)
{
	struct lookup *l = ctx;
	l->was_asked = true;
	int got = EmbedOcspLookup(nullptr, url, url_len, request, len, answer);
	l->has_answer = got > 0;
	return got;
}

static int prepare(WOLFSSL_CERT_MANAGER *store, struct lookup *l)
{
	const int by_url = l->v->client_ocsp_url != nullptr ? WOLFSSL_OCSP_URL_OVERRIDE : 0;
	int r = wolfSSL_CertManagerLoadCABuffer(store, l->b->authorities.data, (long)l->b->authorities.len,
						WOLFSSL_FILETYPE_PEM);
	if (r == WOLFSSL_SUCCESS)
		r = wolfSSL_CertManagerEnableOCSP(store, by_url);
	if (r == WOLFSSL_SUCCESS && by_url != 0)
		r = wolfSSL_CertManagerSetOCSPOverrideURL(store, l->v->client_ocsp_url);
	if (r == WOLFSSL_SUCCESS)
		r = wolfSSL_CertManagerSetOCSP_Cb(store, ask, EmbedOcspRespFree, l);
	return r;
}

static void *run(void *ctx)
{
	struct lookup *l = ctx;
	WOLFSSL_CERT_MANAGER *store;
	l->code = OCSP_LOOKUP_FAIL;
	if (wolfSSL_Init() != WOLFSSL_SUCCESS || (store = wolfSSL_CertManagerNew()) == nullptr)
		return nullptr;
	int r = prepare(store, l);
	if (r == WOLFSSL_SUCCESS)
		r = wolfSSL_CertManagerCheckOCSP(store, l->b->certificate.data, (int)l->b->certificate.len);
	l->code = r == WOLFSSL_SUCCESS ? 0 : r;
	wolfSSL_CertManagerFree(store);
	return nullptr;
}

/* What the responder has to say, or why it has nothing; nullptr: good. */
static const char *find_problem(struct lookup *l, bool *is_no)
{
	static char text[128];
	pthread_t thread;
	struct timespec until;
	if (pthread_create(&thread, nullptr, run, l) != 0)
		return "no thread";
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += REVOCATION_DEADLINE_S;
	if (pthread_timedjoin_np(thread, nullptr, &until) != 0)
		return "the OCSP responder does not answer";
	if (l->was_asked && !l->has_answer)
		return "the OCSP responder cannot be reached";
	*is_no = l->code == OCSP_CERT_REVOKED || l->code == OCSP_CERT_UNKNOWN;
	switch (l->code) {
	case 0:
		return l->was_asked
			       ? nullptr
			       : "the certificate names no OCSP responder, and client-ocsp-url is not set";
	case OCSP_CERT_REVOKED: return "the certificate is revoked (OCSP)";
	case OCSP_CERT_UNKNOWN: return "the OCSP responder does not know the certificate";
	default:
		snprintf(text, sizeof text, "the answer of the OCSP responder is not good: %s",
			 wolfSSL_ERR_reason_error_string((unsigned long)l->code));
		return text;
	}
}

void revocation_check(const struct vhost *v, const Msg__BackBegin *b, int fd)
{
	static char refused[] = "Certificate Validation Failure"; /* clients know it: protocol.md 4.6 */
	static struct lookup l; /* a lookup that is late may still use it */
	bool is_no = false;
	l = (struct lookup){ .v = v, .b = b };
	const char *problem = find_problem(&l, &is_no);
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = b->conv;
	done.username = b->username;
	done.group = b->group;
	done.result = problem == nullptr ? BACK_OK : is_no ? BACK_DENIED : BACK_BROKEN;
	if (done.result == BACK_BROKEN && v->client_ocsp == CLIENT_OCSP_SOFT) {
		log_warn("ocsp.passed_over user=\"%s\" why=\"%s\"", b->username, problem);
		done.result = BACK_OK;
	}
	if (done.result != BACK_OK) {
		done.why = (char *)(uintptr_t)problem;
		done.message = refused;
	}
	task_tell(fd, &done.base);
}
