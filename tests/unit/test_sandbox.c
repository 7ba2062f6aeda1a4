/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walls of worker and control, each tried from inside in a forked process: what is not listed ends it with SIGSYS,
 * what a process needs still works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "control/profile.h"
#include "worker/profile.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZER 1
#endif
#endif
#ifndef SANITIZER
#define SANITIZER 0
#endif

/* Descriptors that a process has before it goes in. */
static int pair[2], listener, inet;

typedef int attempt(void);

/* {{ what must end the process }} */

static int try_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}
static int try_openat2(void)
{
	return (int)syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", nullptr, 0);
}
static int try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}
static int try_socketpair(void)
{
	int s[2];
	return socketpair(AF_UNIX, SOCK_STREAM, 0, s);
}
static int try_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	return connect(inet, (struct sockaddr *)&to, sizeof to);
}
static int try_bind(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	return bind(inet, (struct sockaddr *)&at, sizeof at);
}
static int try_execve(void)
{
	char *none[] = { nullptr };
	return execve("/bin/true", none, none);
}
static int try_execveat(void)
{
	return (int)syscall(SYS_execveat, AT_FDCWD, "/bin/true", nullptr, nullptr, 0);
}
static int try_ptrace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
}
static int try_read_other_memory(void)
{
	char c;
	struct iovec v = { &c, 1 };
	return (int)syscall(SYS_process_vm_readv, getppid(), &v, 1, &v, 1, 0);
}
static int try_fork(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static int try_kill(void)
{
	return kill(1, 0);
}
static int try_signal_other(void)
{
	return (int)syscall(SYS_tgkill, 1, 1, 0);
}
static int try_exec_memory(void)
{
	return mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}
static int try_make_executable(void)
{
	void *p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static int try_be_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static int try_raise_limit(void)
{
	struct rlimit l = { 9, 9 };
	return (int)syscall(SYS_prlimit64, 0, RLIMIT_CORE, &l, nullptr);
}
static int try_attach_filter(void)
{
	int fd = 0;
	return setsockopt(inet, SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof fd);
}
static int try_protocol(void)
{
	return setsockopt(inet, IPPROTO_TCP, 31 /* TCP_ULP */, "tls", 3);
}
static int try_tun_ioctl(void)
{
	return (int)syscall(SYS_ioctl, pair[0], 0x400454caUL /* TUNSETIFF */, nullptr);
}
static int try_unshare(void)
{
	return (int)syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */);
}
static int try_bpf(void)
{
	return (int)syscall(SYS_bpf, 0, nullptr, 0);
}
static int try_setuid(void)
{
	return (int)syscall(SYS_setuid, 0);
}
static int try_sigio_owner(void)
{
	return fcntl(pair[0], F_SETOWN, 1);
}

static const struct {
	const char *name;
	attempt *act;
	bool open_in_sanitizer; /* see sanitizer_calls in sandbox.c */
} refused[] = {
	{ "open", try_open, true },
	{ "openat2", try_openat2, false },
	{ "socket", try_socket, false },
	{ "socketpair", try_socketpair, false },
	{ "connect", try_connect, false },
	{ "bind", try_bind, false },
	{ "execve", try_execve, false },
	{ "execveat", try_execveat, false },
	{ "ptrace", try_ptrace, true },
	{ "process_vm_readv", try_read_other_memory, true },
	{ "fork", try_fork, true },
	{ "kill", try_kill, true },
	{ "signal to another process", try_signal_other, true },
	{ "executable memory", try_exec_memory, true },
	{ "memory made executable", try_make_executable, true },
	{ "dumpable again", try_be_dumpable, true },
	{ "limit raised", try_raise_limit, true },
	{ "socket filter", try_attach_filter, false },
	{ "upper-layer protocol", try_protocol, false },
	{ "TUN ioctl", try_tun_ioctl, true },
	{ "unshare", try_unshare, false },
	{ "bpf", try_bpf, false },
	{ "setuid", try_setuid, false },
	{ "owner of signals", try_sigio_owner, true },
};

/* {{ what must work; 0 = right }} */

static int use_channel(void)
{
	char c = 'x';
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct mmsghdr mm = { .msg_hdr = m };
	if (sendmsg(pair[0], &m, 0) != 1 || recvmsg(pair[1], &m, 0) != 1)
		return 1;
	if (sendmmsg(pair[0], &mm, 1, 0) != 1 || recvmmsg(pair[1], &mm, 1, 0, nullptr) != 1)
		return 2;
	if (write(pair[0], &c, 1) != 1 || readv(pair[1], &v, 1) != 1)
		return 3;
	return fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0 || fcntl(pair[0], F_DUPFD_CLOEXEC, 3) < 0;
}
static int use_loop(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), ev = eventfd(1, EFD_CLOEXEC),
	    t = timerfd_create(CLOCK_MONOTONIC, 0);
	struct epoll_event e = { .events = EPOLLIN };
	struct itimerspec soon = { .it_value.tv_nsec = 1000 };
	uint64_t n;
	return ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e) != 0 || epoll_wait(ep, &e, 1, 100) != 1 ||
	       timerfd_settime(t, 0, &soon, nullptr) != 0 || read(t, &n, sizeof n) != sizeof n;
}
static int use_memory(void)
{
	for (size_t len = 1; len < 1 << 24; len *= 3) {
		char *p = malloc(len);
		if (p == nullptr)
			return 1;
		p[len - 1] = 1;
		p = realloc(p, len * 2);
		free(p);
	}
	void *p = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED || madvise(p, 1 << 20, MADV_DONTNEED) != 0 ||
	       mprotect(p, 4096, PROT_READ) != 0 || munmap(p, 1 << 20) != 0;
}
static int use_clock_and_chance(void)
{
	struct timespec t;
	char bytes[16];
	return clock_gettime(CLOCK_REALTIME, &t) != 0 || clock_gettime(CLOCK_MONOTONIC, &t) != 0 ||
	       getrandom(bytes, sizeof bytes, 0) != sizeof bytes;
}
static int use_listener(void)
{
	/* nobody comes, but the call is allowed */
	return accept4(listener, nullptr, nullptr, SOCK_NONBLOCK) >= 0 || errno != EAGAIN;
}
static int use_worker_options(void)
{
	int one = 1, tos = 0x88;
	return setsockopt(inet, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
	       setsockopt(inet, IPPROTO_IP, IP_TOS, &tos, sizeof tos) != 0;
}
static int use_log(void)
{
	log_init("test", LOG_LEVEL_ERR, nullptr);
	log_err("sandbox.log expected=true");
	return 0;
}
static int use_fallbacks(void)
{
	if (syscall(SYS_io_uring_setup, 1, nullptr) != -1 || errno != ENOSYS)
		return 1;
	/* stdio asks what its descriptor is; without an answer it goes on */
	FILE *f = fdopen(pair[0], "w");
	return f == nullptr || fputs("x", f) < 0 || fflush(f) != 0;
}

static const struct {
	const char *name;
	attempt *act;
} allowed[] = {
	{ "channel", use_channel },        { "loop", use_loop },         { "memory", use_memory },
	{ "clock", use_clock_and_chance }, { "listener", use_listener }, { "log", use_log },
	{ "fallbacks", use_fallbacks },
};

/* {{ running them }} */

static void prepare(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	inet = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(listener, 4), 0);
}

/* Wait status of a process that entered the profile and made the attempt; exit status 99 = could not enter. */
static int run(const struct sandbox_profile *profile, bool isolate, attempt *act)
{
	fflush(nullptr);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(sandbox_enter(profile, isolate) != ERR_OK ? 99 : act());
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void must_die(const struct sandbox_profile *profile)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (SANITIZER && refused[i].open_in_sanitizer)
			continue;
		int status = run(profile, true, refused[i].act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: %s is not refused, status 0x%x", profile->name, refused[i].name,
				 status);
	}
}

static void must_work(const struct sandbox_profile *profile)
{
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		int status = run(profile, true, allowed[i].act);
		if (status != 0)
			fail_msg("%s: %s does not work, status 0x%x", profile->name, allowed[i].name, status);
	}
}

static void worker_dies_of_what_is_not_listed(void **state)
{
	(void)state;
	must_die(&profile_worker);
}
static void worker_can_do_its_work(void **state)
{
	(void)state;
	must_work(&profile_worker);
	assert_int_equal(run(&profile_worker, true, use_worker_options), 0);
}
static void control_dies_of_what_is_not_listed(void **state)
{
	(void)state;
	must_die(&profile_control);
}
static void control_can_do_its_work(void **state)
{
	(void)state;
	must_work(&profile_control);
}
static void abort_ends_with_its_own_signal(void **state)
{
	(void)state;
	int status = run(&profile_worker, true, (attempt *)(void *)abort);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* {{ capabilities, Landlock, limits: with a profile that lets the test look }} */

static const int looking_calls[] = {
	SANDBOX_BASE_SYSCALLS, SCMP_SYS(openat),  SCMP_SYS(capget), SCMP_SYS(prctl),    SCMP_SYS(socket),
	SCMP_SYS(bind),        SCMP_SYS(connect), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
};
static char folder[] = "/tmp/test_sandbox.XXXXXX";
static const struct sandbox_path looking_paths[] = { { folder, SANDBOX_READ },
						     { "/nonexistent", SANDBOX_WRITE } };
static const struct sandbox_limit looking_limits[] = { { RLIMIT_CORE, 0 }, { RLIMIT_NOFILE, 64 } };
static const struct sandbox_profile looking = {
	.name = "looking",
	.syscalls = looking_calls,
	.syscalls_n = ARRAY_LEN(looking_calls),
	.paths = looking_paths,
	.paths_n = ARRAY_LEN(looking_paths),
	.limits = looking_limits,
	.limits_n = ARRAY_LEN(looking_limits),
};

static int look_at_capabilities(void)
{
	struct {
		uint32_t version;
		int pid;
	} head = { 0x20080522, 0 };
	uint32_t data[6] = { 0 };
	if (syscall(SYS_capget, &head, data) != 0)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(data); i++)
		if (data[i] != 0)
			return 2;
	for (int cap = 0; cap < 40; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return 3;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}
static int look_at_files(void)
{
	char path[64];
	snprintf(path, sizeof path, "%s/file", folder);
	if (open(path, O_RDONLY) < 0)
		return 1;
	if (open(path, O_WRONLY) >= 0 || errno != EACCES)
		return 2;
	if (unlink(path) == 0)
		return 3;
	return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 0 : 4;
}
static int look_at_network(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0 || errno != EACCES)
		return 1;
	at.sin_port = htons(9);
	return connect(fd, (struct sockaddr *)&at, sizeof at) != 0 && errno == EACCES ? 0 : 2;
}
static int look_at_limits(void)
{
	struct rlimit core, files;
	getrlimit(RLIMIT_CORE, &core);
	getrlimit(RLIMIT_NOFILE, &files);
	return core.rlim_max != 0 || files.rlim_max != 64;
}
static int look_at_dumpable(void)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}
static int open_succeeds(void)
{
	return open("/etc/passwd", O_RDONLY) < 0;
}

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, nullptr, 0, 1);
}

static void no_capability_is_left(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* the bounding set goes only with CAP_SETPCAP */
	assert_int_equal(run(&looking, true, look_at_capabilities), 0);
}
static void landlock_opens_only_what_is_listed(void **state)
{
	(void)state;
	if (landlock_abi() < 1)
		skip();
	assert_int_equal(run(&looking, true, look_at_files), 0);
}
static void landlock_denies_the_network(void **state)
{
	(void)state;
	if (landlock_abi() < 4)
		skip();
	assert_int_equal(run(&looking, true, look_at_network), 0);
}
static void limits_hold(void **state)
{
	(void)state;
	assert_int_equal(run(&looking, true, look_at_limits), 0);
	if (!SANITIZER)
		assert_int_equal(run(&looking, true, look_at_dumpable), 0);
}
static void without_isolation_only_privileges_go(void **state)
{
	(void)state;
	assert_int_equal(run(&profile_worker, false, open_succeeds), 0);
	if (geteuid() == 0)
		assert_int_equal(run(&looking, false, look_at_capabilities), 0);
}

int main(void)
{
	prepare();
	char path[64];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/file", folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_dies_of_what_is_not_listed),
		cmocka_unit_test(worker_can_do_its_work),
		cmocka_unit_test(control_dies_of_what_is_not_listed),
		cmocka_unit_test(control_can_do_its_work),
		cmocka_unit_test(abort_ends_with_its_own_signal),
		cmocka_unit_test(no_capability_is_left),
		cmocka_unit_test(landlock_opens_only_what_is_listed),
		cmocka_unit_test(landlock_denies_the_network),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(without_isolation_only_privileges_go),
	};
	int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
	unlink(path);
	rmdir(folder);
	return failed;
}
