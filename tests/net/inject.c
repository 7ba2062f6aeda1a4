/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * inject - makes a running process execute one system call, to see its sandbox from inside
 *
 *   inject PID CALL [ARGUMENT...]     CALL: a name that libseccomp knows, or a number
 *
 * An argument is a number, or @TEXT: the address of TEXT, which is written below the stack of the process first.
 * Prints "returns N", after which the process goes on as if nothing had been, or "dies N NAME" with the signal that ended it.
 * Exit status: 0, 2 if the process cannot be attached to.
 */
#include <elf.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "base/base.h"

constexpr size_t ARGS_MAX = 6, TEXT_MAX = 256;
constexpr uint64_t BELOW_STACK = 4096; /* out of the reach of the red zone */

/* {{ the one place that knows machines }} */

#if defined(__x86_64__)
typedef struct user_regs_struct regs_type;
constexpr uint64_t CALL_LEN = 2;
static uint64_t *at_of(regs_type *r)
{
	return (uint64_t *)&r->rip;
}
static uint64_t stack_of(const regs_type *r)
{
	return r->rsp;
}
static int64_t result_of(const regs_type *r)
{
	return (int64_t)r->rax;
}
static bool is_call(uint64_t word)
{
	return (word & 0xffff) == 0x050f;
}
static void set_call(regs_type *r, int number, const uint64_t a[static ARGS_MAX])
{
	r->rax = (unsigned)number;
	r->orig_rax = UINT64_MAX; /* no restart of what was interrupted */
	r->rdi = a[0];
	r->rsi = a[1];
	r->rdx = a[2];
	r->r10 = a[3];
	r->r8 = a[4];
	r->r9 = a[5];
}
#elif defined(__aarch64__)
typedef struct user_regs_struct regs_type;
constexpr uint64_t CALL_LEN = 4;
static uint64_t *at_of(regs_type *r)
{
	return (uint64_t *)&r->pc;
}
static uint64_t stack_of(const regs_type *r)
{
	return r->sp;
}
static int64_t result_of(const regs_type *r)
{
	return (int64_t)r->regs[0];
}
static bool is_call(uint64_t word)
{
	return (word & 0xffffffff) == 0xd4000001;
}
static void set_call(regs_type *r, int number, const uint64_t a[static ARGS_MAX])
{
	r->regs[8] = (unsigned)number;
	for (size_t i = 0; i < ARGS_MAX; i++)
		r->regs[i] = a[i];
}
#else
#error "inject.c does not know the registers of this machine"
#endif

static bool get_regs(pid_t pid, regs_type *r)
{
	struct iovec v = { r, sizeof *r };
	return ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) == 0;
}

static bool set_regs(pid_t pid, regs_type *r)
{
	struct iovec v = { r, sizeof *r };
	return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) == 0;
}

/* {{ injecting }} */

[[noreturn]] static void give_up(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void put_text(pid_t pid, uint64_t to, const char *text)
{
	char bytes[TEXT_MAX] = "";
	strncpy(bytes, text, sizeof bytes - 1);
	struct iovec local = { bytes, sizeof bytes }, remote = { (void *)(uintptr_t)to, sizeof bytes };
	if (process_vm_writev(pid, &local, 1, &remote, 1, 0) != (ssize_t)sizeof bytes)
		give_up("process_vm_writev");
}

static void read_args(uint64_t out[static ARGS_MAX], pid_t pid, uint64_t stack, int n, char **args)
{
	for (int i = 0; i < n && i < (int)ARGS_MAX; i++) {
		if (args[i][0] != '@') {
			out[i] = strtoull(args[i], nullptr, 0);
			continue;
		}
		out[i] = stack - BELOW_STACK - (uint64_t)i * TEXT_MAX;
		put_text(pid, out[i], args[i] + 1);
	}
}

/* Until the next stop of the process; true: it is dead, and that was told. */
static bool goes_on(pid_t pid, int request, int *signal)
{
	int status;
	if (ptrace((enum __ptrace_request)request, pid, nullptr, nullptr) != 0 ||
	    waitpid(pid, &status, __WALL) != pid)
		give_up("the process does not go on");
	if (WIFSTOPPED(status)) {
		*signal = WSTOPSIG(status);
		return false;
	}
	int by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	printf("dies %d %s\n", by, sigabbrev_np(by) != nullptr ? sigabbrev_np(by) : "exit");
	return true;
}

/* The instruction after which the process was stopped, in a call of its own. */
static void find_call(pid_t pid, regs_type *r)
{
	errno = 0;
	uint64_t at = *at_of(r) - CALL_LEN;
	uint64_t word = (uint64_t)ptrace(PTRACE_PEEKTEXT, pid, at, nullptr);
	if (errno != 0 || !is_call(word))
		give_up("the process was not stopped in a system call; try again");
	*at_of(r) = at;
}

static void inject(pid_t pid, int number, int args_n, char **args)
{
	regs_type before, r;
	uint64_t a[ARGS_MAX] = {};
	int signal;
	if (!get_regs(pid, &before))
		give_up("PTRACE_GETREGSET");
	r = before;
	find_call(pid, &r);
	read_args(a, pid, stack_of(&r), args_n, args);
	set_call(&r, number, a);
	if (!set_regs(pid, &r))
		give_up("PTRACE_SETREGSET");
	/* to the entry of the call, then to its end */
	if (goes_on(pid, PTRACE_SYSCALL, &signal) || goes_on(pid, PTRACE_SYSCALL, &signal))
		return;
	if (signal != SIGTRAP || !get_regs(pid, &r) || !set_regs(pid, &before))
		give_up("no end of the call was seen");
	/* a signal that seccomp has sent comes before ours, and both before the next instruction */
	tgkill(pid, pid, SIGSTOP); /* to this thread: another would stop them all at once */
	if (goes_on(pid, PTRACE_CONT, &signal))
		return;
	printf("returns %lld\n", (long long)result_of(&r));
	if (signal != SIGSTOP || ptrace(PTRACE_DETACH, pid, nullptr, nullptr) != 0)
		give_up("PTRACE_DETACH");
}

static int call_of(const char *name)
{
	char *end;
	long number = strtol(name, &end, 0);
	return *name != '\0' && *end == '\0' ? (int)number : seccomp_syscall_resolve_name(name);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: inject PID CALL [ARGUMENT...]\n", stderr);
		return 2;
	}
	pid_t pid = (pid_t)strtol(argv[1], nullptr, 10);
	int number = call_of(argv[2]), status;
	if (number < 0) {
		fprintf(stderr, "inject: no call %s on this machine\n", argv[2]);
		return 2;
	}
	if (ptrace(PTRACE_ATTACH, pid, nullptr, nullptr) != 0 || waitpid(pid, &status, __WALL) != pid ||
	    !WIFSTOPPED(status))
		give_up("PTRACE_ATTACH");
	inject(pid, number, argc - 3, argv + 3);
	return 0;
}
