/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * saml_doc - the answer of a SAML identity provider: its bytes, its shape, and what it says
 *
 *	saml_doc_open -> (the caller has the signature verified, over these same bytes) -> saml_doc_judge -> saml_doc_...
 *
 * Only one shape is let through: one Response with one Assertion as its child, signatures of these two alone, each with one reference to
 * the element it stands in, and no other element with that name or identifier.  So what a signature covers is what is read here.
 *
 * Runs in:  a child of the auth process, without rights.
 * Source:   SAML 2.0 core and profiles 4.1.4; XML Signature 1.1.
 */
#pragma once

#include <libxml/tree.h>
#include <time.h>

#include "ipc/messages.pb-c.h"
#include "base/base.h"

constexpr size_t SAML_NAME_MAX = 256; /* with the end */

/* What an answer has to be about. */
struct saml_expect {
	const char *idp;        /* entity identifiers: of the provider, */
	const char *entity;     /* and ours */
	const char *acs;        /* address it was sent to */
	const char *request_id; /* that it answers */
	time_t now;
	uint32_t skew_s; /* that clocks may differ */
};

/* UTF-8 with neither a document type, a comment, a processing instruction nor CDATA: nothing to expand, and no text in two pieces.
 * ERR_DENIED: why tells. */
enum err saml_doc_check_bytes(const char *bytes, size_t len, const char **why);
/* Also its shape.  The caller frees with xmlFreeDoc.  ERR_DENIED: why tells; static, or of the buffer that is used anew. */
enum err saml_doc_open(xmlDoc **out, const char *bytes, size_t len, const char **why);
/* Why it is not good for us, now; nullptr: it is.  Nothing of it may be believed before its signature was verified. */
const char *saml_doc_judge(const xmlDoc *doc, const struct saml_expect *x);
/* The first value of this attribute of the user, his NameID if nullptr.  ERR_DENIED: there is none, or it is no name. */
enum err saml_doc_name(const xmlDoc *doc, const char *attribute, char out[SAML_NAME_MAX]);
/* Is this one of the values of the attribute? */
bool saml_doc_has(const xmlDoc *doc, const char *attribute, const char *value);
/* All values that are names; malloc'ed, each and the list. */
enum err saml_doc_groups(const xmlDoc *doc, const char *attribute, Msg__Facts *f);
