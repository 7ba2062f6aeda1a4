/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: priority_parse, priority_drop_tls13, priority_names, priority_dtls_names. */
#include <stdlib.h>
#include <string.h>

#include "config/priority.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	if (text == nullptr)
		return 0;
	memcpy(text, data, size);
	struct priority p;
	struct config_why why = {};
	char names[PRIORITY_NAMES_MAX];
	if (priority_parse(&p, text, &why) == ERR_OK) {
		assert(p.suites_n > 0 && p.suites_n <= PRIORITY_SUITES_MAX);
		assert(p.groups_n > 0 && p.groups_n <= PRIORITY_GROUPS_MAX);
		assert((p.versions & (PRIORITY_TLS12 | PRIORITY_TLS13)) != 0);
		priority_names(&p, names);
		assert(names[0] != '\0');
		priority_dtls_names(&p, names);
		assert(!priority_drop_tls13(&p) || (p.versions & PRIORITY_TLS13) == 0);
	} else {
		assert(why.text[0] != '\0');
	}
	free(text);
	return 0;
}
