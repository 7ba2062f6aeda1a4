/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_backend - a place that knows users from a file, with a thread of its own, so that a slow one delays nobody else
 *
 * A back end asks the supervisor for its file again when the last look is older than a second, and lets logins wait for the
 * answer: a password that was changed is in force at once.
 *
 * One that must write its file (used codes) edits it through the supervisor: FILE_EDIT gives the file in place and a new
 * one, the thread fills and syncs the new one, FILE_COMMIT renames it.  Logins wait for that; all that were checked before
 * a writing began share it.
 *
 * Owner:    a set (auth_set.c), by count of references: a back end whose file is the same lives on over a reload.
 * Runs in:  the loop thread; the functions of struct auth_backend_kind on the back end's thread.
 */
#pragma once

#include "ipc/msgs.h"
#include "keeper/auth_plain.h"

struct auth_backend;

/* One kind of back end: a row of the table in auth_backend.c. */
struct auth_backend_kind {
	enum msgs_file file; /* what the supervisor is asked for */
	const char *arg;     /* of the method: its name */
	enum err (*make)(void **self, const char *file);
	void (*free)(void *self);
	/* On the thread: read the file again. */
	enum err (*load)(void *self, int fd, auth_plain_complain *complain, void *ctx);
	/* On the thread. */
	void (*verify)(void *self, struct auth_job *job);
	/* On the thread: write the file; nullptr: it is never written. */
	enum err (*save)(void *self, int current, int next);
	size_t (*users)(const void *self);
};
/* nullptr: there is no such. */
const struct auth_backend_kind *auth_backend_kind(enum msgs_file file);

struct auth_backend_conf {
	uv_loop_t *loop;
	const struct auth_backend_kind *kind;
	const char *file; /* copied */
	/* On the loop: ask for the file; auth_backend_fetched must follow.  ERR_CLOSED: it cannot be asked for. */
	enum err (*fetch)(void *ctx, struct auth_backend *b);
	/* On the loop: ask to replace the file; auth_backend_edited must follow. */
	enum err (*edit)(void *ctx, struct auth_backend *b);
	/* On the loop: the new file is ready, or is to be dropped; auth_backend_committed must follow. */
	enum err (*commit)(void *ctx, struct auth_backend *b, bool drop);
	/* On the loop: a job is finished, and now yours. */
	void (*done)(void *ctx, struct auth_job *job);
	void *ctx;
};

/* Is this file good for such a back end?  Nothing of it is kept but how many users it has. */
enum err auth_backend_check(const struct auth_backend_kind *kind, const char *file, int fd,
			    auth_plain_complain *complain, void *ctx, size_t *users);

enum err auth_backend_new(struct auth_backend **out, const struct auth_backend_conf *conf);
struct auth_backend *auth_backend_get(struct auth_backend *b);
/* The last put ends the thread; jobs that wait come back with ERR_BUSY. */
void auth_backend_put(struct auth_backend *b);

bool auth_backend_is(const struct auth_backend *b, const struct auth_backend_kind *kind, const char *file);
enum msgs_file auth_backend_file(const struct auth_backend *b);

/* Takes the job on ERR_OK. */
enum err auth_backend_start(struct auth_backend *b, struct auth_job *job, struct mono now);

/* The file, or -1 and why it could not be opened.  fd is taken. */
void auth_backend_fetched(struct auth_backend *b, int fd, const char *error, struct mono now);

/* The file in place and the new one, or -1 and why there is none.  Both are taken. */
void auth_backend_edited(struct auth_backend *b, int current, int next, const char *error, struct mono now);
/* error "": the new file is in place. */
void auth_backend_committed(struct auth_backend *b, const char *error, struct mono now);

/* Logins do not wait for ever for a file. */
void auth_backend_tick(struct auth_backend *b, struct mono now);
