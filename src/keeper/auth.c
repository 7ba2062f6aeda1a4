/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keeper/auth_count.h"
#include "keeper/auth_login.h"
#include "keeper/show.h"

static const char busy_text[] = "The last answer is still being checked; try again.";

/* {{ answers }} */

static void tell_failed(const struct auth *a, const struct auth_login *l, const char *why)
{
	const struct auth_failure f = { l->vhost, l->username, l->group, why, &l->remote, &l->client };
	if (a->ops.failed != nullptr)
		a->ops.failed(a->ops.ctx, &f);
}

static void note_failed(const struct auth *a, const struct auth_login *l, const char *why)
{
	log_notice("login.failed user=\"%s\" group=\"%s\" remote=%s why=\"%s\" try=%u",
		   show_name(l->username).text, show_name(l->group).text, show_addr(&l->remote).text, why,
		   l->tries);
	tell_failed(a, l, why);
}

static void succeed(struct auth *a, struct auth_login *l, struct mono now)
{
	uint8_t cookie[SESSION_COOKIE_LEN];
	const struct session_login in = { .vhost = l->vhost,
					  .username = l->username,
					  .group = l->given,
					  .remote = l->remote,
					  .client = l->client,
					  .facts = l->facts,
					  .has_cert = l->has_cert,
					  .strap_key = l->has_strap ? l->strap_key : nullptr };
	enum err e = a->ops.login(a->ops.ctx, &in, now, cookie);
	if (e != ERR_OK) {
		note_failed(a, l, err_text(e));
		auth_login_deny(a, &l->ticket, auth_text_broken);
		return;
	}
	auth_count_ok(&a->stats, l->begun, now);
	log_info("login.ok user=\"%s\" group=\"%s\" remote=%s agent=\"%s\"", show_name(l->username).text,
		 show_name(l->given).text, show_addr(&l->remote).text, show_name(l->client.user_agent).text);
	const struct auth_answer answer = { .verdict = VERDICT_OK,
					    .auth_id = l->auth_id,
					    .cookie = cookie,
					    .username = l->username,
					    .group = l->given,
					    .token = &l->reply,
					    .cookie_timeout_s = a->cfg->vhosts[l->vhost].cookie_timeout };
	a->ops.answer(a->ops.ctx, &l->ticket, &answer);
	explicit_bzero(cookie, sizeof cookie);
}

/* A wrong answer; text: what the back end wants the user to know, or "".  True: the login is over. */
static bool fail(struct auth *a, struct auth_login *l, const char *why, const char *text)
{
	const char *said = *text != '\0' ? text : auth_text_failed;
	l->tries++;
	a->stats.failures++;
	note_failed(a, l, why);
	auth_login_start_over(a, l);
	if (l->tries >= AUTH_TRIES) {
		auth_login_deny(a, &l->ticket, said);
		return true;
	}
	l->group[0] = '\0'; /* a form without a choice must not repeat the last one */
	auth_login_ask(a, &l->ticket, l, said, true);
	return false;
}

static void note_broken(struct auth *a, const struct auth_login *l, const char *why)
{
	const char *method = auth_place_name(&a->cfg->vhosts[l->vhost], l->at);
	auth_count_broken(&a->stats, method);
	log_err("login.broken user=\"%s\" remote=%s method=%s why=\"%s\" count=%llu",
		show_name(l->username).text, show_addr(&l->remote).text, method, why,
		(unsigned long long)a->stats.broken);
}

/* What the user said was looked at and is wrong: points for where it came from. */
static void tell_wrong(const struct auth *a, const struct auth_login *l)
{
	if (a->ops.wrong != nullptr)
		a->ops.wrong(a->ops.ctx, &l->remote);
}

/* A back end does not work: no fault of the user, and no entry either; unless a way that works has said no: then it was a
 * wrong password.  True: the login is over. */
static bool give_up(struct auth *a, struct auth_login *l, const char *why)
{
	note_broken(a, l, why);
	if (l->is_denied) {
		tell_wrong(a, l);
		return fail(a, l, "wrong password, and a method does not work", "");
	}
	tell_failed(a, l, why);
	auth_login_deny(a, &l->ticket, auth_text_broken);
	return true;
}

/* {{ a step }} */

static char *copy(const char *text)
{
	return text != nullptr && *text != '\0' ? strndup(text, SESSION_TEXT_MAX) : nullptr;
}

static void learn_client(struct auth_login *l, const struct auth_request *r)
{
	auth_login_client_fini(&l->client);
	l->client = (struct session_client){ copy(r->client.user_agent), copy(r->client.hostname),
					     copy(r->client.device_type), copy(r->client.device_platform) };
	l->remote = r->remote;
	l->sso_can |= r->sso_can;
	if (r->sso_key != nullptr)
		memcpy(l->sso_key, r->sso_key, sizeof l->sso_key);
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

static bool find_way(const struct auth *a, const struct auth_login *l, size_t from, uint8_t *way)
{
	return auth_place_find_way(&a->cfg->vhosts[l->vhost], from, l->shows, way);
}

static bool is_next_way(const struct auth *a, const struct auth_login *l)
{
	uint8_t way;
	return !l->is_bound && find_way(a, l, l->at.way + 1u, &way);
}

uint64_t auth_next_serial(struct auth *a)
{
	return ++a->last_serial;
}

/* The job is for the method whose turn it is, and no longer ours.  True: the login is over; else l may be gone. */
static bool give_job(struct auth *a, struct auth_login *l, struct auth_job *job, struct mono now)
{
	job->serial = auth_next_serial(a);
	job->method = auth_place_method(&a->cfg->vhosts[l->vhost], l->at);
	job->begun = now;
	job->deadline = clock_add_s(now, AUTH_JOB_S);
	job->is_answer = l->conv != 0;
	if (!job->is_answer) {
		l->conv = job->serial;
		l->step = 0;
	}
	job->conv = l->conv;
	job->step = l->step;
	job->is_kept = is_next_way(a, l);
	job->wants_more = job->is_final = job->is_over = job->is_certificate = false;
	job->result = ERR_BUSY;
	l->serial = job->serial;
	l->job_until = job->deadline;
	enum err e = a->ops.start(a->ops.ctx, job, now);
	if (e == ERR_OK)
		return false;
	auth_job_free(job);
	l->serial = 0;
	l->conv = 0;
	return give_up(a, l, e == ERR_NOTFOUND ? "no authentication method" : err_text(e));
}

static struct auth_job *make_job(const struct auth_login *l, const char *password)
{
	struct auth_job *job = auth_job_new();
	if (job == nullptr)
		return nullptr;
	memcpy(job->auth_id, l->auth_id, AUTH_ID_LEN);
	job->vhost = l->vhost;
	job->remote = l->remote;
	job->sso_can = l->sso_can;
	memcpy(job->sso_key, l->sso_key, sizeof job->sso_key);
	put(job->username, sizeof job->username, l->username);
	put(job->group, sizeof job->group, l->group);
	if (l->client.user_agent != nullptr)
		snprintf(job->agent, sizeof job->agent, "%s", l->client.user_agent);
	job->has_password = password != nullptr;
	if (password == nullptr)
		return job;
	put(job->password, sizeof job->password, password);
	if (strlen(password) >= sizeof job->password)
		job->username[0] = '\0'; /* a cut password must not open anything */
	return job;
}

/* r nullptr, or without a password: the method has to ask.  True: the login is over. */
static bool start(struct auth *a, struct auth_login *l, const struct auth_request *r, struct mono now)
{
	struct auth_job *job = make_job(l, r != nullptr ? r->password : nullptr);
	if (job == nullptr ||
	    (r != nullptr && (auth_job_set_cert(job, r->cert, r->cert_len) != ERR_OK ||
			      auth_job_set_bearer(job, r->bearer) != ERR_OK ||
			      auth_token_set(&job->token, r->token, r->token_len) != ERR_OK))) {
		auth_job_free(job);
		return give_up(a, l, err_text(ERR_NOMEM));
	}
	return give_job(a, l, job, now);
}

/* The certificate may be all that is needed, so nothing is asked before it was looked at.  False: no way begins with one. */
static bool begin_with_certificate(struct auth *a, struct auth_login *l, const struct auth_request *r,
				   struct mono now)
{
	uint8_t way;
	if (r->username != nullptr || r->password != nullptr || (l->shows & AUTH_SHOWS_CERT) == 0 ||
	    l->is_bound || l->prompt != nullptr ||
	    !auth_place_find_certificate(&a->cfg->vhosts[l->vhost], &way))
		return false;
	auth_login_start_over(a, l);
	l->username[0] = '\0';
	l->at.way = way;
	l->ticket = r->ticket;
	if (start(a, l, r, now))
		auth_login_drop(a, l);
	return true;
}

/* A token says all, so it begins anew whatever was said before.  False: there is none. */
static bool begin_with_bearer(struct auth *a, struct auth_login *l, const struct auth_request *r,
			      struct mono now)
{
	if (r->bearer == nullptr)
		return false;
	auth_login_start_over(a, l);
	l->username[0] = '\0';
	l->ticket = r->ticket;
	bool has_way = find_way(a, l, 0, &l->at.way);
	if (!has_way)
		auth_login_deny(a, &l->ticket, auth_text_failed);
	if (!has_way || start(a, l, r, now))
		auth_login_drop(a, l);
	return true;
}

/* The first way asks for nothing but a browser.  False: it asks for something else. */
static bool begin_with_browser(struct auth *a, struct auth_login *l, const struct auth_request *r,
			       struct mono now)
{
	uint8_t way;
	if ((l->shows & AUTH_SHOWS_BROWSER) == 0 || l->is_bound || l->prompt != nullptr ||
	    !find_way(a, l, 0, &way) || !auth_place_wants_browser(&a->cfg->vhosts[l->vhost], way))
		return false;
	auth_login_start_over(a, l);
	l->username[0] = '\0';
	l->at.way = way;
	l->ticket = r->ticket;
	if (start(a, l, nullptr, now))
		auth_login_drop(a, l);
	return true;
}

/* The answer to a sign-on is its token.  False: no browser was asked for. */
static bool take_sso(struct auth *a, struct auth_login *l, const struct auth_request *r, struct mono now)
{
	if (l->prompt == nullptr || !l->prompt->is_sso)
		return false;
	if (r->sso_token == nullptr) {
		auth_login_ask_more(a, &r->ticket, l);
		return true;
	}
	struct auth_job *job = make_job(l, r->sso_token);
	l->ticket = r->ticket;
	free(TAKE(l->prompt));
	if (job == nullptr ? give_up(a, l, err_text(ERR_NOMEM)) : give_job(a, l, job, now))
		auth_login_drop(a, l);
	return true;
}

/* A token names the user by itself, and nothing else of the request is looked at. */
static void step_token(struct auth *a, struct auth_login *l, const struct auth_request *r, struct mono now)
{
	bool is_answer = l->prompt != nullptr && l->prompt->wants_token;
	const struct auth_request token = { .token = r->token, .token_len = r->token_len };
	l->ticket = r->ticket;
	free(TAKE(l->prompt));
	if (!is_answer) {
		auth_login_start_over(a, l);
		l->username[0] = '\0';
		l->is_bound = auth_place_find_token(&a->cfg->vhosts[l->vhost], &l->at.way);
	}
	if (!l->is_bound)
		auth_login_deny(a, &l->ticket, auth_text_failed);
	if (!l->is_bound || start(a, l, &token, now))
		auth_login_drop(a, l);
}

static void choose_group(struct auth *a, struct auth_login *l, const struct auth_request *r)
{
	if (l->prompt == nullptr && r->group != nullptr && *r->group != '\0')
		put(l->group, sizeof l->group, auth_place_group(&a->cfg->vhosts[l->vhost], r->group));
}

static void step(struct auth *a, struct auth_login *l, const struct auth_request *r, struct mono now)
{
	if (r->token_len > 0) {
		choose_group(a, l, r);
		step_token(a, l, r, now);
		return;
	}
	bool is_empty = r->username == nullptr && r->password == nullptr;
	l->shows = (uint8_t)((r->cert_len > 0 ? AUTH_SHOWS_CERT : 0) |
			     (r->bearer != nullptr ? AUTH_SHOWS_BEARER : 0) |
			     (is_empty && l->sso_can != 0 ? AUTH_SHOWS_BROWSER : 0));
	/* a form that asks for the name is the first one: what was under way is given up */
	if (r->username != nullptr) {
		auth_login_start_over(a, l);
		put(l->username, sizeof l->username, r->username);
	}
	choose_group(a, l, r);
	if (begin_with_bearer(a, l, r, now) || take_sso(a, l, r, now) ||
	    begin_with_certificate(a, l, r, now) || begin_with_browser(a, l, r, now))
		return;
	bool has_name = r->username != nullptr || l->username[0] != '\0';
	if (!has_name || r->password == nullptr) {
		auth_login_ask_again(a, &r->ticket, l);
		return;
	}
	l->ticket = r->ticket;
	free(TAKE(l->prompt));
	if (!l->is_bound && !find_way(a, l, 0, &l->at.way))
		l->at.way = 0; /* which then says what is missing */
	if (start(a, l, r, now))
		auth_login_drop(a, l);
}

void auth_request(struct auth *a, const struct auth_request *r, struct mono now)
{
	struct auth_login *l = r->vhost < a->cfg->vhosts_n ? auth_login_of(a, r, now) : nullptr;
	if (l == nullptr) {
		auth_login_deny(a, &r->ticket, auth_text_broken);
		return;
	}
	if (l->serial != 0) { /* one password at a time: tries cannot be made side by side */
		auth_login_ask(a, &r->ticket, l, busy_text, false);
		return;
	}
	learn_client(l, r);
	step(a, l, r, now);
}

/* {{ results: each function takes the job and returns whether the login is over }} */

/* The same name and password on the next way. */
static bool try_next_way(struct auth *a, struct auth_login *l, struct auth_job *job, struct mono now)
{
	l->at = (struct auth_place){ .way = l->at.way };
	if (!find_way(a, l, l->at.way + 1u, &l->at.way)) /* is_next_way has said that there is one */
		return give_up(a, l, "no further method");
	put(job->username, sizeof job->username, l->username);
	put(job->group, sizeof job->group, l->group);
	return give_job(a, l, job, now);
}

static bool end_denied(struct auth *a, struct auth_login *l, struct auth_job *job, struct mono now)
{
	if (is_next_way(a, l)) {
		l->is_denied = true;
		return try_next_way(a, l, job, now);
	}
	if (job->is_final && config_needs_certificate(&a->cfg->vhosts[l->vhost]))
		l->tries = AUTH_TRIES; /* the same certificate would come again */
	if (job->is_over || (l->shows & AUTH_SHOWS_BEARER) != 0)
		l->tries = AUTH_TRIES; /* a token is no guess: there is nothing to ask for */
	if (!job->is_certificate)
		tell_wrong(a, l);
	bool is_over = fail(a, l, job->why, job->message);
	auth_job_free(job);
	return is_over;
}

static bool end_broken(struct auth *a, struct auth_login *l, struct auth_job *job, struct mono now)
{
	const char *why =
		job->result == ERR_CLOSED || job->result == ERR_SYS ? job->why : err_text(job->result);
	if (is_next_way(a, l)) {
		note_broken(a, l, why);
		return try_next_way(a, l, job, now);
	}
	bool is_over = give_up(a, l, why);
	auth_job_free(job);
	return is_over;
}

/* What an earlier method of the same login said stands. */
static void take_facts(struct auth_login *l, struct auth_job *job)
{
	if (l->given[0] == '\0')
		put(l->given, sizeof l->given, job->given);
	if (l->facts == nullptr)
		l->facts = TAKE(job->facts);
}

static bool take_question(struct auth *a, struct auth_login *l, struct auth_job *job)
{
	l->is_bound = true;
	l->step = job->step;
	take_facts(l, job); /* of the first half of a method, whose second half still has to say yes */
	l->prompt = malloc(sizeof *l->prompt);
	bool is_over = l->prompt == nullptr;
	if (is_over) {
		auth_login_deny(a, &l->ticket, auth_text_broken);
	} else {
		*l->prompt = job->prompt;
		auth_login_ask_more(a, &l->ticket, l);
	}
	auth_job_free(job);
	return is_over;
}

static bool take_yes(struct auth *a, struct auth_login *l, struct auth_job *job, struct mono now)
{
	l->is_bound = true;
	put(l->username, sizeof l->username, job->username); /* the next method is about the same user */
	take_facts(l, job);
	l->has_cert |= job->is_certificate;
	l->conv = 0;
	l->at.pos++;
	const bool is_more = auth_place_is_method(&a->cfg->vhosts[l->vhost], l->at);
	if (is_more && job->is_certificate && job->has_password)
		return give_job(a, l, job, now); /* the password was meant for this one */
	auth_job_free(job);
	if (is_more)
		return start(a, l, nullptr, now);
	/* a group that he chose must be one that a method vouches for */
	if (l->group[0] != '\0' && strcmp(l->group, l->given) != 0)
		return fail(a, l, "user is not in the chosen group", "");
	succeed(a, l, now);
	return true;
}

static enum msgs_result result_of(const struct auth_job *job)
{
	if (job->wants_more)
		return RESULT_QUESTION;
	return job->result == ERR_OK ? RESULT_OK : job->result == ERR_AUTH ? RESULT_DENIED : RESULT_BROKEN;
}

/* The method whose turn it is has answered, or did not. */
static void note_answer(struct auth *a, const struct auth_login *l, enum msgs_result result,
			struct mono begun, struct mono now)
{
	const char *method = auth_place_name(&a->cfg->vhosts[l->vhost], l->at);
	auth_count_use(&a->stats, method, result, begun, now);
	if (a->ops.answered != nullptr)
		a->ops.answered(a->ops.ctx, method, begun, now);
}

void auth_done(struct auth *a, struct auth_job *job, struct mono now)
{
	struct auth_login *l = auth_login_find(a, job->auth_id, AUTH_ID_LEN);
	if (l == nullptr ||
	    l->serial != job->serial) { /* it took too long, or the login gave way to others */
		auth_job_free(job);
		return;
	}
	l->serial = 0;
	note_answer(a, l, result_of(job), job->begun, now);
	if (job->reply.bytes != nullptr) {
		auth_token_fini(&l->reply);
		l->reply = job->reply;
		job->reply = (struct auth_token){};
	}
	bool is_over;
	if (job->wants_more) {
		is_over = take_question(a, l, job);
	} else {
		bool is_yes = job->result == ERR_OK;
		l->conv = 0; /* the back end has ended it */
		is_over = is_yes                    ? take_yes(a, l, job, now)
			  : job->result == ERR_AUTH ? end_denied(a, l, job, now)
						    : end_broken(a, l, job, now);
	}
	if (is_over)
		auth_login_drop(a, l);
}

void auth_tick(struct auth *a, struct mono now)
{
	constexpr uint64_t JOB_NS = AUTH_JOB_S * UINT64_C(1'000'000'000);
	struct auth_login *l, *next;
	HASH_ITER(hh, a->logins, l, next) {
		if (l->serial != 0 && clock_is_past(now, l->job_until)) {
			note_answer(a, l, RESULT_BROKEN, (struct mono){ l->job_until.ns - JOB_NS }, now);
			l->is_denied = false; /* no try: it is over anyway */
			give_up(a, l, "the back end did not answer in time");
			auth_login_drop(a, l);
		} else if (l->serial == 0 && clock_is_past(now, l->until)) {
			auth_login_drop(a, l);
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
		auth_login_drop(a, l);
}

void auth_set_config(struct auth *a, const struct config *cfg)
{
	struct auth_login *l, *next;
	HASH_ITER(hh, a->logins, l, next) {
		bool is_same = l->vhost < cfg->vhosts_n &&
			       strcmp(cfg->vhosts[l->vhost].name, a->cfg->vhosts[l->vhost].name) == 0 &&
			       config_same_auth(&cfg->vhosts[l->vhost], &a->cfg->vhosts[l->vhost]);
		if (is_same)
			continue;
		if (l->serial != 0)
			auth_login_deny(a, &l->ticket, auth_text_broken);
		auth_login_drop(a, l);
	}
	a->cfg = cfg;
}

bool auth_is_known(struct auth *a, const uint8_t *auth_id, size_t len, struct mono now)
{
	const struct auth_login *l = auth_login_find(a, auth_id, len);
	return l != nullptr && !clock_is_past(now, l->until);
}

unsigned auth_count(const struct auth *a)
{
	return HASH_COUNT(a->logins);
}
