/* SPDX-License-Identifier: GPL-3.0-or-later */
/* saml_doc: the answer of a SAML provider, as a stranger could write it */
#include <stdlib.h>
#include <string.h>

#include "auth/saml_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct saml_expect x = { .idp = "https://idp.example/saml",
					      .entity = "https://vpn.example/+saml/metadata",
					      .acs = "https://vpn.example/+saml/acs",
					      .request_id = "_r",
					      .now = 1'796'070'935,
					      .skew_s = 60 };
	xmlDoc *doc = nullptr;
	const char *why = nullptr;
	char name[SAML_NAME_MAX];
	if (saml_doc_open(&doc, (const char *)data, size, &why) != ERR_OK) {
		assert(doc == nullptr && why != nullptr);
		return 0;
	}
	Msg__Facts f = MSG__FACTS__INIT;
	saml_doc_judge(doc, &x); /* of the seed "good": nullptr */
	if (saml_doc_name(doc, nullptr, name) == ERR_OK)
		assert(name[0] != '\0' && strlen(name) < sizeof name);
	saml_doc_has(doc, "groups", "staff");
	if (saml_doc_groups(doc, "groups", &f) == ERR_OK)
		assert(f.n_groups <= 64);
	for (size_t i = 0; i < f.n_groups; i++)
		free(f.groups[i]);
	free(f.groups);
	xmlFreeDoc(doc);
	return 0;
}
