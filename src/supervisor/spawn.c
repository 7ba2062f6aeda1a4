/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/spawn.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

/* Given on from our own environment: options of sanitizers and coverage, the time zone. */
static const char *const kept[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS",     "LSAN_OPTIONS",
				    "TSAN_OPTIONS", "LLVM_PROFILE_FILE", "TZ" };
constexpr size_t ENV_MAX = 16;

static void fill_env(char *env[static ENV_MAX])
{
	/* without TZ glibc looks at /etc/localtime at each conversion, which the sandbox forbids; mimalloc would look for NUMA nodes */
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", zone[] = "TZ=:/etc/localtime",
		    nodes[] = "MIMALLOC_USE_NUMA_NODES=1";
	size_t n = 0;
	env[n++] = path;
	env[n++] = nodes;
	if (getenv("TZ") == nullptr)
		env[n++] = zone;
	for (char **e = environ; *e != nullptr; e++)
		for (size_t i = 0; i < ARRAY_LEN(kept) && n < ENV_MAX - 1; i++)
			if (strncmp(*e, kept[i], strlen(kept[i])) == 0 && (*e)[strlen(kept[i])] == '=')
				env[n++] = *e;
	env[n] = nullptr;
}

enum err spawn_find(int *out, const char *file)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n <= 0)
		return ERR_SYS;
	path[n] = '\0';
	char *slash = strrchr(path, '/');
	size_t dir = (size_t)(slash - path);
	if (snprintf(slash, sizeof path - dir, "/../libexec/%s", file) >= (int)(sizeof path - dir))
		return ERR_RANGE;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		log_err("spawn.missing %s: %s; install the server anew", path, strerror(errno));
		return ERR_NOTFOUND;
	}
	*out = fd;
	return ERR_OK;
}

/* {{ in the child: nothing here may return to the loop of the parent }} */

[[noreturn]] static void give_up(const char *name, const char *call)
{
	dprintf(STDERR_FILENO, "<3>%s spawn.failed %s: %s\n", name, call, strerror(errno));
	_exit(127);
}

/* Returns the binary, which closes itself on exec. */
static int set_fds(const struct spawn *s)
{
	/* above all that is to be replaced */
	int binary = fcntl(s->binary, F_DUPFD_CLOEXEC, 16), folder = fcntl(s->folder, F_DUPFD, 16);
	int channel = fcntl(s->channel, F_DUPFD, 16), log = fcntl(s->log, F_DUPFD, 16);
	int null = open("/dev/null", O_RDWR);
	if (binary < 0 || folder < 0 || channel < 0 || log < 0 || dup2(log, STDERR_FILENO) < 0 ||
	    dup2(log, STDOUT_FILENO) < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(channel, SPAWN_CHANNEL_FD) < 0)
		give_up(s->name, "dup2");
	if (s->folder > 0 && dup2(folder, SPAWN_FOLDER_FD) < 0)
		give_up(s->name, "dup2");
	int last = s->folder > 0 ? SPAWN_FOLDER_FD : SPAWN_CHANNEL_FD;
	syscall(SYS_close_range, last + 1, binary - 1, 0);
	syscall(SYS_close_range, binary + 1, UINT_MAX, 0);
	return binary;
}

static void set_signals(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, nullptr);
}

static void set_limits(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static bool keeps(const struct spawn *s, int cap)
{
	for (const int *c = s->caps; c != nullptr && *c >= 0; c++)
		if (*c == cap)
			return true;
	return false;
}

static void drop_privileges(const struct spawn *s)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!keeps(s, cap))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (geteuid() == 0 &&
	    (setgroups(0, nullptr) != 0 || setresgid(s->user.gid, s->user.gid, s->user.gid) != 0 ||
	     setresuid(s->user.uid, s->user.uid, s->user.uid) != 0))
		give_up(s->name, "setuid");
	/* those that we lack ourselves cannot be given: a container may have taken them */
	int has[CAP_LAST_CAP + 1];
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		has[cap] = keeps(s, cap) && capng_have_capability(CAPNG_PERMITTED, (unsigned)cap);
	capng_clear(CAPNG_SELECT_CAPS);
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (has[cap])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned)cap);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		give_up(s->name, "capset");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		give_up(s->name, "no_new_privs");
}

[[noreturn]] static void become(const struct spawn *s, pid_t parent)
{
	int binary = set_fds(s);
	set_limits();
	drop_privileges(s);
	/* after setuid, which clears it; the parent may have died before */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		_exit(127);
	set_signals();
	char name[64], *argv[] = { name, nullptr }, *env[ENV_MAX];
	snprintf(name, sizeof name, "%s", s->name);
	fill_env(env);
	syscall(SYS_execveat, binary, "", argv, env, AT_EMPTY_PATH);
	give_up(s->name, "exec");
}

enum err spawn_run(pid_t *out, const struct spawn *s)
{
	/* no handler of ours may run in the child: libuv's would write into the parent's pipe */
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		become(s, parent);
	sigprocmask(SIG_SETMASK, &old, nullptr);
	if (pid < 0)
		return ERR_SYS;
	*out = pid;
	return ERR_OK;
}
