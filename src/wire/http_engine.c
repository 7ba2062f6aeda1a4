/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two libraries with one ancestor: the callbacks are the same, the calls differ in name.  What they do differently
 * after a request (pausing, upgrading) is avoided by never feeding a byte behind its end.
 */
#include "wire/http_engine.h"

#ifdef HAVE_LLHTTP
#include <llhttp.h>
typedef llhttp_t engine;
typedef llhttp_settings_t engine_settings;
#else
#include <http_parser.h>
typedef http_parser engine;
typedef http_parser_settings engine_settings;
#endif

static_assert(sizeof(engine) <= sizeof(((struct http_engine *)nullptr)->opaque));
static_assert(alignof(engine) <= alignof(struct http_engine));

/* What engine.data points to while a feed runs. */
struct feed {
	const struct http_engine_sink *sink;
	struct http *h;
};

static engine *of(struct http_engine *e)
{
	return (engine *)e->opaque;
}
static const engine *of_const(const struct http_engine *e)
{
	return (const engine *)e->opaque;
}

static int on_target(engine *p, const char *at, size_t n)
{
	const struct feed *f = p->data;
	return f->sink->target(f->h, at, n) ? 0 : -1;
}

static int on_name(engine *p, const char *at, size_t n)
{
	const struct feed *f = p->data;
	return f->sink->name(f->h, at, n) ? 0 : -1;
}

static int on_value(engine *p, const char *at, size_t n)
{
	const struct feed *f = p->data;
	return f->sink->value(f->h, at, n) ? 0 : -1;
}

static int on_head_done(engine *p)
{
	const struct feed *f = p->data;
	return f->sink->head_done(f->h) ? 0 : -1;
}

static int on_body(engine *p, const char *at, size_t n)
{
	const struct feed *f = p->data;
	return f->sink->body(f->h, at, n) ? 0 : -1;
}

static int on_all_done(engine *p)
{
	const struct feed *f = p->data;
	return f->sink->all_done(f->h) ? 0 : -1;
}

static const engine_settings settings = {
	.on_url = on_target,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_headers_complete = on_head_done,
	.on_body = on_body,
	.on_message_complete = on_all_done,
};

/* Pairs of the libraries' errors and our answers; all others are 400. */
static const struct {
	int error;
	unsigned status;
} answers[] = {
	{ HPE_OK, 0 },
	{ HPE_INVALID_METHOD, 501 },
	{ HPE_INVALID_VERSION, 505 },
#ifdef HAVE_LLHTTP
	{ HPE_PAUSED_UPGRADE, 0 }, /* after CONNECT */
	{ HPE_PAUSED_H2_UPGRADE, 505 },
#else
	{ HPE_HEADER_OVERFLOW, 431 },
#endif
};

static unsigned answer_to(int error)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (answers[i].error == error)
			return answers[i].status;
	return 400;
}

#ifdef HAVE_LLHTTP
void http_engine_init(struct http_engine *e)
{
	llhttp_init(of(e), HTTP_REQUEST, &settings);
}

static int execute(engine *p, const char *at, size_t n)
{
	return (int)llhttp_execute(p, at, n);
}

const char *http_engine_method(const struct http_engine *e)
{
	return llhttp_method_name((llhttp_method_t)of_const(e)->method);
}
#else
void http_engine_init(struct http_engine *e)
{
	http_parser_init(of(e), HTTP_REQUEST);
}

static int execute(engine *p, const char *at, size_t n)
{
	(void)http_parser_execute(p, &settings, at, n);
	return (int)HTTP_PARSER_ERRNO(p);
}

const char *http_engine_method(const struct http_engine *e)
{
	return http_method_str((enum http_method)of_const(e)->method);
}
#endif

unsigned http_engine_version(const struct http_engine *e)
{
	return 10u * of_const(e)->http_major + of_const(e)->http_minor;
}

unsigned http_engine_feed(struct http_engine *e, const struct http_engine_sink *sink, struct http *h,
			  const char *p, size_t n)
{
	struct feed f = { .sink = sink, .h = h };
	of(e)->data = &f;
	int error = execute(of(e), p, n);
	of(e)->data = nullptr;
	return answer_to(error);
}
