/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/hash.h>

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/passwd.h"
#include "keeper/show.h"

static const char failed_text[] = "Login failed.";
static const char broken_text[] = "Login is not possible now; try again later.";
static const char busy_text[] = "The last answer is still being checked; try again.";

struct auth_login {
	uint8_t key[WC_SHA256_DIGEST_SIZE]; /* of auth_id: see auth.h */
	uint8_t auth_id[AUTH_ID_LEN];
	bool has_strap;
	uint8_t strap_key[SESSION_STRAP_KEY_LEN]; /* announced last */
	uint32_t vhost;
	unsigned tries;         /* that were wrong */
	struct mono begun, until;
	uint64_t serial;        /* of the job under way; 0: none */
	struct mono job_until;
	struct auth_ticket ticket; /* who waits for that job */
	char username[AUTH_NAME_MAX];
	char group[AUTH_NAME_MAX];
	struct addr remote;
	struct session_client client; /* ours */
	UT_hash_handle hh;
};

/* {{ the table }} */

static void client_fini(struct session_client *c)
{
	free(c->user_agent);
	free(c->hostname);
	free(c->device_type);
	free(c->device_platform);
	*c = (struct session_client){};
}

static void drop(struct auth *a, struct auth_login *l)
{
	HASH_DEL(a->logins, l);
	client_fini(&l->client);
	free(l);
}

static struct auth_login *find(struct auth *a, const uint8_t *id, size_t len)
{
	struct auth_login *l = nullptr;
	uint8_t key[WC_SHA256_DIGEST_SIZE];
	if (len == AUTH_ID_LEN && wc_Sha256Hash(id, AUTH_ID_LEN, key) == 0)
		HASH_FIND(hh, a->logins, key, sizeof key, l);
	return l;
}

/* To the end of the table, which is the order of last use. */
static void touch(struct auth *a, struct auth_login *l)
{
	HASH_DEL(a->logins, l);
	HASH_ADD(hh, a->logins, key, sizeof l->key, l);
}

static void deny(struct auth *a, const struct auth_ticket *t, const char *message);

/* The head of the table is the one longest untouched. */
static void evict(struct auth *a)
{
	struct auth_login *l = a->logins;
	if (l->serial != 0)
		deny(a, &l->ticket, broken_text);
	drop(a, l);
}

static struct auth_login *create(struct auth *a, const struct auth_request *r, struct mono now)
{
	if (HASH_COUNT(a->logins) >= AUTH_LOGINS_MAX)
		evict(a);
	struct auth_login *l = calloc(1, sizeof *l);
	if (l == nullptr || getrandom(l->auth_id, AUTH_ID_LEN, 0) != (ssize_t)AUTH_ID_LEN ||
	    wc_Sha256Hash(l->auth_id, AUTH_ID_LEN, l->key) != 0) {
		free(l);
		return nullptr;
	}
	l->vhost = r->vhost;
	l->begun = now;
	l->until = clock_add_s(now, a->cfg->auth_timeout);
	HASH_ADD(hh, a->logins, key, sizeof l->key, l);
	return l;
}

/* The login that the request goes on with, or a new one: an unknown or expired auth_id is no error of the user. */
static struct auth_login *find_or_create(struct auth *a, const struct auth_request *r, struct mono now)
{
	struct auth_login *l = find(a, r->auth_id, r->auth_id_len);
	if (l == nullptr || l->vhost != r->vhost || clock_is_past(now, l->until))
		return create(a, r, now);
	touch(a, l);
	return l;
}

/* {{ answers }} */

static void ask(struct auth *a, const struct auth_ticket *t, const struct auth_login *l, const char *message,
		bool retry)
{
	const struct auth_answer answer = {
		.verdict = VERDICT_MORE,
		.auth_id = l->auth_id,
		.message = message,
		/* both in one form, unless the client begins with the name alone */
		.ask_username = l->username[0] == '\0' || message != nullptr,
		.ask_password = true,
		.retry = retry,
	};
	a->ops.answer(a->ops.ctx, t, &answer);
}

static void deny(struct auth *a, const struct auth_ticket *t, const char *message)
{
	const struct auth_answer answer = { .verdict = VERDICT_DENIED, .message = message };
	a->ops.answer(a->ops.ctx, t, &answer);
}

static void count_ok(struct auth *a, const struct auth_login *l, struct mono now)
{
	uint64_t ms = now.ns > l->begun.ns ? (now.ns - l->begun.ns) / 1'000'000 : 0;
	a->stats.ok++;
	a->stats.time_sum_ms += ms;
	a->stats.time_max_ms = MAX(a->stats.time_max_ms, ms);
}

static void log_failed(const struct auth_login *l, const char *why)
{
	log_notice("login.failed user=\"%s\" group=\"%s\" remote=%s why=\"%s\" try=%u",
		   show_name(l->username).text, show_name(l->group).text, show_addr(&l->remote).text, why,
		   l->tries);
}

static void succeed(struct auth *a, struct auth_login *l, const struct auth_job *job, struct mono now)
{
	uint8_t cookie[SESSION_COOKIE_LEN];
	const struct session_login in = { .vhost = l->vhost,
					  .username = job->username,
					  .group = job->group,
					  .remote = l->remote,
					  .client = l->client,
					  .strap_key = l->has_strap ? l->strap_key : nullptr };
	enum err e = a->ops.login(a->ops.ctx, &in, now, cookie);
	if (e != ERR_OK) {
		log_failed(l, err_text(e));
		deny(a, &l->ticket, broken_text);
		return;
	}
	count_ok(a, l, now);
	log_info("login.ok user=\"%s\" group=\"%s\" remote=%s agent=\"%s\"", show_name(job->username).text,
		 show_name(job->group).text, show_addr(&l->remote).text,
		 show_name(l->client.user_agent).text);
	const struct auth_answer answer = { .verdict = VERDICT_OK,
					    .auth_id = l->auth_id,
					    .cookie = cookie,
					    .username = job->username,
					    .group = job->group,
					    .cookie_timeout_s = a->cfg->vhosts[l->vhost].cookie_timeout };
	a->ops.answer(a->ops.ctx, &l->ticket, &answer);
	explicit_bzero(cookie, sizeof cookie);
}

/* A wrong answer; true: the login is over. */
static bool fail(struct auth *a, struct auth_login *l, const char *why)
{
	l->tries++;
	a->stats.failures++;
	log_failed(l, why);
	if (l->tries >= AUTH_TRIES) {
		deny(a, &l->ticket, failed_text);
		return true;
	}
	l->group[0] = '\0'; /* a form without a choice must not repeat the last one */
	ask(a, &l->ticket, l, failed_text, true);
	return false;
}

/* {{ a step }} */

static char *copy(const char *text)
{
	return text != nullptr && *text != '\0' ? strndup(text, SESSION_TEXT_MAX) : nullptr;
}

static void learn_client(struct auth_login *l, const struct auth_request *r)
{
	client_fini(&l->client);
	l->client = (struct session_client){ copy(r->client.user_agent), copy(r->client.hostname),
					     copy(r->client.device_type), copy(r->client.device_platform) };
	l->remote = r->remote;
	if (r->strap_key !=
	    nullptr) { /* one that was announced once is demanded, even if a later step is silent */
		memcpy(l->strap_key, r->strap_key, sizeof l->strap_key);
		l->has_strap = true;
	}
}

/* A text that is too long becomes "", which is nobody's name. */
static void put(char *out, size_t cap, const char *text)
{
	size_t len = strlen(text);
	if (len >= cap)
		len = 0;
	memcpy(out, text, len);
	out[len] = '\0';
}

/* The internal name of a group chosen by name or label; "" for "no particular one".  A name that is not in the
 * configuration stays as it is: whether the user may have it is for the back end to say. */
static const char *group_name(const struct vhost *v, const char *chosen)
{
	for (size_t i = 0; i < v->select_group.n; i++)
		if (strcmp(v->select_group.v[i].name, chosen) == 0)
			return chosen;
	if (v->default_select_group != nullptr && strcmp(v->default_select_group, chosen) == 0)
		return "";
	for (size_t i = 0; i < v->select_group.n; i++)
		if (strcmp(v->select_group.v[i].label, chosen) == 0)
			return v->select_group.v[i].name;
	return chosen;
}

static void start(struct auth *a, struct auth_login *l, const struct auth_request *r, struct mono now)
{
	l->ticket = r->ticket;
	struct auth_job *job = auth_job_new();
	if (job == nullptr) {
		deny(a, &r->ticket, broken_text);
		return;
	}
	memcpy(job->auth_id, l->auth_id, AUTH_ID_LEN);
	job->serial = ++a->last_serial;
	job->deadline = clock_add_s(now, AUTH_JOB_S);
	put(job->username, sizeof job->username, l->username);
	put(job->group, sizeof job->group, l->group);
	put(job->password, sizeof job->password, r->password);
	if (strlen(r->password) >= sizeof job->password)
		job->username[0] = '\0'; /* a cut password must not open anything */
	l->serial = job->serial;
	l->job_until = job->deadline;
	enum err e = a->ops.start(a->ops.ctx, l->vhost, job, now);
	if (e == ERR_OK)
		return;
	auth_job_free(job);
	log_failed(l, e == ERR_NOTFOUND ? "no authentication method" : err_text(e));
	deny(a, &r->ticket, broken_text);
	drop(a, l);
}

void auth_request(struct auth *a, const struct auth_request *r, struct mono now)
{
	struct auth_login *l = r->vhost < a->cfg->vhosts_n ? find_or_create(a, r, now) : nullptr;
	if (l == nullptr) {
		deny(a, &r->ticket, broken_text);
		return;
	}
	if (l->serial != 0) { /* one password at a time: tries cannot be made side by side */
		ask(a, &r->ticket, l, busy_text, false);
		return;
	}
	learn_client(l, r);
	if (r->username != nullptr)
		put(l->username, sizeof l->username, r->username);
	if (r->group != nullptr && *r->group != '\0')
		put(l->group, sizeof l->group, group_name(&a->cfg->vhosts[l->vhost], r->group));
	bool has_name = r->username != nullptr || l->username[0] != '\0';
	if (has_name && r->password != nullptr)
		start(a, l, r, now);
	else
		ask(a, &r->ticket, l, nullptr, false);
}

/* {{ results }} */

void auth_done(struct auth *a, struct auth_job *job, struct mono now)
{
	struct auth_login *l = find(a, job->auth_id, AUTH_ID_LEN);
	if (l == nullptr ||
	    l->serial != job->serial) { /* it took too long, or the login gave way to others */
		auth_job_free(job);
		return;
	}
	l->serial = 0;
	bool is_over = true;
	if (job->result == ERR_OK) {
		succeed(a, l, job, now);
	} else if (job->result == ERR_AUTH) {
		is_over = fail(a, l, job->why);
	} else {
		log_failed(l, err_text(job->result));
		deny(a, &l->ticket, broken_text);
	}
	if (is_over)
		drop(a, l);
	auth_job_free(job);
}

void auth_tick(struct auth *a, struct mono now)
{
	struct auth_login *l, *next;
	HASH_ITER(hh, a->logins, l, next) {
		if (l->serial != 0 && clock_is_past(now, l->job_until)) {
			log_failed(l, "the back end did not answer in time");
			deny(a, &l->ticket, broken_text);
			drop(a, l);
		} else if (l->serial == 0 && clock_is_past(now, l->until)) {
			drop(a, l);
		}
	}
}

/* {{ life }} */

void auth_init(struct auth *a, const struct config *cfg, struct auth_ops ops)
{
	*a = (struct auth){ .cfg = cfg, .ops = ops };
}

void auth_fini(struct auth *a)
{
	struct auth_login *l, *next;
	HASH_ITER(hh, a->logins, l, next)
		drop(a, l);
}

void auth_set_config(struct auth *a, const struct config *cfg)
{
	struct auth_login *l, *next;
	HASH_ITER(hh, a->logins, l, next)
		if (l->vhost >= cfg->vhosts_n ||
		    strcmp(cfg->vhosts[l->vhost].name, a->cfg->vhosts[l->vhost].name) != 0) {
			if (l->serial != 0)
				deny(a, &l->ticket, broken_text);
			drop(a, l);
		}
	a->cfg = cfg;
}

bool auth_is_known(struct auth *a, const uint8_t *auth_id, size_t len, struct mono now)
{
	const struct auth_login *l = find(a, auth_id, len);
	return l != nullptr && !clock_is_past(now, l->until);
}

unsigned auth_count(const struct auth *a)
{
	return HASH_COUNT(a->logins);
}
