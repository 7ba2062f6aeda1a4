/* SPDX-License-Identifier: GPL-3.0-or-later */
/* web_page - answers: pages, documents, refusals */
#include <string.h>

#include "base/encode.h"
#include "worker/web_parts.h"

constexpr unsigned REQUESTS_MAX = 16; /* on one connection before the tunnel: protocol.md 2.3 */
constexpr size_t DOCUMENT_MAX = 96 * 1024;
constexpr size_t HEAD_MAX = 16 * 1024;

/* One thread; each is used up before the next use. */
static uint8_t answer[HEAD_MAX + DOCUMENT_MAX];
static uint8_t document[DOCUMENT_MAX];

const struct vhost *web_vhost(const struct conn *c)
{
	return config_vhost(c->w->gen.config, tls_vhost(&c->tls)->name); /* of the generation in force */
}

const struct offer *web_offer(const struct conn *c)
{
	return offers_of(&c->w->gen.offers, web_vhost(c)->index);
}

static enum err next_request(struct conn *c, bool close)
{
	c->state = CONN_REQUEST;
	http_next(&c->web->http);
	web_forget_body(c);
	if (!close)
		return ERR_OK;
	conn_finish(c);
	return ERR_BUSY;
}

enum err web_respond(struct conn *c, const struct writer *w, bool close)
{
	if (!writer_ok(w))
		return ERR_FULL;
	TRY(tls_write(&c->tls, w->start, w->len));
	return next_request(c, close);
}

static struct http_extra extra_of(const struct conn *c, const struct web_page *page)
{
	const struct strlist *lines = &web_vhost(c)->included_http_headers;
	struct http_extra extra = { .anonymous = page->anonymous,
				    .reason = page->reason,
				    .realm = page->realm,
				    .location = page->location,
				    .for_browser = page->for_browser,
				    .challenge = page->challenge,
				    .negotiate = c->web->negotiate };
	if (page->cookies != nullptr) {
		extra.cookies = page->cookies->line;
		extra.cookies_n = page->cookies->n;
	}
	if (!page->anonymous) {
		extra.lines = (const char *const *)lines->v;
		extra.lines_n = lines->n;
	}
	return extra;
}

enum err web_send(struct conn *c, const struct web_page *page)
{
	struct writer w = writer_of(answer, sizeof answer);
	struct http_extra extra = extra_of(c, page);
	bool last = page->close || !c->web->http.keep_alive || c->web->requests_n >= REQUESTS_MAX;
	http_emit_head(&w, page->status, page->type, page->len, last, &extra);
	if (page->len <= sizeof answer - w.len) { /* in one record, as small servers do */
		writer_put(&w, page->body, page->len);
		return web_respond(c, &w, last);
	}
	if (!writer_ok(&w))
		return ERR_FULL;
	TRY(tls_write(&c->tls, w.start, w.len));
	TRY(tls_write(&c->tls, page->body, page->len));
	return next_request(c, last);
}

struct writer web_document(void)
{
	return writer_of(document, sizeof document);
}

enum err web_send_xml(struct conn *c, const struct writer *doc, const struct login_cookies *cookies,
		      bool close)
{
	if (!writer_ok(doc))
		return web_refuse(c, 503, "the form is too long");
	return web_send(c, &(struct web_page){ .status = 200,
					       .type = LOGIN_TYPE_XML,
					       .body = doc->start,
					       .len = doc->len,
					       .cookies = cookies,
					       .close = close });
}

static const char empty[] = "<html></html>\n";

enum err web_send_empty(struct conn *c, const struct login_cookies *cookies)
{
	return web_send(c, &(struct web_page){ .status = 200,
					       .type = LOGIN_TYPE_HTML,
					       .body = empty,
					       .len = sizeof empty - 1,
					       .cookies = cookies });
}

enum err web_refuse(struct conn *c, unsigned status, const char *reason)
{
	if (web_vhost(c)->camouflage && !c->web->may_see)
		return web_send(c, &(struct web_page){ .status = status,
						       .type = LOGIN_TYPE_HTML,
						       .body = empty,
						       .len = sizeof empty - 1,
						       .anonymous = true,
						       .close = true });
	if (status >= 400 && status != 404 && status != 401)
		STAT_INC(c->w, http_refused);
	return web_send(c, &(struct web_page){ .status = status,
					       .type = LOGIN_TYPE_HTML,
					       .body = empty,
					       .len = sizeof empty - 1,
					       .reason = reason,
					       .close = status != 404 });
}

enum err web_ask_bearer(struct conn *c, bool is_wrong)
{
	return web_send(
		c, &(struct web_page){ .status = 401,
				       .type = LOGIN_TYPE_HTML,
				       .body = empty,
				       .len = sizeof empty - 1,
				       .challenge = is_wrong ? "Bearer error=\"invalid_token\"" : "Bearer" });
}

void web_settle(struct conn *c, enum err e)
{
	if (e != ERR_OK && e != ERR_BUSY)
		conn_close(c);
	else
		conn_flush(c);
}

bool web_cookie(const struct conn *c, const char *name, uint8_t out[WEB_ID_LEN])
{
	char raw[3 * WEB_ID_TEXT], text[sizeof raw];
	size_t raw_len = 0, len = 0;
	bool ok = http_cookie(&c->web->http, name, raw, sizeof raw, &raw_len) == ERR_OK &&
		  text_percent_decode(text, sizeof text, text_slice(raw), false) == ERR_OK &&
		  encode_from_base64(text, strlen(text), out, WEB_ID_LEN, &len) == ERR_OK &&
		  len == WEB_ID_LEN;
	explicit_bzero(raw, sizeof raw);
	explicit_bzero(text, sizeof text);
	return ok;
}
