/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/oidc_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/task.h"

static char *text(const char *t)
{
	return (char *)(uintptr_t)t;
}

/* With the documents that were fetched. */
static void send_done(const struct oidc_provider *p, const Msg__BackBegin *b, Msg__BackDone *done, int fd)
{
	Msg__Learned learned = MSG__LEARNED__INIT;
	done->conv = b->conv;
	if (p->discovery_text != nullptr && p->keys_text != nullptr) {
		learned.path = text(oidc_conf_path(p->conf));
		learned.discovery = p->discovery_text;
		learned.keys = p->keys_text;
		done->learned = &learned;
	}
	task_tell(fd, &done->base);
}

void oidc_answer_tell(const struct oidc_provider *p, const Msg__BackBegin *b, enum msgs_back result,
		      const char *why, int fd)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.result = result;
	done.why = text(why);
	send_done(p, b, &done, fd);
}

void oidc_answer_redirect(const struct oidc_provider *p, const Msg__BackBegin *b, const char *url, int fd)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.result = BACK_SSO;
	done.sso_url = text(url);
	send_done(p, b, &done, fd);
}

static bool has_group(const Msg__Facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (strcmp(f->groups[i], name) == 0)
			return true;
	return false;
}

static void admit(const struct oidc_provider *p, const Msg__BackBegin *b, char *user, Msg__Facts *facts,
		  int fd)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	if (b->group[0] != '\0' && !has_group(facts, b->group)) {
		oidc_answer_tell(p, b, BACK_DENIED, "user is not in the chosen group", fd);
		return;
	}
	done.result = BACK_OK;
	done.username = user;
	done.facts = facts;
	if (b->group[0] != '\0')
		done.group = b->group;
	else if (facts->n_groups > 0)
		done.group = facts->groups[0];
	send_done(p, b, &done, fd);
}

void oidc_answer_claims(const struct oidc_provider *p, const Msg__BackBegin *b, enum err e,
			const json_t *claims, const char *why, int fd)
{
	const struct oidc_settings *s = oidc_conf_settings(p->conf);
	char user[OIDC_NAME_MAX], said[256];
	Msg__Facts facts = MSG__FACTS__INIT;
	if (e != ERR_OK) {
		snprintf(said, sizeof said, "token: %s", e == ERR_DENIED ? why : p->error);
		oidc_answer_tell(p, b, e == ERR_DENIED ? BACK_DENIED : BACK_BROKEN, said, fd);
		return;
	}
	if (oidc_token_name(claims, s->user_claim, user) != ERR_OK) {
		snprintf(said, sizeof said, "token: no name in its claim %.64s", s->user_claim);
		oidc_answer_tell(p, b, BACK_DENIED, said, fd);
		return;
	}
	if (s->group_claim != nullptr && oidc_token_groups(claims, s->group_claim, &facts) != ERR_OK)
		oidc_answer_tell(p, b, BACK_BROKEN, err_text(ERR_NOMEM), fd);
	else
		admit(p, b, user, &facts, fd);
	for (size_t i = 0; i < facts.n_groups; i++)
		free(facts.groups[i]);
	free(facts.groups);
}
