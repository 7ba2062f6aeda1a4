/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/profile.h"

#include <sys/socket.h>

static const int calls[] = {
	SANDBOX_BASE_SYSCALLS,
	SCMP_SYS(accept4),
};

static const struct sandbox_rule rules[] = {
	SANDBOX_IF_EQ2(setsockopt, 1, SOL_SOCKET, 2, SO_SNDBUF),
	SANDBOX_IF_EQ2(setsockopt, 1, SOL_SOCKET, 2, SO_RCVBUF),
};

static const struct sandbox_limit limits[] = {
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_NPROC, 0 },
};

const struct sandbox_profile profile_metrics = {
	.name = "metrics",
	.syscalls = calls,
	.syscalls_n = ARRAY_LEN(calls),
	.rules = rules,
	.rules_n = ARRAY_LEN(rules),
	.limits = limits,
	.limits_n = ARRAY_LEN(limits),
};
