/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/profile.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>

static const int calls[] = {
	SANDBOX_BASE_SYSCALLS,
	SCMP_SYS(pread64), /* files come as descriptors */
	SCMP_SYS(mlock),
	/* the database of recall.h, whose files are open already: none can be opened */
	SCMP_SYS(pwrite64),
	SCMP_SYS(fsync), /* also of a file that the supervisor has opened for it */
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(munlock),
};

static const struct sandbox_rule rules[] = {
	SANDBOX_IF_EQ(fcntl, 1, F_SETLK),
	SANDBOX_IF_EQ(fcntl, 1, F_GETLK),
	/* threads of back ends, but no process */
	SANDBOX_IF_SET(clone, 0, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND),
	/* maps it was given; neither programs nor maps can be made */
	SANDBOX_IF_EQ(bpf, 0, BPF_MAP_UPDATE_ELEM),
	SANDBOX_IF_EQ(bpf, 0, BPF_MAP_DELETE_ELEM),
};

static const int absent[] = {
	SCMP_SYS(clone3), /* its flags cannot be seen by seccomp; glibc then takes clone */
};

static const struct sandbox_limit limits[] = {
	{ RLIMIT_CORE, 0 },
};

const struct sandbox_profile profile_keeper = {
	.name = "keeper",
	.syscalls = calls,
	.syscalls_n = ARRAY_LEN(calls),
	.rules = rules,
	.rules_n = ARRAY_LEN(rules),
	.errno_syscalls = absent,
	.errno_n = ARRAY_LEN(absent),
	.limits = limits,
	.limits_n = ARRAY_LEN(limits),
};
