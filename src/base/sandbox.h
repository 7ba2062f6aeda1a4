/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sandbox - give up everything a process does not need, for good
 *
 * A profile is data: one constant a process, in its profile.c.  sandbox_enter is called once, in the process's main,
 * when its descriptors are open and before the first byte from the network; there is no way back.
 *
 * Runs in: every child, on its only thread (threads made later inherit all of it).
 */
#pragma once

#include <seccomp.h>
#include <sys/resource.h>

#include "base/base.h"

/* (argument & mask) == value */
struct sandbox_when {
	unsigned arg; /* 0-5 */
	uint64_t mask;
	uint64_t value;
};
/* A system call that is allowed if all its conditions hold.  Several rules of one call: any of them is enough. */
struct sandbox_rule {
	int syscall;
	unsigned n; /* conditions */
	struct sandbox_when when[2];
};
/* clang-format off */
/* The int argument arg equals value; the same of two arguments; none of the bits is set; all of them are. */
#define SANDBOX_IF_EQ(name, arg, v) { SCMP_SYS(name), 1, { { arg, UINT32_MAX, (uint32_t)(v) } } }
#define SANDBOX_IF_EQ2(name, arg, v, arg2, v2) \
	{ SCMP_SYS(name), 2, { { arg, UINT32_MAX, (uint32_t)(v) }, { arg2, UINT32_MAX, (uint32_t)(v2) } } }
#define SANDBOX_IF_CLEAR(name, arg, bits) { SCMP_SYS(name), 1, { { arg, (uint32_t)(bits), 0 } } }
#define SANDBOX_IF_SET(name, arg, bits) { SCMP_SYS(name), 1, { { arg, (uint32_t)(bits), (uint32_t)(bits) } } }
/* clang-format on */

/* What Landlock leaves open below a path (a file or a folder). */
enum sandbox_access : uint8_t {
	SANDBOX_READ = 1 << 0, /* open for reading, list a folder */
	SANDBOX_WRITE = 1 << 1, /* open for writing, truncate */
	SANDBOX_MAKE = 1 << 2, /* create, rename and remove files and sockets */
};
struct sandbox_path {
	const char *path; /* one that does not exist is left out */
	uint8_t access; /* of enum sandbox_access */
};

struct sandbox_limit {
	int resource; /* RLIMIT_... */
	rlim_t value; /* soft and hard; one that is lower already stays */
};

struct sandbox_profile {
	const char *name; /* for messages; the process is called "ocserv-<name>" */
	const int *syscalls; /* allowed with any argument; SANDBOX_BASE_SYSCALLS first */
	size_t syscalls_n;
	const struct sandbox_rule *rules; /* beside those of every process: mmap, mprotect, fcntl, ioctl… */
	size_t rules_n;
	const int *errno_syscalls; /* answered with ENOSYS: a library has another way */
	size_t errno_n;
	const struct sandbox_path *paths; /* none: no file at all */
	size_t paths_n;
	const struct sandbox_limit *limits;
	size_t limits_n;
	bool may_connect; /* Landlock lets TCP connections out (needs socket and connect among the calls) */
};

/*
 * Undumpable, no_new_privs, no capability (bounding set too, where that is still possible), rlimits, Landlock with everything
 * denied that the kernel knows, seccomp with KILL_PROCESS for all that is not listed.  isolate false (isolate-workers = false,
 * -x): only no_new_privs, capabilities and rlimits.
 * A kernel without Landlock is no error (one notice in the log); one without seccomp is: ERR_UNSUPPORTED.
 */
enum err sandbox_enter(const struct sandbox_profile *p, bool isolate);

/* clang-format off */
/* What any child does: its loop, its channels, its memory, its end.  No open, socket, accept, clone, exec or ptrace.
 * Of libuv: epoll, eventfd, timerfd; of mimalloc and glibc: mmap, madvise, futex, membarrier, sched_*; of abort: gettid, tgkill. */
#define SANDBOX_BASE_SYSCALLS \
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), \
	SCMP_SYS(close), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvmmsg), \
	SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(shutdown), \
	SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername), \
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), \
	SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(eventfd2), \
	SCMP_SYS(pipe2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), \
	SCMP_SYS(timerfd_gettime), SCMP_SYS(dup), SCMP_SYS(lseek), SCMP_SYS(fstat), \
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex), \
	SCMP_SYS(membarrier), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield), \
	SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(clock_gettime), \
	SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), \
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid), \
	SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), \
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), \
	SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(getrusage), SCMP_SYS(sysinfo), \
	SCMP_SYS(uname), SCMP_SYS(exit), SCMP_SYS(exit_group)
/* clang-format on */
