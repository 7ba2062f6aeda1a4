/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sso_query_parse, sso_form_parse: what a browser brings behind the question mark, or in a form */
#include <string.h>

#include "wire/sso.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sso_query q;
	if (sso_form_parse(&q, (struct slice){ .p = (const char *)data, .n = size }) == ERR_OK)
		assert(q.saml.n <= size && q.code[0] == '\0' && !q.has_id);
	if (sso_query_parse(&q, (struct slice){ .p = (const char *)data, .n = size }) != ERR_OK)
		return 0;
	assert(strlen(q.code) <= SSO_CODE_MAX && strlen(q.error) <= SSO_ERROR_MAX);
	sso_query_wipe(&q);
	assert(q.code[0] == '\0' && !q.has_state);
	return 0;
}
