/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The head is kept as it came, and the engine's pieces are places in it: a header value that is folded over two lines is not
 * in one place, so it is found and refused.  The engine is fed a line at a time, and a body of known length not at all.
 */
#include "wire/http.h"

#include <string.h>

static_assert(HTTP_HEAD_MAX <= UINT16_MAX, "places in the head are 16 bits");

constexpr size_t CHUNKS_MAX = 2 * HTTP_BODY_MAX; /* with their framing */

/* For callbacks: remember why, and stop the engine. */
static bool stop(struct http *h, unsigned status)
{
	h->status = (uint16_t)status;
	return false;
}

static bool follows(const struct http *h, struct http_span s, const char *at)
{
	return s.len == 0 || h->head + s.at + s.len == at;
}

/* Grow a span by the piece that follows it. */
static bool grow(struct http *h, struct http_span *s, const char *at, size_t n)
{
	if (n == 0)
		return true;
	if (!follows(h, *s, at))
		return stop(h, 400);
	if (s->len == 0)
		s->at = (uint16_t)(at - h->head);
	s->len = (uint16_t)(s->len + n);
	return true;
}

static bool on_target(struct http *h, const char *at, size_t n)
{
	if (h->target.len + n > HTTP_TARGET_MAX)
		return stop(h, 414);
	return grow(h, &h->target, at, n);
}

static bool on_name(struct http *h, const char *at, size_t n)
{
	if (h->head_done || n == 0)
		return true; /* a trailer of chunks is of no use */
	if (h->fields_n == 0 || h->in_value || !follows(h, h->fields[h->fields_n - 1].name, at)) {
		if (h->fields_n == HTTP_FIELDS_MAX)
			return stop(h, 431);
		h->fields[h->fields_n++] = (struct http_field){};
	}
	h->in_value = false;
	return grow(h, &h->fields[h->fields_n - 1].name, at, n);
}

static bool on_value(struct http *h, const char *at, size_t n)
{
	if (h->head_done)
		return true;
	if (h->fields_n == 0)
		return stop(h, 400);
	h->in_value = true;
	return grow(h, &h->fields[h->fields_n - 1].value, at, n);
}

static bool on_head_done(struct http *h)
{
	h->head_done = true;
	return true;
}

static bool on_chunk(struct http *h, const char *at, size_t n)
{
	if (n > h->body_cap - h->body_len)
		return stop(h, 413);
	if (n > 0)
		memcpy(h->body + h->body_len, at, n);
	h->body_len += n;
	return true;
}

static bool on_all_done(struct http *h)
{
	h->chunks_done = h->state == HTTP_IN_CHUNKS;
	return true;
}

static const struct http_engine_sink sink = {
	.target = on_target,
	.name = on_name,
	.value = on_value,
	.head_done = on_head_done,
	.body = on_chunk,
	.all_done = on_all_done,
};

void http_init(struct http *h)
{
	memset(h, 0, sizeof *h);
	h->state = HTTP_IN_HEAD;
	http_engine_init(&h->engine);
}

void http_next(struct http *h)
{
	http_init(h);
}

void http_fini(struct http *h)
{
	explicit_bzero(h, sizeof *h);
	h->state = HTTP_DEAD;
}

static enum http_event refuse(struct http *h, unsigned status)
{
	if (h->status == 0)
		h->status = (uint16_t)status;
	h->state = HTTP_DEAD;
	return HTTP_REFUSED;
}

static struct slice span(const struct http *h, struct http_span s)
{
	return (struct slice){ .p = h->head + s.at, .n = s.len };
}

static bool is_token(struct slice s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		if (!alnum && memchr(others, c, sizeof others - 1) == nullptr)
			return false;
	}
	return s.n > 0;
}

static bool is_target(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static bool are_names_valid(const struct http *h)
{
	for (size_t i = 0; i < h->fields_n; i++)
		if (!is_token(span(h, h->fields[i].name)))
			return false;
	return true;
}

static size_t count(const struct http *h, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; http_header_next(h, name, &i).p != nullptr;)
		n++;
	return n;
}

static enum http_method method_of(const char *name)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET",
		[HTTP_POST] = "POST",
		[HTTP_CONNECT] = "CONNECT",
	};
	for (size_t i = HTTP_GET; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum http_method)i;
	return HTTP_OTHER;
}

static bool wants_keep_alive(const struct http *h, unsigned version)
{
	auto value = http_header(h, "Connection");
	if (version >= 11)
		return !text_list_has(value, ',', "close");
	return text_list_has(value, ',', "keep-alive");
}

/* How long the body is; 0, or the status to refuse with. */
static unsigned measure_body(struct http *h, unsigned version)
{
	auto coding = http_header(h, "Transfer-Encoding");
	auto length = http_header(h, "Content-Length");
	if (count(h, "Transfer-Encoding") + count(h, "Content-Length") > 1)
		return 400;
	if (coding.p != nullptr) {
		if (version < 11 || h->method == HTTP_CONNECT)
			return 400;
		h->chunked = true;
		h->body_need = HTTP_BODY_MAX;
		return text_is_nocase(coding, "chunked") ? 0 : 501;
	}
	uint64_t n = 0;
	enum err e = length.p == nullptr ? ERR_OK : text_number(&n, length, HTTP_BODY_MAX);
	if (e != ERR_OK)
		return e == ERR_RANGE ? 413 : 400;
	h->body_need = (size_t)n;
	return n > 0 && h->method == HTTP_CONNECT ? 400 : 0;
}

/* What the engine lets pass and we do not: 0, or the status to refuse with. */
static unsigned check_head(struct http *h)
{
	unsigned version = http_engine_version(&h->engine);
	if (version != 10 && version != 11)
		return 505;
	if (!is_target(span(h, h->target)) || !are_names_valid(h) || count(h, "Host") > 1)
		return 400;
	h->method = method_of(http_engine_method(&h->engine));
	h->keep_alive = wants_keep_alive(h, version);
	return measure_body(h, version);
}

static enum http_event complete(struct http *h)
{
	h->state = HTTP_COMPLETE;
	return HTTP_REQUEST;
}

static enum http_event end_head(struct http *h)
{
	unsigned status = check_head(h);
	if (status != 0)
		return refuse(h, status);
	if (h->body_need == 0)
		return complete(h);
	h->state = HTTP_WANTS_BODY;
	return HTTP_BODY;
}

/* Up to and with the end of the line, or all. */
static size_t line_len(const uint8_t *p, size_t n)
{
	const uint8_t *end = n == 0 ? nullptr : memchr(p, '\n', n);
	return end == nullptr ? n : (size_t)(end - p) + 1;
}

/* Hand one piece of a line to the engine. */
static unsigned parse_line(struct http *h, const char *p, size_t n)
{
	if (h->line_ended)
		h->line_len = 0;
	if (h->line_len == 0)
		h->line_first = p[0];
	h->line_len += n;
	h->line_ended = p[n - 1] == '\n';
	return http_engine_feed(&h->engine, &sink, h, p, n);
}

/* The head and the chunks end with a blank line.  http-parser, built lenient as in Debian, takes "\r" with any byte for
 * one, and has then been given bytes behind the end. */
static bool is_line_blank(const struct http *h)
{
	return h->line_ended && (h->line_len == 1 || (h->line_len == 2 && h->line_first == '\r'));
}

static enum http_event refuse_end(struct http *h)
{
	h->status = 0; /* what the engine says of the bytes behind does not matter */
	return refuse(h, 400);
}

static enum http_event feed_head(struct http *h, struct reader *r)
{
	while (r->left > 0) {
		size_t n = line_len(r->at, MIN(r->left, HTTP_HEAD_MAX - h->head_len));
		if (n == 0)
			return refuse(h, 431);
		char *to = h->head + h->head_len;
		reader_copy(r, to, n);
		h->head_len = (uint16_t)(h->head_len + n);
		unsigned status = parse_line(h, to, n);
		if (h->head_done && !is_line_blank(h))
			return refuse_end(h);
		if (status != 0)
			return refuse(h, status);
		if (h->head_done)
			return end_head(h);
	}
	return HTTP_MORE;
}

static enum http_event wait_body(struct http *, struct reader *)
{
	return HTTP_BODY;
}

static enum http_event feed_length(struct http *h, struct reader *r)
{
	if (h->body_need > h->body_cap)
		return refuse(h, 413);
	size_t n = MIN(r->left, h->body_need - h->body_len);
	reader_copy(r, h->body + h->body_len, n);
	h->body_len += n;
	return h->body_len == h->body_need ? complete(h) : HTTP_MORE;
}

static enum http_event feed_chunks(struct http *h, struct reader *r)
{
	while (r->left > 0) {
		size_t n = line_len(r->at, r->left);
		h->chunks_len += n;
		if (h->chunks_len > CHUNKS_MAX)
			return refuse(h, 413);
		const char *line = (const char *)reader_take(r, n);
		unsigned status = parse_line(h, line, n);
		if (h->chunks_done && !is_line_blank(h))
			return refuse_end(h);
		if (status != 0)
			return refuse(h, status);
		if (h->chunks_done)
			return complete(h);
	}
	return HTTP_MORE;
}

static enum http_event stay_complete(struct http *, struct reader *)
{
	return HTTP_REQUEST;
}

static enum http_event stay_refused(struct http *, struct reader *)
{
	return HTTP_REFUSED;
}

enum http_event http_feed(struct http *h, const uint8_t *p, size_t n, size_t *used)
{
	static enum http_event (*const feed[])(struct http *, struct reader *) = {
		[HTTP_IN_HEAD] = feed_head,      [HTTP_WANTS_BODY] = wait_body,
		[HTTP_IN_LENGTH] = feed_length,  [HTTP_IN_CHUNKS] = feed_chunks,
		[HTTP_COMPLETE] = stay_complete, [HTTP_DEAD] = stay_refused,
	};
	assert(h->state >= HTTP_IN_HEAD && h->state <= HTTP_DEAD);
	struct reader r = reader_of(p, n);
	auto event = feed[h->state](h, &r);
	*used = n - r.left;
	return event;
}

size_t http_body_cap(const struct http *h)
{
	return h->body_need;
}

void http_give_body(struct http *h, uint8_t *buf, size_t cap)
{
	assert(h->state == HTTP_WANTS_BODY);
	h->body = buf;
	h->body_cap = cap;
	h->state = h->chunked ? HTTP_IN_CHUNKS : HTTP_IN_LENGTH;
}

struct slice http_path(const struct http *h)
{
	auto target = span(h, h->target);
	const char *query = target.n == 0 ? nullptr : memchr(target.p, '?', target.n);
	if (query != nullptr)
		target.n = (size_t)(query - target.p);
	return target;
}

struct slice http_query(const struct http *h)
{
	auto target = span(h, h->target);
	size_t path_n = http_path(h).n;
	if (path_n == target.n)
		return (struct slice){};
	return (struct slice){ .p = target.p + path_n + 1, .n = target.n - path_n - 1 };
}

struct slice http_body(const struct http *h)
{
	return (struct slice){ .p = (const char *)h->body, .n = h->body_len };
}

struct slice http_header_next(const struct http *h, const char *name, size_t *i)
{
	while (*i < h->fields_n) {
		const struct http_field *f = &h->fields[(*i)++];
		if (text_is_nocase(span(h, f->name), name))
			return text_trim(span(h, f->value));
	}
	return (struct slice){};
}

struct slice http_header(const struct http *h, const char *name)
{
	struct slice last = {};
	size_t i = 0;
	for (auto v = http_header_next(h, name, &i); v.p != nullptr; v = http_header_next(h, name, &i))
		last = v;
	return last;
}

void http_header_text(const struct http *h, const char *name, char *out, size_t cap)
{
	text_copy_ascii(out, cap, http_header(h, name));
}

/* The value in one Cookie line: "a=1; name=value"; empty if it is not there. */
static struct slice find_cookie(struct slice line, const char *name)
{
	for (auto pair = text_next_word(&line, ';'); pair.p != nullptr; pair = text_next_word(&line, ';')) {
		struct slice value = pair;
		auto key = text_next_word(&value, '=');
		if (value.n > 0 && text_is(key, name))
			return text_trim(value);
	}
	return (struct slice){};
}

/* token68 of RFC 7235, which every signed token is made of. */
static bool is_token68(struct slice s)
{
	static const char marks[] = "-._~+/=";
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_plain && (c == '\0' || strchr(marks, c) == nullptr))
			return false;
	}
	return s.n > 0;
}

struct slice http_bearer(const struct http *h)
{
	struct slice value = http_header(h, "Authorization");
	if (!text_has_prefix_nocase(value, "Bearer "))
		return (struct slice){};
	const size_t skip = strlen("Bearer ");
	struct slice token = text_trim((struct slice){ .p = value.p + skip, .n = value.n - skip });
	return is_token68(token) ? token : (struct slice){};
}

enum err http_cookie(const struct http *h, const char *name, char *out, size_t cap, size_t *len)
{
	struct slice value = {};
	for (size_t i = 0; value.n == 0;) {
		auto line = http_header_next(h, "Cookie", &i);
		if (line.p == nullptr)
			return ERR_NOTFOUND;
		value = find_cookie(line, name);
	}
	TRY(text_copy(out, cap, value));
	*len = value.n;
	return ERR_OK;
}
