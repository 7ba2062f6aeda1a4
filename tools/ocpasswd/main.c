/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ocpasswd - create, lock, unlock and delete the users of a password file
 *
 * Same options, prompts, file and exit codes as the tool of the same name that comes with ocserv.
 */
#include <crypt.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "file.h"

constexpr char DEFAULT_FILE[] = "/etc/ocserv/ocpasswd";

enum action : uint8_t { ACTION_SET = 1, ACTION_DELETE, ACTION_LOCK, ACTION_UNLOCK };

/* What the command line asks for. */
struct task {
	enum action action;
	const char *path;
	const char *groups; /* nullptr: none given */
	const char *user;
};

/* One rewriting of the file; found is learnt on the way. */
struct edit {
	const struct file *file;
	const struct task *task;
	const char *hash; /* of ACTION_SET */
};

static const struct option options[] = {
	{ "passwd", required_argument, nullptr, 'c' }, { "groupname", required_argument, nullptr, 'g' },
	{ "delete", no_argument, nullptr, 'd' },       { "lock", no_argument, nullptr, 'l' },
	{ "unlock", no_argument, nullptr, 'u' },       { "help", no_argument, nullptr, 'h' },
	{ "version", no_argument, nullptr, 'v' },      {},
};

static int usage(FILE *out, int status)
{
	fputs("ocpasswd - passwords of ocserv-modern\n"
	      "Usage:  ocpasswd [ -<flag> [<val>] | --<name>[{=| }<val>] ]... username\n"
	      "\n"
	      "   -c, --passwd=file          Password file (/etc/ocserv/ocpasswd)\n"
	      "   -g, --groupname=str        User's groups, separated by commas\n"
	      "   -d, --delete               Delete user\n"
	      "   -l, --lock                 Lock user\n"
	      "   -u, --unlock               Unlock user\n"
	      "   -v, --version              Print the version and exit\n"
	      "   -h, --help                 Print this and exit\n"
	      "\n"
	      "Without -d, -l or -u the user is created or gets a new password, asked for twice on a\n"
	      "terminal or read as one line from standard input.\n",
	      out);
	return status;
}

static bool choose(struct task *t, enum action a)
{
	bool first = t->action == ACTION_SET;
	t->action = a;
	return first;
}

/* -1: go on; else the exit status */
static int parse(struct task *t, int argc, char **argv)
{
	bool ok = true;
	int c;
	while ((c = getopt_long(argc, argv, "c:g:dluhv", options, nullptr)) != -1)
		switch (c) {
		case 'c': t->path = optarg; break;
		case 'g': t->groups = optarg; break;
		case 'd': ok &= choose(t, ACTION_DELETE); break;
		case 'l': ok &= choose(t, ACTION_LOCK); break;
		case 'u': ok &= choose(t, ACTION_UNLOCK); break;
		case 'v': puts("ocpasswd - ocserv-modern " OCSERV_MODERN_VERSION); return EXIT_SUCCESS;
		case 'h': return usage(stdout, EXIT_SUCCESS);
		default: return usage(stderr, EXIT_FAILURE);
		}
	if (!ok || optind + 1 != argc)
		return usage(stderr, EXIT_FAILURE);
	t->user = argv[optind];
	return -1;
}

static bool names_are_good(const struct task *t)
{
	const char *problem = passwd_user_problem(span_of(t->user, strlen(t->user)));
	if (problem == nullptr && t->groups != nullptr)
		problem = passwd_groups_problem(span_of(t->groups, strlen(t->groups)));
	if (problem != nullptr)
		fprintf(stderr, "Refused: %s.\n", problem);
	return problem == nullptr;
}

static void put(FILE *out, struct span s)
{
	fwrite(s.p, 1, s.len, out);
}

static void put_new(FILE *out, const struct edit *e)
{
	const char *groups = e->task->groups;
	fprintf(out, "%s:%s:%s\n", e->task->user, groups != nullptr && *groups != '\0' ? groups : "*",
		e->hash);
}

static void put_lock(FILE *out, const struct passwd_line *line, bool locked)
{
	put(out, line->user);
	fputc(':', out);
	put(out, line->groups);
	fputs(locked ? ":!" : ":", out);
	put(out, line->hash);
	fputc('\n', out);
}

/* The line of the user himself. */
static void put_changed(FILE *out, const struct edit *e, const struct passwd_line *line, bool is_first)
{
	switch (e->task->action) {
	case ACTION_DELETE: break;
	case ACTION_LOCK: put_lock(out, line, true); break;
	case ACTION_UNLOCK: put_lock(out, line, false); break;
	case ACTION_SET:
		if (is_first) /* a user listed twice ends up listed once */
			put_new(out, e);
		break;
	}
}

static void emit(FILE *out, const void *arg)
{
	const struct edit *e = arg;
	bool found = false;
	struct passwd_reader r = passwd_reader_of(e->file->text, e->file->len);
	struct passwd_line line;
	while (passwd_next(&r, &line)) {
		if (line.kind == PASSWD_ENTRY && span_is(line.user, e->task->user)) {
			put_changed(out, e, &line, !found);
			found = true;
			continue;
		}
		put(out, line.text);
		fputc('\n', out);
	}
	if (!found && e->task->action == ACTION_SET)
		put_new(out, e);
}

static bool is_listed(const struct file *f, const char *user)
{
	struct passwd_reader r = passwd_reader_of(f->text, f->len);
	struct passwd_line line;
	while (passwd_next(&r, &line))
		if (line.kind == PASSWD_ENTRY && span_is(line.user, user))
			return true;
	return false;
}

/* The strongest scheme of the libc (yescrypt where it has it); data keeps the result. */
static enum err hash_password(struct crypt_data *data, const char *password, const char **out)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	if (crypt_gensalt_rn(nullptr, 0, nullptr, 0, salt, sizeof salt) == nullptr &&
	    crypt_gensalt_rn("$6$", 0, nullptr, 0, salt, sizeof salt) == nullptr) {
		fprintf(stderr, "Cannot make a salt: %s.\n", strerror(errno));
		return ERR_CRYPTO;
	}
	const char *hash = crypt_r(password, salt, data);
	if (hash == nullptr || hash[0] == '*') {
		fprintf(stderr, "Cannot hash the password.\n");
		return ERR_CRYPTO;
	}
	*out = hash;
	return ERR_OK;
}

static enum err change(const struct task *t, const char *hash)
{
	struct file file OWNED(file_close);
	TRY(file_open(&file, t->path, t->action == ACTION_SET));
	if (t->action != ACTION_SET && !is_listed(&file, t->user)) {
		/* ocserv's tool says nothing and succeeds; scripts rely on the status */
		fprintf(stderr, "Warning: no user '%s' in '%s'; nothing was changed.\n", t->user, t->path);
		return ERR_OK;
	}
	const struct edit e = { .file = &file, .task = t, .hash = hash };
	return file_replace(&file, emit, &e);
}

static enum err set(const struct task *t)
{
	char password[ASK_MAX];
	TRY(ask_password(password));
	struct crypt_data *data = calloc(1, sizeof *data);
	const char *hash = nullptr;
	enum err e = data != nullptr ? hash_password(data, password, &hash) : ERR_NOMEM;
	explicit_bzero(password, sizeof password);
	if (e == ERR_OK)
		e = change(t, hash);
	if (data != nullptr)
		explicit_bzero(data, sizeof *data);
	free(data);
	return e;
}

int main(int argc, char **argv)
{
	signal(SIGXFSZ, SIG_IGN); /* a full quota is a failed write, told as such */
	struct task t = { .action = ACTION_SET, .path = DEFAULT_FILE };
	int status = parse(&t, argc, argv);
	if (status >= 0)
		return status;
	if (!names_are_good(&t))
		return EXIT_FAILURE;
	enum err e = t.action == ACTION_SET ? set(&t) : change(&t, nullptr);
	return e == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
