/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/sso.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/hash.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/table.h"
#include "fips/fips.h"
#include "keeper/keeper.h"
#include "keeper/serve.h"
#include "keeper/show.h"

enum phase : uint8_t { OFFERED = 1, STARTING, AWAY, FINISHING, PROVEN };

struct sso_flow {
	uint64_t conv; /* of the login's conversation */
	enum phase phase;
	uint32_t vhost, method;
	struct mono until, token_until;
	unsigned starts_n;
	uint8_t ref[WC_SHA256_DIGEST_SIZE];   /* hashes: see sso.h */
	uint8_t state[WC_SHA256_DIGEST_SIZE];
	uint8_t token[WC_SHA256_DIGEST_SIZE];
	uint8_t browser[AUTH_SSO_LEN]; /* in the cookie of the browser that began */
	uint8_t secret[AUTH_SSO_LEN];  /* what the auth process makes its own secrets from */
	bool is_external;
	uint8_t key[AUTH_SSO_KEY_LEN]; /* of the client; is_external */
	char asked[AUTH_NAME_MAX];          /* user that the login is about; "": anybody */
	char group[AUTH_NAME_MAX];
	struct addr remote; /* of the client */
	/* the task under way */
	uint64_t task;
	struct auth_ticket ticket; /* who waits for it */
	/* what was proven */
	char username[AUTH_NAME_MAX], given[AUTH_NAME_MAX];
	Msg__Facts *facts;
	UT_hash_handle hh, by_ref, by_state;
};

/* {{ the table }} */

static enum err hash(const uint8_t *bytes, uint8_t out[WC_SHA256_DIGEST_SIZE])
{
	return wc_Sha256Hash(bytes, AUTH_SSO_LEN, out) == 0 ? ERR_OK : ERR_CRYPTO;
}

static enum err make_id(uint8_t id[AUTH_SSO_LEN], uint8_t out[WC_SHA256_DIGEST_SIZE])
{
	TRY(fips_random(id, AUTH_SSO_LEN));
	return hash(id, out);
}

static void forget_state(struct sso *s, struct sso_flow *f)
{
	static const uint8_t none[sizeof f->state];
	if (memcmp(f->state, none, sizeof none) != 0)
		HASH_DELETE(by_state, s->by_state, f);
	memset(f->state, 0, sizeof f->state);
}

static void drop(struct sso *s, struct sso_flow *f)
{
	forget_state(s, f);
	HASH_DELETE(by_ref, s->by_ref, f);
	HASH_DEL(s->by_conv, f);
	if (f->facts != nullptr)
		msg__facts__free_unpacked(f->facts, nullptr);
	explicit_bzero(f, sizeof *f);
	free(f);
}

static struct sso_flow *find(const struct sso *s, uint64_t conv)
{
	struct sso_flow *f;
	HASH_FIND(hh, s->by_conv, &conv, sizeof conv, f);
	return f;
}

void sso_fini(struct keeper *k)
{
	while (k->sso.by_conv != nullptr)
		drop(&k->sso, k->sso.by_conv);
}

void sso_tick(struct keeper *k, struct mono now)
{
	struct sso_flow *f, *next;
	HASH_ITER(hh, k->sso.by_conv, f, next)
		if (clock_is_past(now, f->until))
			drop(&k->sso, f);
}

/* {{ the client }} */

static const struct auth_method *method_of(const struct keeper *k, uint32_t vhost, uint32_t method)
{
	const struct config *cfg = k->now.cfg;
	return cfg != nullptr && vhost < cfg->vhosts_n ? config_vhost_method(&cfg->vhosts[vhost], method)
						       : nullptr;
}

/* How the client gets its browser; 0: it cannot. */
static uint8_t choose(const struct auth_method *m, uint8_t can)
{
	const char *want = config_auth_arg(m, "browser");
	if (want != nullptr && strcmp(want, "embedded") == 0)
		can &= SSO_CAN_EMBEDDED;
	if (want != nullptr && strcmp(want, "external") == 0)
		can &= SSO_CAN_EXTERNAL;
	bool external = (can & SSO_CAN_EXTERNAL) != 0 &&
			((can & SSO_LIKES_EXTERNAL) != 0 || (can & SSO_CAN_EMBEDDED) == 0);
	return external ? SSO_CAN_EXTERNAL : can & SSO_CAN_EMBEDDED;
}

/* The reference goes into the job's question. */
static struct sso_flow *create(struct keeper *k, struct auth_job *job, struct mono now)
{
	struct sso_flow *f = calloc(1, sizeof *f);
	if (f == nullptr || make_id(job->prompt.sso_ref, f->ref) != ERR_OK) {
		free(f);
		return nullptr;
	}
	f->conv = job->conv;
	f->phase = OFFERED;
	f->vhost = job->vhost;
	f->method = job->method;
	f->until = clock_add_s(now, SSO_FLOW_S);
	memcpy(f->asked, job->username, sizeof f->asked);
	memcpy(f->group, job->group, sizeof f->group);
	memcpy(f->key, job->sso_key, sizeof f->key);
	f->remote = job->remote;
	HASH_ADD(hh, k->sso.by_conv, conv, sizeof f->conv, f);
	HASH_ADD(by_ref, k->sso.by_ref, ref, sizeof f->ref, f);
	return f;
}

static void refuse_login(struct keeper *k, struct auth_job *job, const char *why, const char *message,
			 struct mono now)
{
	job->result = ERR_AUTH;
	job->is_over = true;
	job->why = why;
	snprintf(job->message, sizeof job->message, "%s", message);
	auth_done(&k->auth, job, now);
}

enum err sso_begin(struct keeper *k, struct auth_job *job, struct mono now)
{
	const struct auth_method *m = method_of(k, job->vhost, job->method);
	uint8_t how = m != nullptr ? choose(m, job->sso_can) : 0;
	if (how == 0) {
		refuse_login(k, job, "the client cannot sign on in a browser, or not as configured",
			     "This server needs a client that can sign on in a browser.", now);
		return ERR_OK;
	}
	auth_job_ask(job, 0, "Please sign on in your browser.", "");
	struct sso_flow *f = create(k, job, now);
	if (f == nullptr) {
		job->wants_more = false;
		return ERR_NOMEM;
	}
	f->is_external = how == SSO_CAN_EXTERNAL;
	job->prompt.is_sso = true;
	job->prompt.sso_external = f->is_external;
	snprintf(job->prompt.sso_base, sizeof job->prompt.sso_base, "%s", config_auth_arg(m, "url"));
	auth_done(&k->auth, job, now);
	return ERR_OK;
}

/* Why the token is not good; nullptr: it is. */
static const char *judge_token(const struct sso_flow *f, const char *hex, struct mono now)
{
	uint8_t token[AUTH_SSO_LEN], own[WC_SHA256_DIGEST_SIZE];
	size_t n = 0;
	if (f == nullptr || f->phase != PROVEN)
		return "no sign-on was made for this login";
	if (encode_from_hex(hex, strlen(hex), token, sizeof token, &n) != ERR_OK || n != sizeof token ||
	    hash(token, own) != ERR_OK || !secret_is_equal_bytes(own, f->token, sizeof own))
		return "the token of the sign-on is wrong";
	return clock_is_past(now, f->token_until) ? "the token of the sign-on came too late" : nullptr;
}

enum err sso_answer(struct keeper *k, struct auth_job *job, struct mono now)
{
	struct sso_flow *f = find(&k->sso, job->conv);
	const char *why = judge_token(f, job->password, now);
	if (why == nullptr) {
		job->result = ERR_OK;
		memcpy(job->username, f->username, sizeof job->username);
		memcpy(job->given, f->given, sizeof job->given);
		job->facts = TAKE(f->facts);
	}
	if (f != nullptr)
		drop(&k->sso, f); /* once, right or wrong */
	if (why != nullptr)
		refuse_login(k, job, why, "", now);
	else
		auth_done(&k->auth, job, now);
	return ERR_OK;
}

/* {{ the browser }} */

static void tell(const struct keeper *k, const struct auth_ticket *t, Msg__SsoDone *done)
{
	const struct keeper_worker *w = &k->workers[t->worker];
	if (w->ipc != nullptr && w->channel == t->channel &&
	    ipc_send(w->ipc, MSG_SSO_DONE, t->id, &done->base, nullptr, 0) != ERR_OK)
		log_debug("sso.answer_lost worker=%u", t->worker);
}

static void tell_status(const struct keeper *k, const struct sso_flow *f, const struct auth_ticket *t,
			enum msgs_sso_status status)
{
	Msg__SsoDone done = MSG__SSO_DONE__INIT;
	done.status = status;
	done.is_external = f != nullptr && f->is_external;
	tell(k, t, &done);
}

void sso_cancel(struct keeper *k, uint64_t conv)
{
	struct sso_flow *f = find(&k->sso, conv);
	if (f == nullptr)
		return;
	if (f->phase == STARTING || f->phase == FINISHING) {
		auth_remote_cancel(&k->remote, f->task);
		tell_status(k, f, &f->ticket, SSO_UNKNOWN);
	}
	drop(&k->sso, f);
}

/* Gives the auth process its task. */
static void ask_provider(struct keeper *k, struct sso_flow *f, enum msgs_sso_step step, const uint8_t *state,
			 const char *code)
{
	struct auth_job *job = auth_job_new();
	enum err e = job == nullptr ? ERR_NOMEM : auth_job_set_sso(job, f->conv, code);
	if (e == ERR_OK) {
		size_t n = 0;
		job->conv = f->task = auth_next_serial(&k->auth);
		job->vhost = f->vhost;
		job->method = f->method;
		job->remote = f->remote;
		job->sso->step = step;
		memcpy(job->sso->secret, f->secret, sizeof f->secret);
		memcpy(job->group, f->group, sizeof job->group);
		memcpy(job->username, f->asked, sizeof job->username);
		if (state != nullptr)
			e = encode_to_hex(state, AUTH_SSO_LEN, false, job->sso->state, 2 * AUTH_SSO_LEN, &n);
	}
	if (e == ERR_OK)
		e = auth_remote_begin(&k->remote, k->now.number, job);
	if (e == ERR_OK)
		return;
	auth_job_free(job);
	f->phase = OFFERED;
	k->auth.stats.broken++;
	log_err("login.broken remote=%s why=\"%s\" at=sso", show_addr(&f->remote).text, err_text(e));
	tell_status(k, f, &f->ticket, SSO_BROKEN);
}

static void begin_visit(struct keeper *k, const Msg__Sso *m, const struct auth_ticket *t)
{
	uint8_t key[WC_SHA256_DIGEST_SIZE], state[AUTH_SSO_LEN];
	struct sso_flow *f = nullptr;
	if (m->ref.len == AUTH_SSO_LEN && hash(m->ref.data, key) == ERR_OK)
		HASH_FIND(by_ref, k->sso.by_ref, key, sizeof key, f);
	bool is_good = f != nullptr && f->vhost == serve_vhost_index(k, m->vhost_name) &&
		       (f->phase == OFFERED || f->phase == AWAY) && f->starts_n < SSO_STARTS_MAX;
	if (is_good) {
		forget_state(&k->sso, f);
		is_good = make_id(state, f->state) == ERR_OK &&
			  fips_random(f->browser, sizeof f->browser) == ERR_OK &&
			  fips_random(f->secret, sizeof f->secret) == ERR_OK;
		if (!is_good)
			memset(f->state, 0, sizeof f->state);
	}
	if (!is_good) {
		tell_status(k, nullptr, t, SSO_UNKNOWN);
		return;
	}
	HASH_ADD(by_state, k->sso.by_state, state, sizeof f->state, f);
	f->starts_n++;
	f->phase = STARTING;
	f->ticket = *t;
	ask_provider(k, f, SSO_START, state, nullptr);
}

static void end_visit(struct keeper *k, const Msg__Sso *m, const struct auth_ticket *t)
{
	uint8_t key[WC_SHA256_DIGEST_SIZE];
	struct sso_flow *f = nullptr;
	if (m->state.len == AUTH_SSO_LEN && hash(m->state.data, key) == ERR_OK)
		HASH_FIND(by_state, k->sso.by_state, key, sizeof key, f);
	/* a browser that did not begin was led here by somebody else */
	bool is_good = f != nullptr && f->vhost == serve_vhost_index(k, m->vhost_name) && f->phase == AWAY &&
		       m->browser.len == AUTH_SSO_LEN &&
		       secret_is_equal_bytes(m->browser.data, f->browser, AUTH_SSO_LEN);
	if (!is_good) {
		const struct addr from = addr_of_ip(m->remote_ip.data, m->remote_ip.len);
		log_notice("sso.stranger remote=%s why=\"%s\"", show_addr(&from).text,
			   f != nullptr ? "another browser than the one that began"
					: "no sign-on has this state");
		tell_status(k, nullptr, t, SSO_UNKNOWN);
		return;
	}
	forget_state(&k->sso, f);
	f->ticket = *t;
	f->phase = m->code[0] != '\0' ? FINISHING : OFFERED;
	if (f->phase == FINISHING) {
		ask_provider(k, f, SSO_FINISH, nullptr, m->code);
		return;
	}
	k->auth.stats.failures++;
	log_notice("login.failed remote=%s why=\"the identity provider said %s\"", show_addr(&f->remote).text,
		   m->error[0] != '\0' ? show_name(m->error).text : "nothing");
	tell_status(k, f, t, SSO_REFUSED);
}

void sso_on_browser(struct ipc *ipc, struct ipc_msg *msg)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Sso *m = (const void *)msg->body;
	unsigned worker = ipc_peer_index(ipc);
	const struct auth_ticket t = { .worker = worker,
				       .channel = k->workers[worker].channel,
				       .id = msg->id };
	if (m->step == SSO_START)
		begin_visit(k, m, &t);
	else
		end_visit(k, m, &t);
	explicit_bzero(m->code, strlen(m->code));
}

/* {{ answers of the auth process }} */

static void go_away(struct keeper *k, struct sso_flow *f, struct auth_job *job)
{
	Msg__SsoDone done = MSG__SSO_DONE__INIT;
	f->phase = AWAY;
	done.status = SSO_REDIRECT;
	done.url = job->sso->url;
	done.browser = ipc_bytes(f->browser, sizeof f->browser);
	tell(k, &f->ticket, &done);
}

static void admit(struct keeper *k, struct sso_flow *f, struct auth_job *job)
{
	uint8_t token[AUTH_SSO_LEN];
	if (make_id(token, f->token) != ERR_OK) {
		f->phase = OFFERED;
		tell_status(k, f, &f->ticket, SSO_BROKEN);
		return;
	}
	f->phase = PROVEN;
	f->token_until = clock_add_s(clock_now(), SSO_TOKEN_S);
	memcpy(f->username, job->username, sizeof f->username);
	memcpy(f->given, job->given, sizeof f->given);
	f->facts = TAKE(job->facts);
	Msg__SsoDone done = MSG__SSO_DONE__INIT;
	done.status = SSO_PROVEN;
	done.token = ipc_bytes(token, sizeof token);
	done.is_external = f->is_external;
	if (f->is_external)
		done.key = ipc_bytes(f->key, sizeof f->key);
	tell(k, &f->ticket, &done);
	explicit_bzero(token, sizeof token);
}

static void refuse(struct keeper *k, struct sso_flow *f, const struct auth_job *job, const char *why)
{
	bool is_broken = job->result != ERR_AUTH && job->result != ERR_OK;
	f->phase = OFFERED;
	if (is_broken) {
		k->auth.stats.broken++;
		log_err("login.broken remote=%s why=\"%s\" at=sso", show_addr(&f->remote).text, why);
	} else {
		k->auth.stats.failures++;
		log_notice("login.failed remote=%s why=\"%s\" at=sso", show_addr(&f->remote).text, why);
	}
	tell_status(k, f, &f->ticket, is_broken ? SSO_BROKEN : SSO_REFUSED);
}

void sso_done(struct keeper *k, struct auth_job *job)
{
	struct sso_flow *f = find(&k->sso, job->sso->flow);
	if (f == nullptr || f->task != job->conv) {
		auth_job_free(job);
		return;
	}
	bool is_yes = job->result == ERR_OK, is_start = job->sso->step == SSO_START;
	/* the login may be about a user who has proven something else already */
	bool is_other = f->asked[0] != '\0' && strcmp(f->asked, job->username) != 0;
	f->task = 0;
	if (is_start && is_yes && job->sso->url != nullptr)
		go_away(k, f, job);
	else if (!is_start && is_yes && job->sso->url == nullptr && job->username[0] != '\0' && !is_other)
		admit(k, f, job);
	else
		refuse(k, f, job,
		       !is_yes    ? job->why
		       : is_other ? "the provider knows another user"
				  : "no name");
	auth_job_free(job);
}
