/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pem - the blocks of a PEM file, one after the other
 *
 * Owner:  the caller owns the text; a block points into it.
 * Never:  allocates or decodes.
 */
#pragma once

#include "base/passwd.h"

struct pem_block {
	struct span label; /* between "-----BEGIN " and "-----" */
	struct span body;  /* base64 lines, and headers of the old encrypted form */
	struct span whole; /* from BEGIN to the end of the END line */
};

/* The next well-formed block; *left moves behind it.  Text between blocks is skipped. */
bool pem_next(struct span *left, struct pem_block *out);
