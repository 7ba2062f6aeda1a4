/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: hello_parse, hello_has. */
#include <string.h>

#include "wire/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t scratch[HELLO_MAX];
	struct hello h, again;
	memset(&h, 0, sizeof h);
	if (hello_parse(&h, data, size, scratch) != ERR_OK)
		return 0;
	assert(h.suites.n > 0 && h.suites.n <= HELLO_LIST_MAX && h.schemes.n <= HELLO_LIST_MAX);
	assert(strlen(h.name) <= HELLO_NAME_MAX && hello_has(&h.suites, h.suites.v[0]));
	/* a stream is judged the same however it arrives: what is good now was only short before */
	for (size_t cut = 0; cut < size; cut += 1 + size / 16) {
		enum err e = hello_parse(&again, data, cut, scratch);
		assert(e == ERR_SHORT || e == ERR_OK);
	}
	return 0;
}
