/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Target: scrape_parse. */
#include "metrics/scrape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scrape s = {}, part = {};
	unsigned status = 0;
	enum err e = scrape_parse(&s, &status, (const char *)data, size);
	if (e == ERR_SHORT) {
		assert(size < SCRAPE_HEAD_MAX);
		return 0;
	}
	assert(e == ERR_OK ? status == 200 : status >= 400);
	if (e != ERR_OK)
		return 0;
	assert(s.what == SCRAPE_METRICS || s.what == SCRAPE_HEALTH);
	/* what follows the head changes nothing, and no part of it is a whole one */
	for (size_t n = 0; n < MIN(size, SCRAPE_HEAD_MAX); n++) {
		e = scrape_parse(&part, &status, (const char *)data, n);
		assert(e == ERR_SHORT || (e == ERR_OK && part.what == s.what && part.is_head == s.is_head));
	}
	return 0;
}
