/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/* One a process. */
static struct {
	int parent;       /* pipe to the process that waits; -1: none */
	bool keep_stderr;
	int pid_fd;       /* keeps the lock */
	char pid_file[512];
} self = { .parent = -1, .pid_fd = -1 };

[[noreturn]] static void wait_for(int pipe, pid_t daemon)
{
	uint8_t status = EXIT_FAILURE;
	ssize_t n;
	do
		n = read(pipe, &status, 1);
	while (n < 0 && errno == EINTR);
	int ended;
	if (n != 1 && waitpid(daemon, &ended, 0) == daemon && WIFSIGNALED(ended))
		fprintf(stderr, "ocserv-modern: the server died at its start (%s)\n",
			strsignal(WTERMSIG(ended)));
	_exit(n == 1 ? status : EXIT_FAILURE);
}

enum err daemon_enter(bool no_chdir)
{
	int pipe[2];
	if (pipe2(pipe, O_CLOEXEC) != 0)
		return ERR_SYS;
	pid_t pid = fork();
	if (pid < 0)
		return ERR_SYS;
	if (pid > 0) {
		close(pipe[1]);
		wait_for(pipe[0], pid);
	}
	close(pipe[0]);
	self.parent = pipe[1];
	setsid();
	if (!no_chdir && chdir("/") != 0)
		return ERR_SYS;
	int null OWNED(base_closep) = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	return ERR_OK;
}

void daemon_keep_stderr(void)
{
	self.keep_stderr = true;
}

void daemon_ready(int status)
{
	if (self.parent < 0)
		return;
	uint8_t byte = (uint8_t)status;
	[[maybe_unused]] ssize_t n = write(self.parent, &byte, 1);
	base_closep(&self.parent);
	int null OWNED(base_closep) = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (!self.keep_stderr)
		dup2(null, STDERR_FILENO);
}

/* {{ pid file }} */

static enum err in_use(int fd, const char *file)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
	log_err("server.running already as process %s (%s): stop it, or give another pid file with -p", text,
		file);
	return ERR_EXISTS;
}

enum err daemon_write_pid(const char *file)
{
	int fd OWNED(base_closep) = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		log_err("server.pid_file %s: %s; make its folder, or give another with -p", file,
			strerror(errno));
		return ERR_SYS;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return in_use(fd, file);
	char text[32];
	int len = snprintf(text, sizeof text, "%d\n", getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len) {
		log_err("server.pid_file %s: %s", file, strerror(errno));
		return ERR_SYS;
	}
	snprintf(self.pid_file, sizeof self.pid_file, "%s", file);
	self.pid_fd = fd;
	fd = -1;
	return ERR_OK;
}

void daemon_remove_pid(void)
{
	if (self.pid_fd < 0)
		return;
	unlink(self.pid_file);
	base_closep(&self.pid_fd);
}
