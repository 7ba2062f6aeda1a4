/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/saml.h"

#include <stdio.h>
#include <string.h>

const struct auth_method *config_saml(const struct vhost *v)
{
	const struct auth_method *m;
	for (size_t i = 0; (m = config_vhost_method(v, i)) != nullptr; i++)
		if (strcmp(m->name, "saml") == 0)
			return m;
	return nullptr;
}

void config_saml_entity(const struct auth_method *m, char out[CONFIG_SAML_ENTITY_MAX])
{
	const char *own = config_auth_arg(m, "entity-id");
	if (own != nullptr)
		snprintf(out, CONFIG_SAML_ENTITY_MAX, "%s", own);
	else
		snprintf(out, CONFIG_SAML_ENTITY_MAX, "%s%s", config_auth_arg(m, "url"),
			 CONFIG_SAML_METADATA);
}

void config_saml_metadata(struct writer *w, const char *entity, const char *base)
{
	writer_fmt(w,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"%s\">\n"
		   "<SPSSODescriptor AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"true\" "
		   "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n",
		   entity);
	writer_fmt(w,
		   "<AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" "
		   "Location=\"%s%s\" index=\"0\" isDefault=\"true\"/>\n"
		   "</SPSSODescriptor>\n</EntityDescriptor>\n",
		   base, CONFIG_SAML_ACS);
}
