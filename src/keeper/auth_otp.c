/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_otp.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "keeper/descriptor.h"
#include "keeper/otp_file.h"

constexpr size_t FILE_MAX = 16 * 1024 * 1024;

/* What is not in the file: wrong codes.  Users who do not exist have none. */
struct strike {
	unsigned n;
	struct mono until; /* closed; 0: open */
	UT_hash_handle hh;
	char user[];
};

struct auth_otp {
	char *file;
	struct otp_file content;
	struct strike *strikes;
	struct otp_token dummy; /* to be computed for users who do not exist */
	bool is_loaded;
};

/* {{ life }} */

enum err auth_otp_new(struct auth_otp **out, const char *file)
{
	struct auth_otp *o = calloc(1, sizeof *o);
	if (o == nullptr)
		return ERR_NOMEM;
	o->file = strdup(file);
	if (o->file == nullptr) {
		free(o);
		return ERR_NOMEM;
	}
	o->dummy = (struct otp_token){ .secret_len = 20, .digits = OTP_DIGITS_MIN, .step_s = 30 };
	*out = o;
	return ERR_OK;
}

static void forget(struct auth_otp *o, struct strike *s)
{
	HASH_DEL(o->strikes, s);
	free(s);
}

void auth_otp_free(struct auth_otp *o)
{
	if (o == nullptr)
		return;
	struct strike *s, *next;
	HASH_ITER(hh, o->strikes, s, next)
		forget(o, s);
	otp_file_fini(&o->content);
	free(o->file);
	explicit_bzero(o, sizeof *o);
	free(o);
}

size_t auth_otp_users(const struct auth_otp *o)
{
	return HASH_COUNT(o->content.by_user);
}

/* {{ reading }} */

struct complaint {
	auth_plain_complain *fn;
	void *ctx;
	const char *file;
};

static void pass_on(void *ctx, bool is_error, uint32_t line, const char *problem)
{
	const struct complaint *to = ctx;
	if (to->fn != nullptr)
		to->fn(to->ctx, is_error, to->file, line, problem);
}

static bool is_same_token(const struct otp_token *a, const struct otp_token *b)
{
	return a->step_s == b->step_s && a->digits == b->digits && a->secret_len == b->secret_len &&
	       secret_is_equal_bytes(a->secret, b->secret, a->secret_len);
}

/* An editor that writes an old state back must not make used codes good again. */
static void keep_use(struct otp_token *now, const struct otp_token *before)
{
	if (!before->has_last || (now->has_last && now->last >= before->last))
		return;
	now->has_last = true;
	now->last = before->last;
	memcpy(now->last_code, before->last_code, sizeof now->last_code);
	now->is_changed = true;
}

static void keep_uses(struct otp_file *now, const struct otp_file *before)
{
	for (size_t i = 0; i < before->tokens_n; i++) {
		const struct otp_token *old = &before->tokens[i];
		struct otp_token *t;
		HASH_FIND(hh, now->by_user, old->user.p, old->user.len, t);
		for (; t != nullptr; t = t->next)
			if (is_same_token(t, old))
				keep_use(t, old);
	}
}

/* An unknown user costs what most users cost. */
static void pick_dummy(struct auth_otp *o)
{
	size_t timed = 0;
	for (size_t i = 0; i < o->content.tokens_n; i++)
		timed += o->content.tokens[i].step_s != 0;
	o->dummy.step_s = 2 * timed >= o->content.tokens_n ? 30 : 0;
}

enum err auth_otp_load_text(struct auth_otp *o, const char *text, size_t len, auth_plain_complain *complain,
			    void *ctx)
{
	struct complaint to = { complain, ctx, o->file };
	struct otp_file fresh;
	TRY(otp_file_parse(&fresh, text, len, pass_on, &to));
	keep_uses(&fresh, &o->content);
	otp_file_fini(&o->content);
	o->content = fresh;
	o->is_loaded = true;
	pick_dummy(o);
	return ERR_OK;
}

enum err auth_otp_load(struct auth_otp *o, int fd, auth_plain_complain *complain, void *ctx)
{
	struct stat st;
	enum err e = descriptor_stat(fd, FILE_MAX, &st);
	if (e == ERR_RANGE && complain != nullptr)
		complain(ctx, true, o->file, 0, "not a regular file of at most 16 MB");
	TRY(e);
	size_t size = (size_t)st.st_size, len = 0;
	char *text = malloc(size + 1);
	if (text == nullptr)
		return ERR_NOMEM;
	e = descriptor_read(fd, text, size, &len);
	bool is_same = e == ERR_OK && o->is_loaded && len == o->content.len &&
		       memcmp(text, o->content.text, len) == 0;
	if (e == ERR_OK && !is_same)
		e = auth_otp_load_text(o, text, len, complain, ctx);
	explicit_bzero(text, size);
	free(text);
	return e;
}

/* {{ writing }} */

static enum err write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n <= 0)
			return ERR_SYS;
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? ERR_OK : ERR_SYS;
}

enum err auth_otp_save(struct auth_otp *o, int current, int next)
{
	char *text;
	size_t len;
	TRY(auth_otp_load(o, current, nullptr, nullptr));
	TRY(otp_file_emit(&o->content, &text, &len));
	enum err e = write_all(next, text, len);
	explicit_bzero(text, len);
	free(text);
	return e;
}

/* {{ verifying }} */

static struct strike *strike_of(struct auth_otp *o, const char *user, bool make)
{
	struct strike *s;
	size_t len = strlen(user);
	HASH_FIND(hh, o->strikes, user, len, s);
	if (s != nullptr || !make)
		return s;
	s = calloc(1, sizeof *s + len + 1);
	if (s == nullptr)
		return nullptr;
	memcpy(s->user, user, len);
	HASH_ADD_KEYPTR(hh, o->strikes, s->user, len, s);
	return s;
}

static bool is_closed(struct auth_otp *o, const char *user, struct mono now)
{
	const struct strike *s = strike_of(o, user, false);
	return s != nullptr && s->until.ns != 0 && !clock_is_past(now, s->until);
}

/* No memory for a strike: then the user is simply refused, as he is anyway. */
static void note_wrong(struct auth_otp *o, const char *user, struct mono now)
{
	struct strike *s = strike_of(o, user, true);
	if (s == nullptr)
		return;
	if (s->until.ns != 0 && clock_is_past(now, s->until))
		*s = (struct strike){ .hh = s->hh };
	if (++s->n >= AUTH_OTP_TRIES)
		s->until = clock_add_s(now, AUTH_OTP_PAUSE_S);
}

/* What stands behind the PIN; nullptr: the PIN is wrong. */
static const char *after_pin(const struct otp_token *t, const char *given)
{
	bool has_pin = !span_is(t->pin, "-") && !span_is(t->pin, "+") && t->pin.len > 0;
	if (!has_pin)
		return given;
	if (strlen(given) <= t->pin.len || !secret_is_equal_bytes(given, t->pin.p, t->pin.len))
		return nullptr;
	return given + t->pin.len;
}

/* The codes that may be good now: n counters from *first on. */
static uint32_t range_of(const struct otp_token *t, const struct auth_job *job, int64_t unix_now,
			 uint64_t *first)
{
	if (t->step_s == 0) {
		*first = t->last + t->has_last;
		return job->hotp_window + 1;
	}
	uint64_t step = (uint64_t)unix_now / t->step_s;
	*first = step - MIN(step, job->totp_window);
	return 2 * job->totp_window + 1;
}

static enum err check(struct otp_token *t, const struct auth_job *job, int64_t unix_now, const char **why)
{
	const char *code = after_pin(t, job->password);
	uint64_t first, at = 0;
	uint32_t n = range_of(t, job, unix_now, &first);
	enum err e =
		otp_find(t->secret, t->secret_len, first, n, t->digits, code != nullptr ? code : "", &at);
	if (e != ERR_OK || code == nullptr) {
		*why = code == nullptr ? "wrong PIN before the code" : "wrong code";
		return e != ERR_OK ? e : ERR_AUTH;
	}
	if (t->has_last && (at <= t->last || strcmp(code, t->last_code) == 0)) {
		*why = "the code was used before";
		return ERR_AUTH;
	}
	t->has_last = true;
	t->last = at;
	memcpy(t->last_code, code, (size_t)t->digits + 1);
	t->is_changed = true;
	return ERR_OK;
}

static enum err check_tokens(struct auth_otp *o, struct auth_job *job, int64_t unix_now)
{
	struct otp_token *t = otp_file_find(&o->content, job->username);
	const char *why = "unknown user";
	enum err e = ERR_AUTH;
	if (t == nullptr) {
		struct otp_token dummy = o->dummy;
		e = check(&dummy, job, unix_now, &why);
		job->why = "unknown user of one-time codes";
		return e == ERR_OK ? ERR_AUTH : e; /* who guesses the dummy's code is unknown still */
	}
	for (; t != nullptr && e == ERR_AUTH; t = t->next)
		e = check(t, job, unix_now, &why);
	job->why = why;
	return e;
}

/* What a closed user says is computed all the same, and of no effect: the time does not tell that he exists. */
static void compute_for_nothing(const struct auth_otp *o, const struct auth_job *job, int64_t unix_now)
{
	const char *why;
	struct otp_token dummy = o->dummy;
	if (check(&dummy, job, unix_now, &why) != ERR_OK)
		return;
}

void auth_otp_verify(struct auth_otp *o, struct auth_job *job, int64_t unix_now, struct mono now)
{
	if (is_closed(o, job->username, now)) {
		compute_for_nothing(o, job, unix_now);
		job->why = "too many wrong codes; the user is closed for a minute";
		job->result = ERR_AUTH;
		return;
	}
	job->result = check_tokens(o, job, unix_now);
	job->must_save = job->result == ERR_OK;
	struct strike *s = strike_of(o, job->username, false);
	if (job->result == ERR_OK && s != nullptr)
		forget(o, s);
	else if (job->result == ERR_AUTH && otp_file_find(&o->content, job->username) != nullptr)
		note_wrong(o, job->username, now);
}
