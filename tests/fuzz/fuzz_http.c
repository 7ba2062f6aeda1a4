/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: http_feed, http_give_body, http_next, http_path, http_query, http_header_next, http_header_text, http_cookie.
 *
 * The input is what a connection receives.  It is fed whole, in pieces of 7 and byte by byte, request after request: the outcome
 * must be the same each time, and no byte may be taken twice or lost.  Only of two faults in one piece either may be named.
 */
#include <string.h>

#include "wire/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

constexpr size_t REQUESTS_MAX = 16;

struct outcome {
	size_t requests_n;
	size_t taken;
	enum http_event last;
	uint16_t status;
	uint64_t sum; /* of all that could be read from the requests */
};

static void add(struct outcome *o, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		o->sum = o->sum * 31 + (uint8_t)s.p[i] + 1;
	o->sum = o->sum * 31 + (s.p != nullptr);
}

static void read_all(struct outcome *o, const struct http *h)
{
	static const char *const names[] = { "Host", "Content-Length", "User-Agent", "Cookie", "X" };
	char text[32];
	size_t len = 0;
	add(o, http_path(h));
	add(o, http_query(h));
	add(o, http_body(h));
	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		size_t i = 0;
		for (auto v = http_header_next(h, names[n], &i); v.p != nullptr;
		     v = http_header_next(h, names[n], &i))
			add(o, v);
		http_header_text(h, names[n], text, sizeof text);
		assert(strlen(text) < sizeof text);
	}
	if (http_cookie(h, "webvpn", text, sizeof text, &len) == ERR_OK) {
		assert(len < sizeof text && text[len] == '\0');
		add(o, text_slice(text));
	}
	o->sum += (uint64_t)h->method * 3 + h->keep_alive;
}

static struct outcome run(const uint8_t *data, size_t size, size_t step)
{
	static struct http h;
	static uint8_t body[HTTP_BODY_MAX];
	struct outcome o = { .last = HTTP_MORE };
	http_init(&h);
	while (o.taken < size && o.last != HTTP_REFUSED && o.requests_n < REQUESTS_MAX) {
		size_t used = 0;
		size_t n = MIN(step, size - o.taken);
		o.last = http_feed(&h, data + o.taken, n, &used);
		assert(used <= n && (o.last != HTTP_MORE || used == n));
		o.taken += used;
		if (o.last == HTTP_BODY) {
			assert(http_body_cap(&h) > 0 && http_body_cap(&h) <= sizeof body);
			http_give_body(&h, body, http_body_cap(&h));
		}
		if (o.last == HTTP_REQUEST) {
			o.requests_n++;
			read_all(&o, &h);
			http_next(&h);
		}
	}
	o.status = h.status;
	if (o.last == HTTP_BODY)
		o.last = HTTP_MORE; /* the same, at the end of the input */
	assert((o.last == HTTP_REFUSED) == (o.status != 0));
	http_fini(&h);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto whole = run(data, size, SIZE_MAX);
	for (size_t step = 1; step <= 7; step += 6) {
		auto pieces = run(data, size, step);
		assert(pieces.requests_n == whole.requests_n && pieces.last == whole.last);
		assert(pieces.sum == whole.sum);
		assert(whole.last == HTTP_REFUSED || pieces.taken == whole.taken);
	}
	return 0;
}
