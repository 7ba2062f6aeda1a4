/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_login.h"
#include "fips/fips.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/hash.h>

#include <stdlib.h>

static_assert(AUTH_LOGIN_KEY_LEN == WC_SHA256_DIGEST_SIZE);

const char auth_text_failed[] = "Login failed.";
const char auth_text_broken[] = "Login is not possible now; try again later.";

/* {{ the table }} */

void auth_login_client_fini(struct session_client *c)
{
	free(c->user_agent);
	free(c->hostname);
	free(c->device_type);
	free(c->device_platform);
	*c = (struct session_client){};
}

static void forget_facts(struct auth_login *l)
{
	if (l->facts != nullptr)
		msg__facts__free_unpacked(l->facts, nullptr);
	l->facts = nullptr;
}

/* Back to the beginning: nothing that was proven counts any more. */
void auth_login_start_over(struct auth *a, struct auth_login *l)
{
	if (l->conv != 0 && a->ops.cancel != nullptr)
		a->ops.cancel(a->ops.ctx, l->vhost, auth_place_method(&a->cfg->vhosts[l->vhost], l->at),
			      l->conv);
	l->conv = 0;
	l->at = (struct auth_place){};
	l->is_bound = l->is_denied = l->has_cert = false;
	l->given[0] = '\0';
	free(TAKE(l->prompt));
	auth_token_fini(&l->reply);
	forget_facts(l);
}

void auth_login_drop(struct auth *a, struct auth_login *l)
{
	auth_login_start_over(a, l);
	HASH_DEL(a->logins, l);
	auth_login_client_fini(&l->client);
	free(l);
}

struct auth_login *auth_login_find(struct auth *a, const uint8_t *id, size_t len)
{
	struct auth_login *l = nullptr;
	uint8_t key[AUTH_LOGIN_KEY_LEN];
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

/* The head of the table is the one longest untouched. */
static void evict(struct auth *a)
{
	struct auth_login *l = a->logins;
	if (l->serial != 0)
		auth_login_deny(a, &l->ticket, auth_text_broken);
	auth_login_drop(a, l);
}

static struct auth_login *create(struct auth *a, const struct auth_request *r, struct mono now)
{
	if (HASH_COUNT(a->logins) >= AUTH_LOGINS_MAX)
		evict(a);
	struct auth_login *l = calloc(1, sizeof *l);
	if (l == nullptr || fips_random(l->auth_id, AUTH_ID_LEN) != ERR_OK ||
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
struct auth_login *auth_login_of(struct auth *a, const struct auth_request *r, struct mono now)
{
	struct auth_login *l = auth_login_find(a, r->auth_id, r->auth_id_len);
	if (l == nullptr || l->vhost != r->vhost || clock_is_past(now, l->until))
		return create(a, r, now);
	touch(a, l);
	return l;
}

/* {{ answers }} */

void auth_login_ask(struct auth *a, const struct auth_ticket *t, const struct auth_login *l,
		    const char *message, bool retry)
{
	const struct auth_answer answer = {
		.verdict = VERDICT_MORE,
		.auth_id = l->auth_id,
		.message = message,
		/* both in one form, unless the client begins with the name alone */
		.ask_username = l->username[0] == '\0' || message != nullptr,
		.ask_password = true,
		.retry = retry,
		.error = retry ? message : nullptr,
	};
	a->ops.answer(a->ops.ctx, t, &answer);
}

/* The question of the back end. */
void auth_login_ask_more(struct auth *a, const struct auth_ticket *t, const struct auth_login *l)
{
	const struct auth_answer answer = { .verdict = VERDICT_MORE,
					    .auth_id = l->auth_id,
					    .message = l->prompt->message,
					    .ask_password = true,
					    .cert_authenticated = l->has_cert,
					    .token = &l->reply,
					    .prompt = l->prompt };
	a->ops.answer(a->ops.ctx, t, &answer);
}

void auth_login_ask_again(struct auth *a, const struct auth_ticket *t, const struct auth_login *l)
{
	if (l->prompt != nullptr)
		auth_login_ask_more(a, t, l);
	else
		auth_login_ask(a, t, l, nullptr, false);
}

void auth_login_deny(struct auth *a, const struct auth_ticket *t, const char *message)
{
	const struct auth_answer answer = { .verdict = VERDICT_DENIED, .message = message, .error = message };
	a->ops.answer(a->ops.ctx, t, &answer);
}
