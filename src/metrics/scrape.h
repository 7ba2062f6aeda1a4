/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scrape - the head of an HTTP request for metrics or health
 *
 * Only what this needs: GET and HEAD, HTTP/1.0 and 1.1, no body, one request a connection.  Never allocates.
 */
#pragma once

#include "base/base.h"

constexpr size_t SCRAPE_HEAD_MAX = 4096;

enum scrape_what : uint8_t { SCRAPE_METRICS = 1, SCRAPE_HEALTH };

struct scrape {
	enum scrape_what what;
	bool is_head;
	bool wants_openmetrics; /* its Accept names that; else the older text format, as Prometheus' own libraries do it */
};

/* *status is 200 on ERR_OK.  ERR_SHORT: the head is not whole yet; ERR_PROTO: *status is what to answer: 400, 404, 405, 431 or 505. */
enum err scrape_parse(struct scrape *out, unsigned *status, const char *head, size_t len);
