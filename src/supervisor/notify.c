/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

constexpr time_t PATIENCE_S = 1;

/* Length of the address; 0: none, or one that we do not understand. */
static socklen_t find_socket(struct sockaddr_un *to)
{
	const char *path = getenv("NOTIFY_SOCKET");
	if (path == nullptr || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to->sun_path)
		return 0;
	size_t len = strlen(path);
	memcpy(to->sun_path, path, len);
	if (path[0] == '@')
		to->sun_path[0] = '\0'; /* abstract */
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

void notify_send(const char *state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	socklen_t len = find_socket(&to);
	if (len == 0)
		return;
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd OWNED(base_closep) = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0)
		log_debug("notify.failed NOTIFY_SOCKET: %s", strerror(errno));
}

/* ERR_SYNTAX unless all of it is a number. */
static enum err read_number(uint64_t *out, const char *text)
{
	char *end = nullptr;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
		return ERR_SYNTAX;
	*out = n;
	return ERR_OK;
}

uint64_t notify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t n = 0, whose = 0;
	if (usec == nullptr || getenv("NOTIFY_SOCKET") == nullptr)
		return 0;
	/* of another process: one that has become a daemon is not watched */
	if (pid != nullptr && (read_number(&whose, pid) != ERR_OK || whose != (uint64_t)getpid()))
		return 0;
	if (read_number(&n, usec) != ERR_OK || n < 1000) {
		log_warn(
			"notify.watchdog WATCHDOG_USEC=%s is no time: the server is not watched; correct WatchdogSec",
			usec);
		return 0;
	}
	return n / 1000;
}
