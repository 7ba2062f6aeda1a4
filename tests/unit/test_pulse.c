/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notify and pulse: what reaches the service manager; from when on a process counts as dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/notify.h"
#include "supervisor/pulse.h"

static char logged[1024];

static void keep_line(enum log_level level, const char *text, size_t len)
{
	(void)level;
	snprintf(logged, sizeof logged, "%.*s", (int)len, text);
}

/* {{ notify }} */

/* A manager at this address; '@' begins an abstract one. */
static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memcpy(at.sun_path, path, strlen(path));
	if (path[0] == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
			 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static void expect_text(int fd, const char *want)
{
	char got[256] = "";
	ssize_t n = recv(fd, got, sizeof got - 1, 0);
	assert_true(n > 0);
	assert_string_equal(got, want);
}

static void a_manager_is_told(void **state)
{
	(void)state;
	char folder[] = "/tmp/ocm-notify.XXXXXX", path[64], abstract[64];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/s", folder);
	snprintf(abstract, sizeof abstract, "@ocm-notify-%d", getpid());
	const char *const places[] = { path, abstract };
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		int fd = listen_at(places[i]);
		notify_send("READY=1\nSTATUS=serving");
		expect_text(fd, "READY=1\nSTATUS=serving");
		close(fd);
	}
	unlink(path);
	rmdir(folder);
}

static void without_a_manager_nothing_happens(void **state)
{
	(void)state;
	char long_path[200];
	memset(long_path, 'a', sizeof long_path - 1);
	long_path[0] = '/';
	long_path[sizeof long_path - 1] = '\0';
	const char *const rows[] = { "", "relative", "vsock:2:1", "/nonexistent/socket", long_path };
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		setenv("NOTIFY_SOCKET", rows[i], 1);
		notify_send("READY=1");
	}
}

/* A manager that is stuck must not stop the server: its queue is full, and the call comes back. */
static void a_manager_that_does_not_read_holds_up_nobody(void **state)
{
	(void)state;
	char path[64];
	snprintf(path, sizeof path, "@ocm-notify-full-%d", getpid());
	int fd = listen_at(path), sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	memcpy(to.sun_path + 1, path + 1, strlen(path) - 1);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	while (sendto(sender, "x", 1, 0, (struct sockaddr *)&to, len) == 1)
		;
	notify_send("STATUS=lost");
	char byte = 0;
	while (recv(fd, &byte, 1, 0) == 1)
		assert_int_equal(byte, 'x');
	close(sender);
	close(fd);
}

static void the_watchdog_counts_only_for_us(void **state)
{
	(void)state;
	char own[16];
	snprintf(own, sizeof own, "%d", getpid());
	const struct {
		const char *usec, *pid;
		uint64_t want;
	} rows[] = {
		{ "60000000", nullptr, 60'000 },
		{ "60000000", own, 60'000 },
		{ "60000000", "1", 0 },
		{ "60000000", "x", 0 },
		{ nullptr, own, 0 },
		{ "0", own, 0 },
		{ "", own, 0 },
		{ "-5", own, 0 },
		{ "5s", own, 0 },
		{ "999", own, 0 },
		{ "1000", own, 1 },
	};
	setenv("NOTIFY_SOCKET", "/nonexistent", 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
		if (rows[i].usec != nullptr)
			setenv("WATCHDOG_USEC", rows[i].usec, 1);
		if (rows[i].pid != nullptr)
			setenv("WATCHDOG_PID", rows[i].pid, 1);
		assert_int_equal(notify_watchdog_ms(), rows[i].want);
	}
	assert_non_null(strstr(logged, "WatchdogSec"));
	setenv("WATCHDOG_USEC", "60000000", 1);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_watchdog_ms(), 0);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

/* {{ pulse }} */

static void silence_ends_in_death(void **state)
{
	(void)state;
	assert_int_equal(pulse_judge(0), PULSE_IS_WELL);
	assert_int_equal(pulse_judge(1), PULSE_IS_WELL); /* asked just now */
	assert_int_equal(pulse_judge(PULSE_SILENT), PULSE_IS_WELL);
	assert_int_equal(pulse_judge(PULSE_SILENT + 1), PULSE_IS_SILENT);
	assert_int_equal(pulse_judge(PULSE_DEAD), PULSE_IS_SILENT);
	assert_int_equal(pulse_judge(PULSE_DEAD + 1), PULSE_IS_DEAD);
	assert_int_equal(pulse_judge(1000), PULSE_IS_DEAD);
}

/* From the last word to the manager until the silent one is dead there is time left for a new one. */
static void a_hanging_process_is_replaced_before_the_watchdog_bites(void **state)
{
	(void)state;
	static const uint64_t rows[] = { 600, 6'000, 30'000, 60'000, 600'000 };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t beat = pulse_beat_ms(rows[i]);
		assert_true(beat * (PULSE_DEAD + 2) < rows[i]);
		assert_true(beat <= PULSE_MS);
	}
	assert_int_equal(pulse_beat_ms(0), PULSE_MS);
	assert_int_equal(pulse_beat_ms(60'000), PULSE_MS);
	assert_true(pulse_beat_ms(1) > 0);
}

int main(void)
{
	log_init("test", LOG_LEVEL_INFO, keep_line);
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manager_is_told),
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test(a_manager_that_does_not_read_holds_up_nobody),
		cmocka_unit_test(the_watchdog_counts_only_for_us),
		cmocka_unit_test(silence_ends_in_death),
		cmocka_unit_test(a_hanging_process_is_replaced_before_the_watchdog_bites),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
