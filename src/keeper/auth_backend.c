/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_backend.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

constexpr uint32_t FRESH_MS = 1000;      /* a file looked at within this time is not asked for again */
constexpr uint32_t FETCH_WAIT_MS = 2000; /* then logins go on with the old content */

struct auth_backend {
	struct auth_backend_conf conf;
	void *self;
	struct auth_queue *queue;
	char *file;
	unsigned refs;
	bool fetching, is_missing;
	struct mono fetched; /* when the file was last looked at */
	struct mono fetch_until;
	struct auth_work *waiting, **waiting_tail; /* jobs that wait for the file */
};

/* {{ the kinds }} */

static void log_problem(void *, bool, const char *file, uint32_t line, const char *problem)
{
	log_warn("passwd.problem file=\"%s\" line=%u what=\"%s\"", file, line, problem);
}

static enum err plain_make(void **self, const char *file)
{
	struct auth_plain *p;
	TRY(auth_plain_new(&p, file));
	*self = p;
	return ERR_OK;
}
static void plain_free(void *self)
{
	auth_plain_free(self);
}
static enum err plain_load(void *self, int fd, auth_plain_complain *complain, void *ctx)
{
	return auth_plain_load(self, fd, complain, ctx);
}
static void plain_verify(void *self, struct auth_job *job)
{
	auth_plain_verify(self, job);
}

static size_t plain_users(const void *self)
{
	return auth_plain_users(self);
}

static const struct auth_backend_kind kinds[] = {
	{ "plain", plain_make, plain_free, plain_load, plain_verify, plain_users },
};

const struct auth_backend_kind *auth_backend_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return nullptr;
}

enum err auth_backend_check(const struct auth_backend_kind *kind, const char *file, int fd,
			    auth_plain_complain *complain, void *ctx, size_t *users)
{
	void *self;
	TRY(kind->make(&self, file));
	enum err e = kind->load(self, fd, complain, ctx);
	*users = kind->users(self);
	kind->free(self);
	return e;
}

/* {{ on the thread }} */

/* A file to be read. */
struct load {
	struct auth_work work;
	struct auth_backend *backend;
	int fd;
	enum err result;
};

static struct auth_job *job_of(struct auth_work *w)
{
	return CONTAINER_OF(w, struct auth_job, work);
}

static void run_job(struct auth_work *w)
{
	struct auth_job *job = job_of(w);
	if (!clock_is_past(clock_now(), job->deadline))
		job->backend->conf.kind->verify(job->backend->self, job);
}

static void run_load(struct auth_work *w)
{
	struct load *l = CONTAINER_OF(w, struct load, work);
	l->result = l->backend->conf.kind->load(l->backend->self, l->fd, log_problem, nullptr);
}

/* {{ on the loop }} */

static void finish_job(struct auth_work *w)
{
	struct auth_job *job = job_of(w);
	explicit_bzero(job->password, sizeof job->password);
	job->backend->conf.done(job->backend->conf.ctx, job);
}

static void finish_load(struct auth_work *w)
{
	struct load *l = CONTAINER_OF(w, struct load, work);
	if (l->result != ERR_OK)
		log_err("passwd.unreadable file=\"%s\" error=\"%s\" note=\"the last content stays in force\"",
			l->backend->file, err_text(l->result));
	base_closep(&l->fd);
	free(l);
}

enum err auth_backend_new(struct auth_backend **out, const struct auth_backend_conf *conf)
{
	struct auth_backend *b = calloc(1, sizeof *b);
	if (b == nullptr)
		return ERR_NOMEM;
	*b = (struct auth_backend){ .conf = *conf, .refs = 1, .file = strdup(conf->file) };
	b->waiting_tail = &b->waiting;
	enum err e = b->file != nullptr ? conf->kind->make(&b->self, b->file) : ERR_NOMEM;
	if (e == ERR_OK)
		e = auth_queue_new(&b->queue, conf->loop);
	if (e == ERR_OK)
		*out = b;
	else
		auth_backend_put(b);
	return e;
}

struct auth_backend *auth_backend_get(struct auth_backend *b)
{
	b->refs++;
	return b;
}

static void flush_waiting(struct auth_backend *b, bool to_thread)
{
	struct auth_work *w = b->waiting;
	b->waiting = nullptr;
	b->waiting_tail = &b->waiting;
	while (w != nullptr) {
		struct auth_work *next = w->next;
		if (!to_thread || auth_queue_push(b->queue, w) != ERR_OK)
			finish_job(w); /* result is still ERR_BUSY */
		w = next;
	}
}

void auth_backend_put(struct auth_backend *b)
{
	if (b == nullptr || --b->refs > 0)
		return;
	flush_waiting(b, false);
	auth_queue_free(b->queue);
	if (b->self != nullptr)
		b->conf.kind->free(b->self);
	free(b->file);
	free(b);
}

bool auth_backend_is(const struct auth_backend *b, const struct auth_backend_kind *kind, const char *file)
{
	return b->conf.kind == kind && strcmp(b->file, file) == 0;
}

static bool is_stale(const struct auth_backend *b, struct mono now)
{
	return b->fetched.ns == 0 || clock_is_past(now, clock_add_ms(b->fetched, FRESH_MS));
}

enum err auth_backend_start(struct auth_backend *b, struct auth_job *job, struct mono now)
{
	job->backend = b;
	job->work.run = run_job;
	job->work.done = finish_job;
	if (!b->fetching && is_stale(b, now) && b->conf.fetch(b->conf.ctx, b) == ERR_OK) {
		b->fetching = true;
		b->fetch_until = clock_add_ms(now, FETCH_WAIT_MS);
	}
	if (!b->fetching)
		return auth_queue_push(b->queue, &job->work);
	job->work.next = nullptr;
	*b->waiting_tail = &job->work;
	b->waiting_tail = &job->work.next;
	return ERR_OK;
}

/* One line when it goes away and one when it is back, not one a login. */
static void note_missing(struct auth_backend *b, const char *error)
{
	bool is_missing = error != nullptr;
	if (is_missing && !b->is_missing)
		log_err("passwd.unreadable file=\"%s\" error=\"%s\" note=\"the last content stays in force\"",
			b->file, error);
	if (!is_missing && b->is_missing)
		log_notice("passwd.readable file=\"%s\"", b->file);
	b->is_missing = is_missing;
}

static void push_load(struct auth_backend *b, int fd)
{
	struct load *l = calloc(1, sizeof *l);
	if (l != nullptr)
		*l = (struct load){ .work = { .run = run_load, .done = finish_load },
				    .backend = b,
				    .fd = fd };
	if (l != nullptr && auth_queue_push(b->queue, &l->work) == ERR_OK)
		return;
	base_closep(&fd);
	free(l);
}

void auth_backend_fetched(struct auth_backend *b, int fd, const char *error, struct mono now)
{
	b->fetched = now;
	b->fetching = false;
	const char *why = error != nullptr && *error != '\0' ? error : "no descriptor came";
	note_missing(b, fd < 0 ? why : nullptr);
	if (fd >= 0)
		push_load(b, fd);
	flush_waiting(b, true); /* behind the load: the queue keeps the order */
}

void auth_backend_tick(struct auth_backend *b, struct mono now)
{
	if (!b->fetching || !clock_is_past(now, b->fetch_until))
		return;
	log_warn("passwd.no_answer file=\"%s\" note=\"the last content stays in force\"", b->file);
	b->fetched = now;
	b->fetching = false;
	flush_waiting(b, true);
}
