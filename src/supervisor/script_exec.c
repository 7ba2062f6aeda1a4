/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/script_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

constexpr rlim_t FILES = 1024; /* shells close all there could be; ours are a million */

/* {{ in the child: nothing here may return to the loop of the parent }} */

[[noreturn]] static void give_up(const struct script_exec *s, const char *call)
{
	dprintf(STDERR_FILENO, "<3>cannot run %s: %s: %s\n", s->path, call, strerror(errno));
	_exit(127);
}

static void set_fds(const struct script_exec *s)
{
	int log = fcntl(s->log, F_DUPFD, 16), null = open("/dev/null", O_RDWR);
	if (log < 0 || null < 0 || dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
	    dup2(null, STDIN_FILENO) < 0)
		_exit(127);
	syscall(SYS_close_range, STDERR_FILENO + 1, UINT_MAX, 0);
	/* ours does not block, which programs do not expect */
	fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) & ~O_NONBLOCK);
}

static void set_limits(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = MIN(FILES, files.rlim_max);
	setrlimit(RLIMIT_NOFILE, &files);
}

static void set_signals(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] static void become(const struct script_exec *s)
{
	setsid();
	umask(022);
	if (s->folder >= 0 && fchdir(s->folder) != 0)
		_exit(127);
	set_fds(s);
	set_limits();
	set_signals();
	char path[PATH_MAX], option[] = "-c", *argv[] = { path, nullptr, nullptr, nullptr };
	if (s->command != nullptr) {
		argv[1] = option;
		argv[2] = (char *)(uintptr_t)s->command;
	}
	snprintf(path, sizeof path, "%s", s->path);
	execve(path, argv, s->env);
	give_up(s, "exec");
}

enum err script_exec_run(pid_t *out, const struct script_exec *s)
{
	/* no handler of ours may run in the child: libuv's would write into the parent's pipe */
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid_t pid = fork();
	if (pid == 0)
		become(s);
	sigprocmask(SIG_SETMASK, &old, nullptr);
	if (pid < 0)
		return ERR_SYS;
	*out = pid;
	return ERR_OK;
}
