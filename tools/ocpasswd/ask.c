/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Written by the handler, read after a read() that it interrupted. */
static volatile sig_atomic_t caught;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

static void on_signal(int number)
{
	caught = number;
}

/* One line without its end; byte by byte, so that nothing behind it is taken from a pipe. */
static enum err read_line(int fd, char out[ASK_MAX])
{
	size_t len = 0;
	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR && caught == 0)
			continue;
		if (n < 0)
			return ERR_SYS;
		if (n == 0 || c == '\n')
			break;
		if (len + 1 >= ASK_MAX) {
			explicit_bzero(out, ASK_MAX);
			return ERR_RANGE;
		}
		if (c == '\0')
			return ERR_SYNTAX;
		out[len++] = c;
	}
	out[len] = '\0';
	return len > 0 ? ERR_OK : ERR_SHORT;
}

static void say(int fd, const char *text)
{
	[[maybe_unused]] ssize_t n = write(fd, text, strlen(text));
}

static enum err ask(int tty, const char *prompt, char out[ASK_MAX])
{
	say(tty, prompt);
	enum err e = read_line(tty, out);
	say(tty, "\n");
	return e;
}

static enum err ask_twice(int tty, char out[ASK_MAX])
{
	TRY(ask(tty, "Enter password: ", out));
	char again[ASK_MAX];
	enum err e = ask(tty, "Re-enter password: ", again);
	/* an empty second line is a mismatch, not a missing password */
	bool same = (e == ERR_OK && strcmp(out, again) == 0);
	explicit_bzero(again, sizeof again);
	if (e == ERR_SYS)
		return e;
	return same ? ERR_OK : ERR_AUTH;
}

/* The terminal gets its echo back also when a signal ends us. */
static enum err ask_quietly(int tty, char out[ASK_MAX])
{
	struct termios old;
	if (tcgetattr(tty, &old) < 0)
		return ERR_SYS;
	struct sigaction before[ARRAY_LEN(signals)];
	const struct sigaction ours = { .sa_handler = on_signal }; /* no SA_RESTART: read() must come back */
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &ours, &before[i]);
	struct termios quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSAFLUSH, &quiet);
	enum err e = ask_twice(tty, out);
	tcsetattr(tty, TCSAFLUSH, &old);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &before[i], nullptr);
	if (caught != 0)
		raise(caught);
	return e;
}

static const char *explain(enum err e)
{
	/* only some of the errors can come out of ask(); a table would be mostly empty */
	if (e == ERR_SHORT)
		return "Please specify a password";
	if (e == ERR_AUTH)
		return "Passwords do not match";
	if (e == ERR_RANGE)
		return "The password is too long: at most 511 bytes";
	if (e == ERR_SYNTAX)
		return "The password has a byte of value zero";
	return "Cannot read the password";
}

enum err ask_password(char out[ASK_MAX])
{
	enum err e;
	if (isatty(STDIN_FILENO)) {
		int tty OWNED(base_closep) = open("/dev/tty", O_RDWR | O_CLOEXEC);
		e = ask_quietly(tty >= 0 ? tty : STDIN_FILENO, out);
	} else {
		e = read_line(STDIN_FILENO, out);
	}
	if (e != ERR_OK) {
		explicit_bzero(out, ASK_MAX);
		fprintf(stderr, "%s\n", explain(e));
	}
	return e;
}
