/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/saml_doc.h"

#include <libxml/parser.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/saml_walk.h"

constexpr size_t GROUPS_MAX = 64;

/* {{ bytes */

/* <?xml ...?> at the very beginning; an encoding in which other bytes mean '<' would hide all that is looked for. */
static bool is_plain_head(const char *bytes, size_t len)
{
	char head[128];
	const char *end = memmem(bytes, len, "?>", 2);
	size_t n = end != nullptr ? (size_t)(end - bytes) : len;
	if (len < 6 || memcmp(bytes, "<?xml ", 6) != 0 || n >= sizeof head)
		return false;
	memcpy(head, bytes, n);
	head[n] = '\0';
	const char *encoding = strstr(head, "encoding");
	return encoding == nullptr || strcasestr(encoding, "\"UTF-8\"") != nullptr ||
	       strcasestr(encoding, "'UTF-8'") != nullptr;
}

enum err saml_doc_check_bytes(const char *bytes, size_t len, const char **why)
{
	*why = "the answer is no XML in UTF-8";
	if (len == 0 || len > INT_MAX || bytes[0] != '<' || memchr(bytes, '\0', len) != nullptr)
		return ERR_DENIED;
	if (bytes[1] == '?' && !is_plain_head(bytes, len))
		return ERR_DENIED;
	*why = "the answer has a document type, a comment or CDATA";
	if (memmem(bytes, len, "<!", 2) != nullptr)
		return ERR_DENIED;
	*why = "the answer has a processing instruction";
	return memmem(bytes + 1, len - 1, "<?", 2) == nullptr ? ERR_OK : ERR_DENIED;
}

enum err saml_doc_open(xmlDoc **out, const char *bytes, size_t len, const char **why)
{
	TRY(saml_doc_check_bytes(bytes, len, why));
	*why = "the answer is no XML";
	xmlDoc *doc = xmlReadMemory(bytes, (int)len, nullptr, "UTF-8",
				    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (doc == nullptr)
		return ERR_DENIED;
	*why = saml_walk_shape(doc);
	if (*why != nullptr) {
		xmlFreeDoc(doc);
		return ERR_DENIED;
	}
	*out = doc;
	return ERR_OK;
}

/* {{ is it for us, and now? */

/* "2026-01-31T12:00:00.123Z" */
static bool parse_time(const char *text, time_t *out)
{
	struct tm tm = {};
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (at == nullptr)
		return false;
	if (*at == '.')
		at += 1 + strspn(at + 1, "0123456789");
	*out = timegm(&tm);
	return strcmp(at, "Z") == 0;
}

/* NotBefore and NotOnOrAfter; the latter must be there if is_bound. */
static bool is_time(const xmlNode *n, const struct saml_expect *x, bool is_bound)
{
	char text[64];
	time_t at;
	if (saml_walk_has(n, "NotBefore") && (!saml_walk_attr(n, "NotBefore", text, sizeof text) ||
					      !parse_time(text, &at) || x->now + x->skew_s < at))
		return false;
	if (!saml_walk_has(n, "NotOnOrAfter"))
		return !is_bound;
	return saml_walk_attr(n, "NotOnOrAfter", text, sizeof text) && parse_time(text, &at) &&
	       x->now - x->skew_s < at;
}

static bool is_attr(const xmlNode *n, const char *name, const char *want)
{
	char text[1024];
	return saml_walk_attr(n, name, text, sizeof text) && strcmp(text, want) == 0;
}

static bool is_text(const xmlNode *n, const char *want)
{
	char text[1024];
	return n != nullptr && saml_walk_text(n, text, sizeof text) && strcmp(text, want) == 0;
}

/* Every restriction must name us, and there must be one: an assertion for any other service must not open this door. */
static bool is_audience(const xmlNode *conditions, const char *entity)
{
	size_t n = 0;
	for (const xmlNode *r = saml_walk_child(conditions, "AudienceRestriction"); r != nullptr;
	     r = saml_walk_next(r, "AudienceRestriction"), n++) {
		const xmlNode *a = saml_walk_child(r, "Audience");
		while (a != nullptr && !is_text(a, entity))
			a = saml_walk_next(a, "Audience");
		if (a == nullptr)
			return false;
	}
	return n > 0;
}

static const char *judge_confirmation(const xmlNode *c, const struct saml_expect *x)
{
	const xmlNode *d = saml_walk_child(c, "SubjectConfirmationData");
	if (!is_attr(c, "Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer") || d == nullptr)
		return "the assertion has no confirmation for its bearer";
	if (!is_attr(d, "Recipient", x->acs))
		return "the assertion is for another recipient";
	if (!is_attr(d, "InResponseTo", x->request_id))
		return "the assertion answers another request";
	return is_time(d, x, true) ? nullptr : "the confirmation of the assertion is too old, or too new";
}

static const char *judge_subject(const xmlNode *subject, const struct saml_expect *x)
{
	const char *why = "the assertion has no subject that is confirmed";
	const xmlNode *c = subject != nullptr ? saml_walk_child(subject, "SubjectConfirmation") : nullptr;
	for (; c != nullptr && why != nullptr; c = saml_walk_next(c, "SubjectConfirmation"))
		why = judge_confirmation(c, x);
	return why;
}

static const char *judge_response(const xmlNode *r, const struct saml_expect *x)
{
	const xmlNode *issuer = saml_walk_child(r, "Issuer");
	if (issuer != nullptr && !is_text(issuer, x->idp))
		return "the response has another issuer";
	if (saml_walk_has(r, "Destination") && !is_attr(r, "Destination", x->acs))
		return "the response has another destination";
	return is_attr(r, "InResponseTo", x->request_id) ? nullptr : "the response answers another request";
}

const char *saml_doc_judge(const xmlDoc *doc, const struct saml_expect *x)
{
	const xmlNode *a = saml_walk_assertion(doc), *conditions = saml_walk_child(a, "Conditions");
	const char *why = judge_response(xmlDocGetRootElement(doc), x);
	if (why != nullptr)
		return why;
	if (!is_text(saml_walk_child(a, "Issuer"), x->idp))
		return "the assertion has another issuer";
	if (conditions == nullptr || saml_walk_next(conditions, "Conditions") != nullptr ||
	    !is_audience(conditions, x->entity))
		return "the assertion is for another audience";
	if (!is_time(conditions, x, false))
		return "the assertion is too old, or too new";
	if (saml_walk_child(a, "AuthnStatement") == nullptr)
		return "the assertion does not say that the user has signed on";
	return judge_subject(saml_walk_child(a, "Subject"), x);
}

/* {{ what it says */

static bool is_name(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return *text != '\0';
}

/* The first value after this one, of the first attribute if nullptr; they may be spread over statements and attributes. */
static const xmlNode *next_value(const xmlDoc *doc, const char *name, const xmlNode *last)
{
	const xmlNode *v = last != nullptr ? saml_walk_next(last, "AttributeValue") : nullptr;
	const xmlNode *a = last != nullptr ? last->parent : nullptr;
	const xmlNode *s =
		a != nullptr ? a->parent : saml_walk_child(saml_walk_assertion(doc), "AttributeStatement");
	for (; v == nullptr && s != nullptr; s = saml_walk_next(s, "AttributeStatement"), a = nullptr) {
		a = a != nullptr ? saml_walk_next(a, "Attribute") : saml_walk_child(s, "Attribute");
		for (; a != nullptr && v == nullptr; a = saml_walk_next(a, "Attribute"))
			v = is_attr(a, "Name", name) ? saml_walk_child(a, "AttributeValue") : nullptr;
		if (v != nullptr)
			break;
	}
	return v;
}

enum err saml_doc_name(const xmlDoc *doc, const char *attribute, char out[SAML_NAME_MAX])
{
	const xmlNode *subject = saml_walk_child(saml_walk_assertion(doc), "Subject");
	const xmlNode *v = attribute != nullptr ? next_value(doc, attribute, nullptr)
			   : subject != nullptr ? saml_walk_child(subject, "NameID")
						: nullptr;
	if (v == nullptr || !saml_walk_text(v, out, SAML_NAME_MAX) || !is_name(out))
		return ERR_DENIED;
	return ERR_OK;
}

bool saml_doc_has(const xmlDoc *doc, const char *attribute, const char *value)
{
	const xmlNode *v = next_value(doc, attribute, nullptr);
	while (v != nullptr && !is_text(v, value))
		v = next_value(doc, attribute, v);
	return v != nullptr;
}

enum err saml_doc_groups(const xmlDoc *doc, const char *attribute, Msg__Facts *f)
{
	char name[SAML_NAME_MAX];
	f->groups = calloc(GROUPS_MAX, sizeof(char *));
	if (f->groups == nullptr)
		return ERR_NOMEM;
	for (const xmlNode *v = next_value(doc, attribute, nullptr); v != nullptr && f->n_groups < GROUPS_MAX;
	     v = next_value(doc, attribute, v)) {
		if (!saml_walk_text(v, name, sizeof name) || !is_name(name))
			continue;
		f->groups[f->n_groups] = strdup(name);
		if (f->groups[f->n_groups] == nullptr)
			return ERR_NOMEM;
		f->n_groups++;
	}
	return ERR_OK;
}
