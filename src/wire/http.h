/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * http - requests of HTTP/1.1 in, heads of answers out (protocol.md 2)
 *
 * Owner:  the connection, before its tunnel is open; allocated only during login.
 * Runs in: the worker that owns the connection.
 * Never:  allocates; takes a byte behind the end of a request; keeps a pointer into what it was fed.
 *
 *	http_init -> http_feed ... HTTP_BODY -> http_give_body -> http_feed ... HTTP_REQUEST -> http_next -> ...
 *
 * Bytes left over behind an HTTP_REQUEST are the beginning of the tunnel after CONNECT; after any other method they are a
 * request sent before its time, and the connection is to be closed.
 */
#pragma once

#include "wire/http_engine.h"
#include "wire/text.h"

constexpr size_t HTTP_TARGET_MAX = 4095; /* identity providers give browsers long ones */
constexpr size_t HTTP_HEAD_MAX = 16 * 1024;
constexpr size_t HTTP_BODY_MAX = 256 * 1024;
constexpr size_t HTTP_FIELDS_MAX = 96;

enum http_event : uint8_t {
	HTTP_MORE = 1, /* all was taken, more is needed */
	HTTP_BODY, /* the head is complete and a body follows: call http_give_body, then feed the rest */
	HTTP_REQUEST, /* complete */
	HTTP_REFUSED, /* answer with h->status and close; it stays refused */
};

enum http_method : uint8_t { HTTP_GET = 1, HTTP_POST, HTTP_CONNECT, HTTP_OTHER };

enum http_state : uint8_t {
	HTTP_IN_HEAD = 1,
	HTTP_WANTS_BODY,
	HTTP_IN_LENGTH,
	HTTP_IN_CHUNKS,
	HTTP_COMPLETE,
	HTTP_DEAD,
};

/* Where a piece of the head is in it. */
struct http_span {
	uint16_t at;
	uint16_t len;
};
struct http_field {
	struct http_span name;
	struct http_span value;
};

struct http {
	enum http_state state;
	enum http_method method;
	uint16_t status; /* why it was refused: 400, 413, 414, 431, 501, 505 */
	bool keep_alive; /* the client wants the connection kept */
	bool in_value; /* the piece that was parsed last is a value, not a name */
	bool head_done;
	bool chunks_done;
	bool line_ended;   /* the last byte was a line end */
	char line_first;   /* first byte of the last line */
	uint16_t head_len;
	uint16_t fields_n;
	struct http_span target;
	struct http_engine engine;
	size_t body_need; /* announced length; HTTP_BODY_MAX if chunked */
	bool chunked;
	size_t line_len;       /* of the last line, its end included */
	size_t chunks_len; /* bytes taken in HTTP_IN_CHUNKS, framing included */
	uint8_t *body; /* storage of the owner */
	size_t body_cap;
	size_t body_len;
	struct http_field fields[HTTP_FIELDS_MAX];
	char head[HTTP_HEAD_MAX]; /* as it came; not to be moved once fed */
};

void http_init(struct http *h);
/* Forget the request, which may hold cookies, and be ready for the next one. */
void http_next(struct http *h);
/* Wipe all. */
void http_fini(struct http *h);

/* Take bytes of the request; *used tells how many of n were taken, on every event.  On HTTP_MORE all. */
enum http_event http_feed(struct http *h, const uint8_t *p, size_t n, size_t *used);
/* Room that the body needs at most: its announced length, or HTTP_BODY_MAX if it is chunked. */
size_t http_body_cap(const struct http *h);
/* Storage for the body; less than http_body_cap is allowed, then a body that does not fit is refused with 413. */
void http_give_body(struct http *h, uint8_t *buf, size_t cap);

/* Of a request whose head is complete.  The target as it came, nothing decoded; query without '?', p nullptr if none. */
struct slice http_path(const struct http *h);
struct slice http_query(const struct http *h);
struct slice http_body(const struct http *h);
/* Value of the last field of this name (any case), trimmed; p nullptr if there is none. */
struct slice http_header(const struct http *h, const char *name);
/* The next field of this name from *i on, which begins at 0; p nullptr at the end. */
struct slice http_header_next(const struct http *h, const char *name, size_t *i);
/* Its text made printable and cut to cap; "" if there is none. */
void http_header_text(const struct http *h, const char *name, char *out, size_t cap);
/* The token of Authorization: Bearer (RFC 6750); p nullptr: there is none, or its bytes are no token's. */
struct slice http_bearer(const struct http *h);
/* First cookie of this name that is not empty, as it came, NUL added.  ERR_NOTFOUND; ERR_RANGE if it does not fit. */
enum err http_cookie(const struct http *h, const char *name, char *out, size_t cap, size_t *len);

/* What a page has besides the constant lines.  A control byte in any of these fails the writer. */
struct http_extra {
	const char *const *cookies; /* values of Set-Cookie */
	size_t cookies_n;
	const char *const *lines; /* whole lines, as in included-http-headers */
	size_t lines_n;
	bool anonymous; /* leave out what tells the product (camouflage) */
	const char *reason; /* X-Reason, which openconnect prints; made one line; nullptr: none */
	const char *realm; /* of WWW-Authenticate: Basic; nullptr: none */
	const char *location; /* nullptr: none */
	bool for_browser; /* what is in its address is for nobody else, and the page is for now only */
	const char *challenge; /* the whole value of WWW-Authenticate; nullptr: none */
	const char *
		negotiate; /* token of WWW-Authenticate: Negotiate, base64; "": that only is offered; nullptr: no such line */
};

/* The head of an answer: status line, Connection, Content-Type (unless nullptr), X-Transcend-Version, Content-Length, extra
 * (nullptr: none), blank line.  The body is the caller's to append. */
void http_emit_head(struct writer *w, unsigned status, const char *type, size_t body_len, bool close,
		    const struct http_extra *extra);
/* "Not Found" for 404; "Error" for a status we never send. */
const char *http_reason(unsigned status);
