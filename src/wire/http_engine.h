/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * http_engine - the request parser of the distribution: llhttp, or http-parser where llhttp is not packaged
 *
 * Only http_engine.c knows which; their names collide with ours, so their headers stay in there.
 *
 * Owner:  struct http.
 * Never:  allocates.
 */
#pragma once

#include "base/base.h"

struct http;

struct http_engine {
	alignas(8) unsigned char opaque[128];
};

/* Where the pieces go, in order; a piece may come in parts.  false ends parsing. */
struct http_engine_sink {
	bool (*target)(struct http *h, const char *at, size_t n);
	bool (*name)(struct http *h, const char *at, size_t n);
	bool (*value)(struct http *h, const char *at, size_t n);
	bool (*head_done)(struct http *h);
	bool (*body)(struct http *h, const char *at, size_t n); /* of chunks, without their framing */
	bool (*all_done)(struct http *h);
};

void http_engine_init(struct http_engine *e);
/* 0, or the status to refuse with.  p must end at or before the first line end that completes the head or the chunks:
 * the engine is never to see a byte behind them. */
unsigned http_engine_feed(struct http_engine *e, const struct http_engine_sink *sink, struct http *h,
			  const char *p, size_t n);
/* Once the head is complete: "GET"; the version as 10 * major + minor. */
const char *http_engine_method(const struct http_engine *e);
unsigned http_engine_version(const struct http_engine *e);
