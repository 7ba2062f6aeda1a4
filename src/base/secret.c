/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret.h"

#include <string.h>

static_assert(SECRET_MAX <= UINT8_MAX);

enum err secret_set(struct secret *s, const void *p, size_t len)
{
	if (len > SECRET_MAX)
		return ERR_RANGE;
	secret_wipe(s);
	if (len > 0)
		memcpy(s->b, p, len);
	s->len = (uint8_t)len;
	return ERR_OK;
}

void secret_wipe(struct secret *s)
{
	explicit_bzero(s, sizeof *s);
}

void secret_wipe_bytes(void *p, size_t len)
{
	explicit_bzero(p, len);
}

bool secret_is_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && a->len > 0 && a->len <= SECRET_MAX &&
	       secret_is_equal_bytes(a->b, b->b, a->len);
}

bool secret_is_equal_bytes(const void *a, const void *b, size_t len)
{
	/* volatile: the compiler must not leave the loop at the first difference */
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;
	for (size_t i = 0; i < len; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}
