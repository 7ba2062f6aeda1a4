/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Target: proxy_parse. */
#include "wire/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy h = {}, part = {};
	if (proxy_parse(&h, data, size) != ERR_OK)
		return 0;
	assert(h.len > 0 && h.len <= size && h.len <= PROXY_MAX);
	/* a header is whole at its last byte, not before */
	enum err e = proxy_parse(&part, data, h.len);
	assert(e == ERR_OK && part.len == h.len);
	for (size_t n = 0; n < h.len; n++) {
		e = proxy_parse(&part, data, n);
		assert(e == ERR_SHORT);
	}
	return 0;
}
