/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/profile.h"

#include "base/sandbox.h"

/* The resolver of the C library may load modules and read anywhere in /etc: neither calls nor files are closed. */
static const struct sandbox_limit limits[] = {
	{ RLIMIT_CORE, 0 },
};

static const struct sandbox_profile profile = {
	.name = "auth-net",
	.limits = limits,
	.limits_n = ARRAY_LEN(limits),
};

enum err profile_enter_network(void)
{
	return sandbox_enter(&profile, false);
}
