/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/http.h"

#include <string.h>

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 302, "Found" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

const char *http_reason(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

/* A value that comes from elsewhere: a byte that could end the line fails the writer. */
static void emit_checked(struct writer *w, const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7f)
			w->failed = true;
	writer_str(w, value);
}

static void emit_extra(struct writer *w, const struct http_extra *extra)
{
	for (size_t i = 0; i < extra->cookies_n; i++) {
		writer_str(w, "Set-Cookie: ");
		emit_checked(w, extra->cookies[i]);
		writer_str(w, "\r\n");
	}
	for (size_t i = 0; i < extra->lines_n; i++)
		text_emit_header(w, extra->lines[i]);
	if (extra->reason != nullptr) {
		writer_str(w, "X-Reason: ");
		text_emit_line(w, extra->reason);
		writer_str(w, "\r\n");
	}
	if (extra->realm != nullptr) {
		writer_str(w, "WWW-Authenticate: Basic realm=\"");
		emit_checked(w, extra->realm);
		writer_str(w, "\"\r\n");
	}
	if (extra->location != nullptr) {
		writer_str(w, "Location: ");
		emit_checked(w, extra->location);
		writer_str(w, "\r\n");
	}
	if (extra->for_browser)
		writer_str(w, "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n");
	if (extra->challenge != nullptr) {
		writer_str(w, "WWW-Authenticate: ");
		emit_checked(w, extra->challenge);
		writer_str(w, "\r\n");
	}
	if (extra->negotiate != nullptr) {
		writer_str(w, extra->negotiate[0] != '\0' ? "WWW-Authenticate: Negotiate "
							  : "WWW-Authenticate: Negotiate");
		emit_checked(w, extra->negotiate);
		/* openconnect: without tokens there will be forms */
		writer_str(w, "\r\nX-HTTP-Auth-Support: fallback\r\n");
	}
}

void http_emit_head(struct writer *w, unsigned status, const char *type, size_t body_len, bool close,
		    const struct http_extra *extra)
{
	writer_fmt(w, "HTTP/1.1 %u %s\r\n", status, http_reason(status));
	writer_fmt(w, "Connection: %s\r\n", close ? "close" : "Keep-Alive");
	if (type != nullptr) {
		writer_str(w, "Content-Type: ");
		emit_checked(w, type);
		writer_str(w, "\r\n");
	}
	if (extra == nullptr || !extra->anonymous)
		writer_str(w, "X-Transcend-Version: 1\r\n");
	writer_fmt(w, "Content-Length: %zu\r\n", body_len);
	if (extra != nullptr)
		emit_extra(w, extra);
	writer_str(w, "\r\n");
}
