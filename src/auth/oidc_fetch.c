/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/oidc_fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

constexpr long CONNECT_MS = 5'000;

static size_t on_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
	struct oidc_fetch *f = ctx;
	size_t len = size * n;
	if (len > f->max - f->len)
		return 0; /* ends the transfer */
	memcpy(f->body + f->len, bytes, len);
	f->len += len;
	return len;
}

/* libcurl copies texts. */
static bool set_request(CURL *h, const struct oidc_fetch *f)
{
	bool ok = curl_easy_setopt(h, CURLOPT_URL, f->url) == CURLE_OK;
	if (f->ca_file != nullptr)
		ok = ok && curl_easy_setopt(h, CURLOPT_CAINFO, f->ca_file) == CURLE_OK &&
		     curl_easy_setopt(h, CURLOPT_CAPATH, nullptr) == CURLE_OK;
	if (f->form != nullptr)
		ok = ok && curl_easy_setopt(h, CURLOPT_COPYPOSTFIELDS, f->form) == CURLE_OK;
	if (f->user != nullptr)
		ok = ok && curl_easy_setopt(h, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
		     curl_easy_setopt(h, CURLOPT_USERNAME, f->user) == CURLE_OK &&
		     curl_easy_setopt(h, CURLOPT_PASSWORD, f->password) == CURLE_OK;
	return ok;
}

static bool set_limits(CURL *h)
{
	return curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, OIDC_FETCH_MS) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

static CURLcode perform(CURL *h, struct oidc_fetch *f, struct curl_slist *headers)
{
	char detail[CURL_ERROR_SIZE] = "";
	if (!set_limits(h) || !set_request(h, f) ||
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, f) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, detail) != CURLE_OK)
		return CURLE_FAILED_INIT;
	CURLcode rc = curl_easy_perform(h);
	const char *why = rc == CURLE_WRITE_ERROR ? "the answer is too long"
			  : detail[0] != '\0'     ? detail
						  : curl_easy_strerror(rc);
	if (rc != CURLE_OK)
		snprintf(f->error, sizeof f->error, "%s", why);
	else
		curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &f->status);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, nullptr);
	return rc;
}

enum err oidc_fetch_run(struct oidc_fetch *f)
{
	CURL *h = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(nullptr, "Accept: application/json");
	f->len = 0;
	f->error[0] = '\0';
	f->body = calloc(1, f->max + 1);
	CURLcode rc = h != nullptr && headers != nullptr && f->body != nullptr ? perform(h, f, headers)
									       : CURLE_OUT_OF_MEMORY;
	if (rc != CURLE_OK && f->error[0] == '\0')
		snprintf(f->error, sizeof f->error, "%s", curl_easy_strerror(rc));
	curl_slist_free_all(headers);
	curl_easy_cleanup(h);
	if (rc == CURLE_OK && strlen(f->body) == f->len)
		return ERR_OK;
	if (rc == CURLE_OK)
		snprintf(f->error, sizeof f->error, "the answer has a zero byte");
	oidc_fetch_fini(f);
	return ERR_SYS;
}

void oidc_fetch_fini(struct oidc_fetch *f)
{
	if (f->body != nullptr)
		explicit_bzero(f->body, f->max);
	free(TAKE(f->body));
}
