/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_backend.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "keeper/auth_otp.h"

constexpr uint32_t FRESH_MS = 1000;      /* a file looked at within this time is not asked for again */
constexpr uint32_t FETCH_WAIT_MS = 2000; /* then logins go on with the old content */
constexpr uint32_t EDIT_WAIT_MS = 10'000; /* then a used code is not recorded, and its user stays out */

/* Jobs in order. */
struct line {
	struct auth_work *head, **tail;
};

enum edit : uint8_t { EDIT_NONE, EDIT_ASKED, EDIT_WRITING, EDIT_COMMITTING };

struct auth_backend {
	struct auth_backend_conf conf;
	void *self;
	struct auth_queue *queue;
	char *file;
	unsigned refs;
	bool fetching, is_missing;
	struct mono fetched; /* when the file was last looked at */
	struct mono fetch_until;
	struct line waiting; /* for the file */
	/* writing */
	enum edit edit;
	struct mono edit_until;
	bool is_unwritable;    /* told already */
	struct line unsaved;   /* their use is not in the file yet */
	struct line saving;    /* it is in the one that is written now */
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

static enum err otp_make(void **self, const char *file)
{
	struct auth_otp *o;
	TRY(auth_otp_new(&o, file));
	*self = o;
	return ERR_OK;
}
static void otp_free(void *self)
{
	auth_otp_free(self);
}
static enum err otp_load(void *self, int fd, auth_plain_complain *complain, void *ctx)
{
	return auth_otp_load(self, fd, complain, ctx);
}
static void otp_verify(void *self, struct auth_job *job)
{
	auth_otp_verify(self, job, time(nullptr), clock_now());
}
static enum err otp_save(void *self, int current, int next)
{
	return auth_otp_save(self, current, next);
}
static size_t otp_users(const void *self)
{
	return auth_otp_users(self);
}

static const struct auth_backend_kind kinds[] = {
	{ FILE_PASSWD, "passwd", plain_make, plain_free, plain_load, plain_verify, nullptr, plain_users },
	{ FILE_OTP, "otp", otp_make, otp_free, otp_load, otp_verify, otp_save, otp_users },
};

const struct auth_backend_kind *auth_backend_kind(enum msgs_file file)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].file == file)
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

static void line_add(struct line *l, struct auth_work *w)
{
	if (l->head == nullptr)
		l->tail = &l->head;
	w->next = nullptr;
	*l->tail = w;
	l->tail = &w->next;
}

/* All of it; the line is empty then. */
static struct auth_work *line_take(struct line *l)
{
	struct auth_work *w = l->head;
	*l = (struct line){};
	return w;
}

static void give_back(struct auth_job *job)
{
	job->backend->conf.done(job->backend->conf.ctx, job);
}

/* The code was right and is used up, but nobody may come in whose code could be used again after a restart. */
static void refuse_unsaved(struct auth_job *job)
{
	job->result = ERR_SYS;
	job->why = "the use of the code cannot be written to its file";
	give_back(job);
}

static void end_saving(struct auth_backend *b, bool is_saved)
{
	struct auth_work *w = line_take(&b->saving);
	while (w != nullptr) {
		struct auth_work *next = w->next;
		(is_saved ? give_back : refuse_unsaved)(job_of(w));
		w = next;
	}
}

static void begin_edit(struct auth_backend *b, struct mono now)
{
	if (b->edit != EDIT_NONE || b->unsaved.head == nullptr)
		return;
	b->edit = EDIT_ASKED;
	b->edit_until = clock_add_ms(now, EDIT_WAIT_MS);
	if (b->conf.edit(b->conf.ctx, b) != ERR_OK)
		auth_backend_edited(b, -1, -1, "the supervisor cannot be asked", now);
}

static void finish_job(struct auth_work *w)
{
	struct auth_job *job = job_of(w);
	struct auth_backend *b = job->backend;
	if (job->result != ERR_OK || !job->must_save) {
		give_back(job);
	} else if (b->refs == 0) {
		refuse_unsaved(job);
	} else {
		line_add(&b->unsaved, w);
		begin_edit(b, clock_now());
	}
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
	struct auth_work *w = line_take(&b->waiting);
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
	end_saving(b, false);
	b->saving = b->unsaved;
	end_saving(b, false);
	if (b->self != nullptr)
		b->conf.kind->free(b->self);
	free(b->file);
	free(b);
}

bool auth_backend_is(const struct auth_backend *b, const struct auth_backend_kind *kind, const char *file)
{
	return b->conf.kind == kind && strcmp(b->file, file) == 0;
}

enum msgs_file auth_backend_file(const struct auth_backend *b)
{
	return b->conf.kind->file;
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
	line_add(&b->waiting, &job->work);
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

/* {{ writing }} */

struct save {
	struct auth_work work;
	struct auth_backend *backend;
	int current, next;
	enum err result;
};

static void run_save(struct auth_work *w)
{
	struct save *s = CONTAINER_OF(w, struct save, work);
	s->result = s->backend->conf.kind->save(s->backend->self, s->current, s->next);
}

/* One line when it goes away and one when it is back, not one a login. */
static void note_unwritable(struct auth_backend *b, const char *error)
{
	bool is_unwritable = error != nullptr;
	if (is_unwritable && !b->is_unwritable)
		log_err("otp.unwritable file=\"%s\" error=\"%s\" note=\"nobody can log in with a code of it\"",
			b->file, error);
	if (!is_unwritable && b->is_unwritable)
		log_notice("otp.writable file=\"%s\"", b->file);
	b->is_unwritable = is_unwritable;
}

static void end_edit(struct auth_backend *b, const char *error, struct mono now)
{
	b->edit = EDIT_NONE;
	note_unwritable(b, error);
	end_saving(b, error == nullptr);
	if (b->refs > 0)
		begin_edit(b, now);
}

static void finish_save(struct auth_work *w)
{
	struct save *s = CONTAINER_OF(w, struct save, work);
	struct auth_backend *b = s->backend;
	bool is_bad = s->result != ERR_OK;
	base_closep(&s->current);
	base_closep(&s->next);
	free(s);
	if (b->edit != EDIT_WRITING || b->refs == 0)
		return;
	if (is_bad)
		note_unwritable(b, "the new file cannot be written; is the disk full?");
	b->edit = EDIT_COMMITTING;
	if (b->conf.commit(b->conf.ctx, b, is_bad) != ERR_OK)
		end_edit(b, "the supervisor cannot be asked", clock_now());
}

void auth_backend_edited(struct auth_backend *b, int current, int next, const char *error, struct mono now)
{
	int current_fd OWNED(base_closep) = current, next_fd OWNED(base_closep) = next;
	if (b->edit != EDIT_ASKED)
		return;
	b->saving = b->unsaved;
	b->unsaved = (struct line){};
	struct save *s = current >= 0 && next >= 0 ? calloc(1, sizeof *s) : nullptr;
	if (s == nullptr) {
		end_edit(b, error != nullptr && *error != '\0' ? error : "no descriptor came", now);
		return;
	}
	*s = (struct save){ .work = { .run = run_save, .done = finish_save },
			    .backend = b,
			    .current = current,
			    .next = next };
	b->edit = EDIT_WRITING;
	if (auth_queue_push(b->queue, &s->work) != ERR_OK) {
		free(s);
		end_edit(b, "too much is waiting", now);
		return;
	}
	current_fd = next_fd = -1;
}

void auth_backend_committed(struct auth_backend *b, const char *error, struct mono now)
{
	if (b->edit != EDIT_COMMITTING)
		return;
	end_edit(b, *error != '\0' ? error : nullptr, now);
}

static void tick_edit(struct auth_backend *b, struct mono now)
{
	if (b->edit == EDIT_NONE || !clock_is_past(now, b->edit_until))
		return;
	if (b->edit == EDIT_ASKED) {
		b->saving = b->unsaved;
		b->unsaved = (struct line){};
	}
	end_edit(b, "the file was not replaced in time", now);
}

void auth_backend_tick(struct auth_backend *b, struct mono now)
{
	tick_edit(b, now);
	if (!b->fetching || !clock_is_past(now, b->fetch_until))
		return;
	log_warn("passwd.no_answer file=\"%s\" note=\"the last content stays in force\"", b->file);
	b->fetched = now;
	b->fetching = false;
	flush_waiting(b, true);
}
