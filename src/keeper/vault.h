/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vault - memory for private keys: never on disk, never in a core image, wiped when given back
 *
 * Owner:  who called vault_new; whole pages, so for few and long-lived things.
 */
#pragma once

#include "base/base.h"

struct vault {
	uint8_t *p;
	size_t len;
};

/* Zeroed; aligned to a page.  Where the limit on locked memory is reached it is not locked, and one warning says so. */
enum err vault_new(struct vault *out, size_t len);
void vault_fini(struct vault *s);
