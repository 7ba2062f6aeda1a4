/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * secret - a key or token that is wiped when it leaves scope
 *
 *	struct secret psk OWNED(secret_wipe) = {};
 *
 * Owner: the caller.
 * Never: logs, allocates.
 */
#pragma once

#include "base/base.h"

constexpr size_t SECRET_MAX = 64;

struct secret {
	uint8_t b[SECRET_MAX];
	uint8_t len;
};

/* ERR_RANGE if it does not fit: s is then as before. */
enum err secret_set(struct secret *s, const void *p, size_t len);
/* Zero all of it, length too; the compiler may not leave it out. */
void secret_wipe(struct secret *s);
void secret_wipe_bytes(void *p, size_t len);

/* Time depends on the lengths only.  Two empty secrets are not equal: a secret that was never set opens nothing. */
bool secret_is_equal(const struct secret *a, const struct secret *b);
bool secret_is_equal_bytes(const void *a, const void *b, size_t len);
