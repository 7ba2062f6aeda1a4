/* SPDX-License-Identifier: GPL-3.0-or-later */
/* child, spawn and logpipe: what a started process has and has not; its death; its lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/child.h"
#include "supervisor/output.h"
#include "supervisor/spawn.h"

/* {{ this program, started by spawn: the status tells what is wrong }} */

constexpr uid_t TEST_ID = 61009;

static int count_fds(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (d != nullptr && readdir(d) != nullptr)
		n++;
	closedir(d);
	return n - 3; /* ".", "..", that of the folder itself */
}

static int look_around(void)
{
	if (count_fds() != 4)
		return 10;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 11;
	int deathsig = 0;
	if (prctl(PR_GET_PDEATHSIG, &deathsig, 0, 0, 0) != 0 || deathsig != SIGKILL)
		return 12;
	if (getenv("SECRET_OF_ROOT") != nullptr || getenv("PATH") == nullptr)
		return 13;
	sigset_t blocked;
	sigprocmask(SIG_SETMASK, nullptr, &blocked);
	if (sigismember(&blocked, SIGTERM) || signal(SIGTERM, SIG_DFL) != SIG_DFL)
		return 14;
	for (int cap = 0; cap < 40; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return 15;
	if (getuid() != TEST_ID || geteuid() != TEST_ID || getgid() != TEST_ID || getgroups(0, nullptr) != 0)
		return 16;
	if (setuid(0) == 0)
		return 17;
	fputs("<5>spawned here i am\nwithout level\n", stderr);
	return 0;
}

static int be_spawned(const char *what)
{
	char c;
	if (strcmp(what, "spawned: wait") == 0)
		return (int)read(SPAWN_CHANNEL_FD, &c, 1); /* until the other end closes */
	return look_around();
}

/* {{ helpers of the tests }} */

/* Standard error goes here while a test looks at it. */
static int captured[2], saved_stderr;

static void capture(void)
{
	fflush(nullptr);
	assert_int_equal(pipe2(captured, O_CLOEXEC | O_NONBLOCK), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(captured[1], STDERR_FILENO);
}

static const char *release(void)
{
	static char text[65536];
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	ssize_t n = read(captured[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	close(captured[0]);
	close(captured[1]);
	return text;
}

static int open_self(void)
{
	return open("/proc/self/exe", O_PATH | O_CLOEXEC);
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* {{ spawn }} */

static void a_spawned_process_has_nothing_it_does_not_need(void **state)
{
	(void)state;
	need_root();
	int pair[2], log[2], status;
	pid_t pid;
	setenv("SECRET_OF_ROOT", "1", 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(log, O_CLOEXEC), 0);
	/* without close-on-exec: must be closed all the same */
	int leak = open("/dev/null", O_RDONLY), high = fcntl(leak, F_DUPFD, 200);
	struct spawn s = { open_self(), "spawned", pair[1], log[1], { TEST_ID, TEST_ID }, nullptr };
	assert_int_equal(spawn_run(&pid, &s), ERR_OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	char text[256] = "";
	assert_true(read(log[0], text, sizeof text - 1) > 0);
	assert_string_equal(text, "<5>spawned here i am\nwithout level\n");
	int fds[] = { pair[0], pair[1], log[0], log[1], leak, high, s.binary };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void a_binary_that_cannot_run_says_so(void **state)
{
	(void)state;
	need_root();
	int pair[2], log[2], status;
	pid_t pid;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(log, O_CLOEXEC), 0);
	struct spawn s = { open("/etc/passwd", O_PATH | O_CLOEXEC),
			   "nothing",
			   pair[1],
			   log[1],
			   { TEST_ID, TEST_ID },
			   nullptr };
	assert_int_equal(spawn_run(&pid, &s), ERR_OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 127);
	char text[256] = "";
	assert_true(read(log[0], text, sizeof text - 1) > 0);
	assert_non_null(strstr(text, "<3>nothing spawn.failed exec: Permission denied"));
	int fds[] = { pair[0], pair[1], log[0], log[1], s.binary };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

/* {{ child }} */

static struct {
	unsigned died, due, ended;
	int status;
} seen;

static void on_died(struct child *c, int status)
{
	(void)c;
	seen.died++;
	seen.status = status;
}
static void on_due(struct child *c)
{
	(void)c;
	seen.due++;
}
static void on_ended(struct ipc *ipc, enum ipc_end why)
{
	(void)why;
	seen.ended++;
	child_cut(ipc_owner(ipc));
}
static ipc_handler *const no_handlers[MSG_N];
static const struct child_events events = { on_died, on_due, on_ended, no_handlers };

static void make_row(struct child *c, uv_loop_t *loop)
{
	memset(&seen, 0, sizeof seen);
	uv_loop_init(loop);
	*c = (struct child){
		.state = CHILD_DOWN, .role = ROLE_CONTROL, .name = "control", .events = &events
	};
	c->binary = open_self();
	c->user = (struct user){ TEST_ID, TEST_ID };
	uv_timer_init(loop, &c->timer);
}

static void drop_row(struct child *c, uv_loop_t *loop)
{
	child_fini(c);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
}

static void wait_for_death(struct child *c, uv_loop_t *loop)
{
	for (int i = 0; i < 500 && c->pid != 0; i++) {
		uv_run(loop, UV_RUN_NOWAIT);
		child_reap(c);
		usleep(10'000);
	}
	assert_int_equal(c->pid, 0);
}

static void a_death_is_told_and_the_next_try_comes(void **state)
{
	(void)state;
	need_root();
	uv_loop_t loop;
	struct child c;
	make_row(&c, &loop);
	capture();
	assert_int_equal(child_spawn(&c), ERR_OK);
	assert_int_equal(c.state, CHILD_LOADING);
	assert_true(child_is_up(&c));
	child_kill(&c, "test");
	wait_for_death(&c, &loop);
	release();
	assert_int_equal(seen.died, 1);
	assert_true(WIFSIGNALED(seen.status) || WIFEXITED(seen.status));
	assert_int_equal(c.state, CHILD_DOWN);
	assert_int_equal(c.restarts, 1);
	assert_int_equal(c.delay_ms, CHILD_DELAY_MIN_MS);
	assert_false(child_is_idle(&c)); /* the timer runs */
	for (int i = 0; i < 100 && seen.due == 0; i++)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(seen.due, 1);
	assert_true(child_is_idle(&c));
	drop_row(&c, &loop);
}

static void one_that_was_told_to_stop_is_not_started_again(void **state)
{
	(void)state;
	need_root();
	uv_loop_t loop;
	struct child c;
	make_row(&c, &loop);
	capture();
	assert_int_equal(child_spawn(&c), ERR_OK);
	child_ending(&c);
	wait_for_death(&c, &loop);
	release();
	assert_int_equal(c.restarts, 0);
	assert_true(child_is_idle(&c));
	drop_row(&c, &loop);
}

static void sending_to_the_dead_is_refused(void **state)
{
	(void)state;
	struct child c = { .state = CHILD_DOWN };
	Msg__Empty m;
	msg__empty__init(&m);
	assert_int_equal(child_send(&c, MSG_GO, 0, &m.base, nullptr, 0), ERR_CLOSED);
}

static void delays_double_up_to_a_limit_and_begin_anew(void **state)
{
	(void)state;
	static const uint64_t want[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10'000, 10'000 };
	uint64_t delay = 0;
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(delay = child_next_delay(delay, 1), want[i]);
	assert_int_equal(child_next_delay(delay, CHILD_STABLE_S - 1), CHILD_DELAY_MAX_MS);
	assert_int_equal(child_next_delay(delay, CHILD_STABLE_S), CHILD_DELAY_MIN_MS);
}

/* {{ lines }} */

static const struct {
	const char *line;
	const char *want; /* after the time */
} lines[] = {
	{ "<6>worker0 udp.bound port=443", "worker0[7]: info: udp.bound port=443\n" },
	{ "<3>worker0 broken", "worker0[7]: error: broken\n" },
	{ "<4>keeper key.lost", "worker0[7]: warning: keeper key.lost\n" }, /* a forged name */
	{ "==1==ERROR: AddressSanitizer", "worker0[7]: error: ==1==ERROR: AddressSanitizer\n" },
	{ "<9>worker0 level", "worker0[7]: error: <9>worker0 level\n" },
	{ "<6>worker0 a\tb\x1b[31m", "worker0[7]: info: a?b?[31m\n" },
	{ "<6>", "worker0[7]: info: \n" },
	{ "<6", "worker0[7]: error: <6\n" },
};

static void lines_are_named_and_cleaned(void **state)
{
	(void)state;
	output_init(&(struct output_conf){ .to_stderr = true });
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		capture();
		logpipe_forward("worker0", 7, lines[i].line, strlen(lines[i].line));
		const char *text = release();
		assert_true(strlen(text) > 25);
		assert_string_equal(text + 25, lines[i].want);
		assert_int_equal(text[23], 'Z');
	}
}

static void a_long_line_is_cut(void **state)
{
	(void)state;
	char line[8000];
	memset(line, 'x', sizeof line);
	capture();
	logpipe_forward("worker0", 7, line, sizeof line);
	const char *text = release();
	assert_true(strlen(text) < 2048);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void write_all(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void last_words_without_a_line_feed_arrive(void **state)
{
	(void)state;
	uv_loop_t loop;
	struct logpipe *p;
	int pipe[2];
	uv_loop_init(&loop);
	assert_int_equal(pipe2(pipe, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(logpipe_new(&p, &loop, pipe[0], "worker0", 7), ERR_OK);
	capture();
	write_all(pipe[1], "<6>worker0 one\n<6>worker0 t");
	uv_run(&loop, UV_RUN_NOWAIT);
	write_all(pipe[1], "wo\nassertion failed");
	close(pipe[1]);
	logpipe_finish(p);
	const char *text = release();
	assert_non_null(strstr(text, "info: one\n"));
	assert_non_null(strstr(text, "info: two\n"));
	assert_non_null(strstr(text, "error: assertion failed\n"));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_flood_is_cut_off(void **state)
{
	(void)state;
	uv_loop_t loop;
	struct logpipe *p;
	int pipe[2];
	uv_loop_init(&loop);
	assert_int_equal(pipe2(pipe, O_NONBLOCK | O_CLOEXEC), 0);
	fcntl(pipe[1], F_SETPIPE_SZ, 1 << 20);
	assert_int_equal(logpipe_new(&p, &loop, pipe[0], "w", 7), ERR_OK);
	for (size_t i = 0; i < 2 * LOGPIPE_LINES_PER_S; i++)
		write_all(pipe[1], "<6>w x\n");
	close(pipe[1]);
	capture();
	fcntl(captured[1], F_SETPIPE_SZ, 1 << 20);
	logpipe_finish(p);
	size_t n = 0;
	char text[4096];
	for (ssize_t got; (got = read(captured[0], text, sizeof text)) > 0;)
		for (ssize_t i = 0; i < got; i++)
			n += text[i] == '\n';
	release();
	assert_int_equal(n, LOGPIPE_LINES_PER_S);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(int argc, char **argv)
{
	(void)argc;
	if (strncmp(argv[0], "spawned", 7) == 0 || strncmp(argv[0], "ocserv-modern-", 14) == 0)
		return argv[0][0] == 's' ? be_spawned(argv[0]) : be_spawned("spawned: wait");
	log_init("test", LOG_LEVEL_ERR, nullptr);
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spawned_process_has_nothing_it_does_not_need),
		cmocka_unit_test(a_binary_that_cannot_run_says_so),
		cmocka_unit_test(a_death_is_told_and_the_next_try_comes),
		cmocka_unit_test(one_that_was_told_to_stop_is_not_started_again),
		cmocka_unit_test(sending_to_the_dead_is_refused),
		cmocka_unit_test(delays_double_up_to_a_limit_and_begin_anew),
		cmocka_unit_test(lines_are_named_and_cleaned),
		cmocka_unit_test(a_long_line_is_cut),
		cmocka_unit_test(last_words_without_a_line_feed_arrive),
		cmocka_unit_test(a_flood_is_cut_off),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
