/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/profile.h"

#include "base/sandbox.h"

/* Nothing is written, nothing is started; what the resolver reads lies in /etc and with the libraries. */
static const struct sandbox_path paths[] = {
	{ "/etc", SANDBOX_READ }, { "/usr", SANDBOX_READ },         { "/lib", SANDBOX_READ },
	{ "/run", SANDBOX_READ }, { "/dev/urandom", SANDBOX_READ },
};

static const struct sandbox_limit limits[] = {
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_NPROC, 0 },
};

static const struct sandbox_profile profile = {
	.name = "radius",
	.paths = paths,
	.paths_n = ARRAY_LEN(paths),
	.limits = limits,
	.limits_n = ARRAY_LEN(limits),
	.may_connect = true,
};

enum err profile_enter_radius(void)
{
	return sandbox_enter(&profile, false);
}
