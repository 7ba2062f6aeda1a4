/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_plain.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/passwd.h"
#include "base/secret.h"
#include "base/table.h"
#include "fips/fips.h"
#include "keeper/auth_cost.h"
#include "keeper/descriptor.h"

constexpr size_t FILE_MAX = 64 * 1024 * 1024;
static const char APPROVED[] = "$6$";

struct entry {
	struct span user, groups; /* into the text */
	const char *hash;         /* ends in the text */
	bool locked;
	UT_hash_handle hh;
};

/* One reading of the file. */
struct content {
	char *text;
	size_t len;
	struct entry *entries; /* array of entries_n */
	size_t entries_n;
	struct entry *by_user;
	struct auth_cost cost; /* of users who do not exist */
};

/* Tells whether the file changed. */
struct identity {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct auth_plain {
	char *file;
	struct content content;
	struct identity identity;
	struct crypt_data crypt; /* wiped after each use */
	char fallback[CRYPT_GENSALT_OUTPUT_SIZE]; /* salt of the best scheme, for a file without users */
};

/* {{ life }} */

static void content_fini(struct content *c)
{
	HASH_CLEAR(hh, c->by_user);
	free(c->entries);
	if (c->text != nullptr)
		explicit_bzero(c->text, c->len);
	free(c->text);
	*c = (struct content){};
}

enum err auth_plain_new(struct auth_plain **out, const char *file)
{
	struct auth_plain *p = calloc(1, sizeof *p);
	if (p == nullptr)
		return ERR_NOMEM;
	p->file = strdup(file);
	if (p->file == nullptr || crypt_gensalt_rn(fips_is_on() ? APPROVED : nullptr, 0, nullptr, 0,
						   p->fallback, sizeof p->fallback) == nullptr) {
		auth_plain_free(p);
		return ERR_NOMEM;
	}
	*out = p;
	return ERR_OK;
}

void auth_plain_free(struct auth_plain *p)
{
	if (p == nullptr)
		return;
	content_fini(&p->content);
	free(p->file);
	explicit_bzero(p, sizeof *p);
	free(p);
}

size_t auth_plain_users(const struct auth_plain *p)
{
	return HASH_COUNT(p->content.by_user);
}

static bool is_known(const char *hash)
{
	int check = crypt_checksalt(hash);
	return check != CRYPT_SALT_INVALID && check != CRYPT_SALT_METHOD_DISABLED;
}

/* Of SHA-256 or SHA-512. */
static bool is_approved(const char *hash)
{
	return strncmp(hash, "$5$", 3) == 0 || strncmp(hash, APPROVED, strlen(APPROVED)) == 0;
}

static bool is_usable(const char *hash)
{
	return is_known(hash) && (!fips_is_on() || is_approved(hash));
}

/* {{ reading }} */

struct complaint {
	auth_plain_complain *fn;
	void *ctx;
	const char *file;
};

static void complain_of(const struct complaint *to, bool is_error, uint32_t line, const char *problem)
{
	if (to->fn != nullptr)
		to->fn(to->ctx, is_error, to->file, line, problem);
}

static void add_entry(struct content *c, const struct passwd_line *line, const struct complaint *to)
{
	struct entry *e = &c->entries[c->entries_n], *known;
	HASH_FIND(hh, c->by_user, line->user.p, line->user.len, known);
	if (known != nullptr) {
		complain_of(to, false, line->number, "the user is listed before; this line is not used");
		return;
	}
	e->user = line->user;
	e->groups = line->groups;
	e->locked = line->locked;
	/* the hash stands at the end of its line: its line feed, or the end of the text, becomes the end of the string */
	e->hash = line->hash.p;
	c->text[line->hash.p - c->text + (ptrdiff_t)line->hash.len] = '\0';
	c->entries_n++;
	HASH_ADD_KEYPTR(hh, c->by_user, e->user.p, e->user.len, e);
	if (is_usable(e->hash))
		auth_cost_learn(&c->cost, e->hash);
	else if (!e->locked)
		complain_of(
			to, false, line->number,
			is_known(e->hash)
				? "fips: the scheme of the password hash is not approved; the user cannot log in until it is set anew"
				: "the scheme of the password hash is not known here; the user cannot log in");
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 1;
	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* Takes text (len bytes and one more) over. */
static enum err take_text(struct auth_plain *p, char *text, size_t len, const struct complaint *to)
{
	struct content c = { .text = text, .len = len };
	c.entries = calloc(count_lines(text, len), sizeof *c.entries);
	if (c.entries == nullptr) {
		content_fini(&c);
		return ERR_NOMEM;
	}
	struct passwd_reader r = passwd_reader_of(text, len);
	struct passwd_line line;
	while (passwd_next(&r, &line)) {
		if (line.kind == PASSWD_BAD)
			complain_of(to, true, line.number, line.problem);
		else if (line.kind == PASSWD_ENTRY)
			add_entry(&c, &line, to);
	}
	content_fini(&p->content);
	p->content = c;
	return ERR_OK;
}

enum err auth_plain_load_text(struct auth_plain *p, const char *text, size_t len,
			      auth_plain_complain *complain, void *ctx)
{
	const struct complaint to = { complain, ctx, p->file };
	char *own = malloc(len + 1);
	if (own == nullptr)
		return ERR_NOMEM;
	if (len > 0)
		memcpy(own, text, len);
	own[len] = '\0';
	return take_text(p, own, len, &to);
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       memcmp(&a->mtime, &b->mtime, sizeof a->mtime) == 0 &&
	       memcmp(&a->ctime, &b->ctime, sizeof a->ctime) == 0;
}

enum err auth_plain_load(struct auth_plain *p, int fd, auth_plain_complain *complain, void *ctx)
{
	const struct complaint to = { complain, ctx, p->file };
	struct stat st;
	enum err e = descriptor_stat(fd, FILE_MAX, &st);
	if (e == ERR_RANGE)
		complain_of(&to, true, 0, "not a regular file of at most 64 MB");
	if (e != ERR_OK)
		return e;
	const struct identity now = { st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim };
	if (p->content.text != nullptr && is_same(&now, &p->identity))
		return ERR_OK;
	size_t size = (size_t)st.st_size, len;
	char *text = malloc(size + 1);
	if (text == nullptr)
		return ERR_NOMEM;
	e = descriptor_read(fd, text, size, &len);
	if (e != ERR_OK) {
		free(text);
		return e;
	}
	text[len] = '\0';
	TRY(take_text(p, text, len, &to));
	p->identity = now;
	return ERR_OK;
}

/* {{ verifying }} */

static bool matches(struct auth_plain *p, const char *password, const char *hash)
{
	const char *made = crypt_rn(password, hash, &p->crypt, sizeof p->crypt);
	bool same = made != nullptr && made[0] != '*' && strlen(made) == strlen(hash) &&
		    secret_is_equal_bytes(made, hash, strlen(hash));
	explicit_bzero(&p->crypt, sizeof p->crypt);
	return same;
}

static bool is_member(struct span groups, const char *name)
{
	struct span group;
	while (passwd_next_group(&groups, &group))
		if (span_is(group, name))
			return true;
	return false;
}

/* The group chosen, if the user is in it; without a choice the first of his groups. */
static enum err give_group(const struct entry *e, struct auth_job *job)
{
	if (job->group[0] != '\0') {
		if (!is_member(e->groups, job->group))
			return ERR_AUTH;
		memcpy(job->given, job->group, sizeof job->given);
		return ERR_OK;
	}
	struct span left = e->groups, group;
	if (passwd_next_group(&left, &group) && group.len < AUTH_NAME_MAX) {
		memcpy(job->given, group.p, group.len);
		job->given[group.len] = '\0';
	}
	return ERR_OK;
}

static enum err refuse(struct auth_job *job, const char *why)
{
	job->why = why;
	return ERR_AUTH;
}

static enum err verify(struct auth_plain *p, struct auth_job *job)
{
	const struct entry *e;
	size_t len = strlen(job->username);
	HASH_FIND(hh, p->content.by_user, job->username, len, e);
	bool is_real = e != nullptr && is_usable(e->hash);
	const char *dummy =
		auth_cost_of(&p->content.cost, job->username); /* also if he exists: the time is the same */
	if (dummy == nullptr)
		dummy = p->fallback;
	bool right = matches(p, job->password, is_real ? e->hash : dummy);
	if (e == nullptr)
		return refuse(job, "unknown user");
	if (e->locked)
		return refuse(job, "user is locked");
	if (!is_real || !right)
		return refuse(job, "wrong password");
	if (give_group(e, job) != ERR_OK)
		return refuse(job, "user is not in the chosen group");
	return ERR_OK;
}

void auth_plain_verify(struct auth_plain *p, struct auth_job *job)
{
	job->result = verify(p, job);
}
