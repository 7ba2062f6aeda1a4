/* SPDX-License-Identifier: GPL-3.0-or-later */
/* saml_walk - through the tree of an answer: its shape, and elements of the namespace of assertions; for saml_doc.c */
#pragma once

#include <libxml/tree.h>

#include "base/base.h"

/* Why the tree has not the only shape that is let through (saml_doc.h); nullptr: it has. */
const char *saml_walk_shape(const xmlDoc *doc);
/* The only one; the shape was checked. */
const xmlNode *saml_walk_assertion(const xmlDoc *doc);
/* The first child, the next sibling of that name; nullptr: none. */
const xmlNode *saml_walk_child(const xmlNode *n, const char *name);
const xmlNode *saml_walk_next(const xmlNode *n, const char *name);
/* An attribute without a namespace; false: it is not there, or does not fit. */
bool saml_walk_has(const xmlNode *n, const char *name);
bool saml_walk_attr(const xmlNode *n, const char *name, char *out, size_t cap);
/* All the text, without blanks around it; false: it has elements in it, or does not fit. */
bool saml_walk_text(const xmlNode *n, char *out, size_t cap);
