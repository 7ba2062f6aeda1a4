/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZER 1
#endif
#endif
#ifndef SANITIZER
#define SANITIZER 0
#endif

/*
 * In a sanitizer build only: the run-time reads /proc/self, starts a thread that looks for leaks with ptrace, and asks
 * for limits.  So such a build proves the code, not the walls; tests of the walls say so and skip what is open here.
 */
static const int sanitizer_calls[] = {
	SCMP_SYS(openat),  SCMP_SYS(readlink),   SCMP_SYS(readlinkat),      SCMP_SYS(stat),
	SCMP_SYS(lstat),   SCMP_SYS(newfstatat), SCMP_SYS(getdents64),      SCMP_SYS(clone),
	SCMP_SYS(clone3),  SCMP_SYS(ptrace),     SCMP_SYS(wait4),           SCMP_SYS(prctl),
	SCMP_SYS(kill),    SCMP_SYS(tgkill),     SCMP_SYS(prlimit64),       SCMP_SYS(getrlimit),
	SCMP_SYS(getppid), SCMP_SYS(mmap),       SCMP_SYS(mprotect),        SCMP_SYS(process_vm_readv),
	SCMP_SYS(uname),   SCMP_SYS(sysinfo),    SCMP_SYS(set_tid_address), SCMP_SYS(arch_prctl),
	SCMP_SYS(pread64), SCMP_SYS(access),     SCMP_SYS(mlock),           SCMP_SYS(sched_getaffinity),
	SCMP_SYS(dup2),    SCMP_SYS(fcntl),      SCMP_SYS(ioctl),           SCMP_SYS(msync),
	SCMP_SYS(vfork),
};
static const struct sandbox_path sanitizer_paths[] = { { "/proc", SANDBOX_READ } };

/* Calls that every process may make with these arguments only: memory is never executable, descriptors are not signalled,
 * a limit can be asked for but not set. */
static const struct sandbox_rule base_rules[] = {
	SANDBOX_IF_CLEAR(mmap, 2, PROT_EXEC),     SANDBOX_IF_CLEAR(mprotect, 2, PROT_EXEC),
	SANDBOX_IF_EQ(fcntl, 1, F_GETFL),         SANDBOX_IF_EQ(fcntl, 1, F_SETFL),
	SANDBOX_IF_EQ(fcntl, 1, F_GETFD),         SANDBOX_IF_EQ(fcntl, 1, F_SETFD),
	SANDBOX_IF_EQ(fcntl, 1, F_DUPFD_CLOEXEC), SANDBOX_IF_EQ(fcntl, 1, F_GET_SEALS),
	SANDBOX_IF_EQ(ioctl, 1, FIONBIO),         SANDBOX_IF_EQ(ioctl, 1, FIONREAD),
	SANDBOX_IF_EQ(prctl, 0, PR_SET_NAME),     { SCMP_SYS(prlimit64), 1, { { 2, UINT64_MAX, 0 } } },
};

/* A library tries these and has another way: libuv io_uring; glibc clone3; mimalloc looks for NUMA nodes and names its
 * memory (PR_SET_VMA); stdio asks what it writes to (fstat is newfstatat in the C library, which could also name any file,
 * and Landlock does not hide names). */
static const int base_errno[] = {
	SCMP_SYS(io_uring_setup), SCMP_SYS(clone3),     SCMP_SYS(access),
	SCMP_SYS(faccessat),      SCMP_SYS(newfstatat), SCMP_SYS(statx),
};
static const struct sandbox_rule base_errno_rules[] = {
	SANDBOX_IF_EQ(ioctl, 1, 0x5401 /* TCGETS */),
	SANDBOX_IF_EQ(prctl, 0, 0x53564d41 /* PR_SET_VMA */),
};

/* {{ Landlock: own constants, because the headers of Debian 12 end at ABI 2 }} */

struct landlock_ruleset {
	uint64_t fs, net, scoped;
};
struct [[gnu::packed]] landlock_beneath {
	uint64_t allowed;
	int32_t parent_fd;
};
constexpr int LANDLOCK_BENEATH = 1;
constexpr uint32_t LANDLOCK_VERSION = 1;

enum landlock_fs : uint64_t {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_TRUNCATE = 1 << 14,
	FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | 1 << 15,
};
constexpr uint64_t NET_BIND = 1, NET_CONNECT = 2;
/* Rights that the kernel knows, by ABI (the first is ABI 1). */
static const uint8_t fs_bits[] = { 13, 14, 15, 15, 16 };

static struct landlock_ruleset all_of(long abi, bool may_connect)
{
	size_t row = MIN((size_t)abi, ARRAY_LEN(fs_bits)) - 1;
	return (struct landlock_ruleset){
		.fs = (1ULL << fs_bits[row]) - 1,
		.net = abi < 4       ? 0
		       : may_connect ? NET_BIND
				     : NET_BIND | NET_CONNECT,
		.scoped = abi < 6 ? 0 : 3, /* abstract Unix sockets, signals */
	};
}

static uint64_t rights_of(uint8_t access)
{
	return ((access & SANDBOX_READ) != 0 ? FS_READ_FILE | FS_READ_DIR : 0) |
	       ((access & SANDBOX_WRITE) != 0 ? FS_WRITE_FILE | FS_TRUNCATE : 0) |
	       ((access & SANDBOX_MAKE) != 0 ? FS_MAKE_REG | FS_MAKE_SOCK | FS_REMOVE_FILE : 0);
}

static enum err open_path(int ruleset, const struct sandbox_path *path, uint64_t handled)
{
	int fd OWNED(base_closep) = open(path->path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_OK : ERR_SYS;
	uint64_t allowed = rights_of(path->access) & handled;
	struct landlock_beneath rule = { .allowed = allowed, .parent_fd = fd };
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_BENEATH, &rule, 0) == 0)
		return ERR_OK;
	/* a file takes no rights of folders */
	rule.allowed = allowed & FS_OF_FILES;
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_BENEATH, &rule, 0) == 0 ? ERR_OK : ERR_SYS;
}

static enum err open_paths(int ruleset, const struct sandbox_path *paths, size_t n, uint64_t handled)
{
	for (size_t i = 0; i < n; i++)
		TRY(open_path(ruleset, &paths[i], handled));
	return ERR_OK;
}

static enum err close_files(const struct sandbox_profile *p)
{
	long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_VERSION);
	if (abi < 1) {
		log_notice(
			"sandbox.no_landlock profile=%s cure=\"enable CONFIG_SECURITY_LANDLOCK and lsm=landlock\"",
			p->name);
		return ERR_OK;
	}
	struct landlock_ruleset all = all_of(abi, p->may_connect);
	/* a kernel refuses a structure longer than its own only if the rest is not zero */
	int ruleset OWNED(base_closep) = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
	if (ruleset < 0)
		return ERR_SYS;
	TRY(open_paths(ruleset, p->paths, p->paths_n, all.fs));
	if (SANITIZER)
		TRY(open_paths(ruleset, sanitizer_paths, ARRAY_LEN(sanitizer_paths), all.fs));
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? ERR_OK : ERR_SYS;
}

/* {{ capabilities, limits }} */

static enum err drop_capabilities(void)
{
	/* the bounding set goes only with CAP_SETPCAP; a child of the supervisor has an empty one already */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	capng_clear(CAPNG_SELECT_CAPS);
	return capng_apply(CAPNG_SELECT_CAPS) == 0 ? ERR_OK : ERR_SYS;
}

static enum err set_limit(const struct sandbox_limit *l)
{
	struct rlimit now;
	if (SANITIZER && l->resource == RLIMIT_NPROC)
		return ERR_OK; /* the leak detector is a thread */
	if (getrlimit(l->resource, &now) != 0)
		return ERR_SYS;
	rlim_t to = MIN(l->value, now.rlim_max);
	return setrlimit(l->resource, &(struct rlimit){ to, to }) == 0 ? ERR_OK : ERR_SYS;
}

/* {{ seccomp }} */

static enum err add_calls(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add(ctx, action, calls[i], 0);
		if (r != 0 && r != -EEXIST)
			return ERR_SYS;
	}
	return ERR_OK;
}

static enum err add_rules(scmp_filter_ctx ctx, uint32_t action, const struct sandbox_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct scmp_arg_cmp cmp[ARRAY_LEN(rules->when)];
		for (unsigned j = 0; j < rules[i].n; j++) {
			const struct sandbox_when *w = &rules[i].when[j];
			cmp[j] = SCMP_CMP64(w->arg, SCMP_CMP_MASKED_EQ, w->mask, w->value);
		}
		int r = seccomp_rule_add_array(ctx, action, rules[i].syscall, rules[i].n, cmp);
		if (r != 0 && r != -EEXIST)
			return ERR_SYS;
	}
	return ERR_OK;
}

/* The profile allows the call with some arguments: that stands. */
static bool is_in_rules(const struct sandbox_profile *p, int call)
{
	for (size_t i = 0; i < p->rules_n; i++)
		if (p->rules[i].syscall == call)
			return true;
	return false;
}

static enum err add_base_errno(scmp_filter_ctx ctx, const struct sandbox_profile *p)
{
	TRY(add_rules(ctx, SCMP_ACT_ERRNO(ENOSYS), base_errno_rules, ARRAY_LEN(base_errno_rules)));
	for (size_t i = 0; i < ARRAY_LEN(base_errno); i++)
		if (!is_in_rules(p, base_errno[i]))
			TRY(add_calls(ctx, SCMP_ACT_ERRNO(ENOSYS), &base_errno[i], 1));
	return ERR_OK;
}

static enum err fill(scmp_filter_ctx ctx, const struct sandbox_profile *p)
{
	const struct sandbox_rule own_signals = SANDBOX_IF_EQ(tgkill, 0, getpid()); /* abort */
	if (SANITIZER)
		TRY(add_calls(ctx, SCMP_ACT_ALLOW, sanitizer_calls, ARRAY_LEN(sanitizer_calls)));
	TRY(add_calls(ctx, SCMP_ACT_ALLOW, p->syscalls, p->syscalls_n));
	TRY(add_rules(ctx, SCMP_ACT_ALLOW, base_rules, ARRAY_LEN(base_rules)));
	TRY(add_rules(ctx, SCMP_ACT_ALLOW, p->rules, p->rules_n));
	TRY(add_rules(ctx, SCMP_ACT_ALLOW, &own_signals, 1));
	TRY(add_calls(ctx, SCMP_ACT_ERRNO(ENOSYS), p->errno_syscalls, p->errno_n));
	return add_base_errno(ctx, p);
}

static void release(scmp_filter_ctx *ctx)
{
	if (*ctx != nullptr)
		seccomp_release(*ctx);
}

static enum err close_calls(const struct sandbox_profile *p)
{
	scmp_filter_ctx ctx OWNED(release) = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (ctx == nullptr)
		return ERR_NOMEM;
	if (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) != 0)
		return ERR_UNSUPPORTED;
	/* a binary tree: the filter runs at each system call of the packet path */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	TRY(fill(ctx, p));
	return seccomp_load(ctx) == 0 ? ERR_OK : ERR_UNSUPPORTED;
}

enum err sandbox_enter(const struct sandbox_profile *p, bool isolate)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ERR_SYS;
	/* started by descriptor, a process has the number of that as its name on kernels before 6.14 */
	char name[16];
	snprintf(name, sizeof name, "ocserv-%s", p->name);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	for (size_t i = 0; i < p->limits_n; i++)
		TRY(set_limit(&p->limits[i]));
	TRY(drop_capabilities());
	if (!isolate)
		return ERR_OK;
	/* the leak detector looks into its own process with ptrace */
	if (!SANITIZER && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return ERR_SYS;
	TRY(close_files(p));
	return close_calls(p);
}
