/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/saml_walk.h"

#include <string.h>
#include <strings.h>

static const char of_assertion[] = "urn:oasis:names:tc:SAML:2.0:assertion";
static const char of_protocol[] = "urn:oasis:names:tc:SAML:2.0:protocol";
static const char of_signature[] = "http://www.w3.org/2000/09/xmldsig#";

/* {{ one element */

static bool is_named(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

static bool is_in(const xmlNode *n, const char *ns)
{
	return n->ns != nullptr && n->ns->href != nullptr && strcmp((const char *)n->ns->href, ns) == 0;
}

static const xmlNode *first(const xmlNode *n, const char *name, const char *ns)
{
	while (n != nullptr && !(is_named(n, name) && is_in(n, ns)))
		n = n->next;
	return n;
}

const xmlNode *saml_walk_child(const xmlNode *n, const char *name)
{
	return first(n->children, name, of_assertion);
}

const xmlNode *saml_walk_next(const xmlNode *n, const char *name)
{
	return first(n->next, name, of_assertion);
}

const xmlNode *saml_walk_assertion(const xmlDoc *doc)
{
	return saml_walk_child(xmlDocGetRootElement(doc), "Assertion");
}

static bool copy(char *out, size_t cap, xmlChar *text)
{
	size_t len = text != nullptr ? strlen((const char *)text) : cap;
	bool fits = len < cap;
	if (fits)
		memcpy(out, text, len + 1);
	xmlFree(text);
	return fits;
}

bool saml_walk_has(const xmlNode *n, const char *name)
{
	return xmlHasNsProp(n, (const xmlChar *)name, nullptr) != nullptr;
}

bool saml_walk_attr(const xmlNode *n, const char *name, char *out, size_t cap)
{
	return copy(out, cap, xmlGetNoNsProp(n, (const xmlChar *)name));
}

bool saml_walk_text(const xmlNode *n, char *out, size_t cap)
{
	static const char blanks[] = " \t\r\n";
	for (const xmlNode *c = n->children; c != nullptr; c = c->next)
		if (c->type != XML_TEXT_NODE)
			return false;
	if (!copy(out, cap, xmlNodeGetContent(n)))
		return false;
	size_t begin = strspn(out, blanks), len = strlen(out);
	while (len > begin && strchr(blanks, out[len - 1]) != nullptr)
		len--;
	memmove(out, out + begin, len - begin);
	out[len - begin] = '\0';
	return true;
}

/* {{ signatures */

static const char *const transforms[] = { "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
					  "http://www.w3.org/2001/10/xml-exc-c14n#", nullptr };
static const char *const canonical[] = { "http://www.w3.org/2001/10/xml-exc-c14n#", nullptr };
static const char *const digests[] = { "http://www.w3.org/2001/04/xmlenc#sha256",
				       "http://www.w3.org/2001/04/xmldsig-more#sha384",
				       "http://www.w3.org/2001/04/xmlenc#sha512", nullptr };
static const char *const methods[] = { "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
				       "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
				       "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
				       "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
				       "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
				       "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
				       nullptr };

static const struct {
	const char *element;
	const char *const *list;
} algorithms[] = {
	{ "Transform", transforms },
	{ "CanonicalizationMethod", canonical },
	{ "DigestMethod", digests },
	{ "SignatureMethod", methods },
};

static bool is_listed(const xmlNode *n, const char *const *list)
{
	char text[128];
	if (!saml_walk_attr(n, "Algorithm", text, sizeof text))
		return false;
	while (*list != nullptr && strcmp(*list, text) != 0)
		list++;
	return *list != nullptr;
}

static bool is_algorithm_good(const xmlNode *n)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (is_named(n, algorithms[i].element))
			return is_listed(n, algorithms[i].list);
	return true;
}

/* One reference, to the element that the signature stands in. */
static bool is_signature_good(const xmlNode *s)
{
	char id[256], uri[sizeof id + 1];
	const xmlNode *info = first(s->children, "SignedInfo", of_signature);
	const xmlNode *r = info != nullptr ? first(info->children, "Reference", of_signature) : nullptr;
	return first(s->next, "Signature", of_signature) == nullptr && r != nullptr &&
	       first(info->next, "SignedInfo", of_signature) == nullptr &&
	       first(r->next, "Reference", of_signature) == nullptr &&
	       saml_walk_attr(s->parent, "ID", id, sizeof id) && id[0] != '\0' &&
	       saml_walk_attr(r, "URI", uri, sizeof uri) && uri[0] == '#' && strcmp(uri + 1, id) == 0;
}

/* {{ the whole */

struct seen {
	unsigned responses, assertions, signatures;
	const xmlNode *root;
};

/* Identifiers are the root's and the assertion's; another one may be what a signature means in place of them. */
static bool has_stray_id(const xmlNode *n)
{
	for (const xmlAttr *a = n->properties; a != nullptr; a = a->next)
		if (strcasecmp((const char *)a->name, "id") == 0)
			return true;
	return false;
}

static const char *look(const xmlNode *n, struct seen *s)
{
	bool is_response = is_named(n, "Response"), is_assertion = is_named(n, "Assertion");
	s->responses += is_response;
	s->assertions += is_assertion;
	if (is_assertion && (n->parent != s->root || !is_in(n, of_assertion)))
		return "the answer has an assertion where none belongs";
	if (is_named(n, "EncryptedAssertion") || is_named(n, "EncryptedID"))
		return "the answer is encrypted, which is not supported; turn it off at the provider";
	if (!is_response && !is_assertion && has_stray_id(n))
		return "the answer has an identifier where none belongs";
	if (is_named(n, "Signature")) {
		s->signatures++;
		bool is_placed = n->parent == s->root || is_named(n->parent, "Assertion");
		if (!is_placed || !is_in(n, of_signature) || !is_signature_good(n))
			return "the answer has a signature of another element than the one it is in";
	}
	if (is_named(n, "Object") || is_named(n, "Manifest"))
		return "the answer has an object in a signature";
	return is_algorithm_good(n) ? nullptr : "the answer is signed by an algorithm that is not accepted";
}

/* The next element in the order of the document. */
static const xmlNode *following(const xmlNode *n, const xmlNode *root)
{
	const xmlNode *at = n->children;
	while (at == nullptr && n != root) {
		at = n->next;
		n = n->parent;
	}
	return at;
}

static bool is_success(const xmlNode *root)
{
	char text[128];
	const xmlNode *s = first(root->children, "Status", of_protocol);
	const xmlNode *code = s != nullptr ? first(s->children, "StatusCode", of_protocol) : nullptr;
	return code != nullptr && saml_walk_attr(code, "Value", text, sizeof text) &&
	       strcmp(text, "urn:oasis:names:tc:SAML:2.0:status:Success") == 0;
}

const char *saml_walk_shape(const xmlDoc *doc)
{
	struct seen s = { .root = xmlDocGetRootElement(doc) };
	if (doc->intSubset != nullptr || s.root == nullptr || !is_named(s.root, "Response") ||
	    !is_in(s.root, of_protocol))
		return "the answer is no SAML response";
	if (!is_success(s.root))
		return "the identity provider did not let the user in";
	for (const xmlNode *n = s.root; n != nullptr; n = following(n, s.root)) {
		const char *why = n->type == XML_ELEMENT_NODE ? look(n, &s)
				  : n->type == XML_TEXT_NODE  ? nullptr
							      : "the answer has more than elements and text";
		if (why != nullptr)
			return why;
	}
	char one[256], other[256];
	if (s.responses != 1 || s.assertions != 1)
		return "the answer has not one response with one assertion";
	if (!saml_walk_attr(s.root, "ID", one, sizeof one) ||
	    !saml_walk_attr(saml_walk_assertion(doc), "ID", other, sizeof other) || strcmp(one, other) == 0)
		return "response and assertion have the same identifier, or none";
	return s.signatures > 0 ? nullptr : "the answer is not signed";
}
