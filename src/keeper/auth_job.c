/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct auth_job *auth_job_new(void)
{
	struct auth_job *job = calloc(1, sizeof *job);
	if (job == nullptr)
		return nullptr;
	job->result = ERR_BUSY;
	job->why = "not checked";
	return job;
}

static void free_sso(struct auth_sso *s)
{
	if (s == nullptr)
		return;
	if (s->code != nullptr)
		explicit_bzero(s->code, strlen(s->code));
	free(s->code);
	free(s->url);
	explicit_bzero(s, sizeof *s);
	free(s);
}

enum err auth_job_set_sso(struct auth_job *job, uint64_t flow, const char *code)
{
	job->sso = calloc(1, sizeof *job->sso);
	if (job->sso == nullptr)
		return ERR_NOMEM;
	job->sso->flow = flow;
	job->sso->code = code != nullptr ? strdup(code) : nullptr;
	return code != nullptr && job->sso->code == nullptr ? ERR_NOMEM : ERR_OK;
}

void auth_job_free(struct auth_job *job)
{
	if (job == nullptr)
		return;
	if (job->facts != nullptr)
		msg__facts__free_unpacked(job->facts, nullptr);
	free(job->cert);
	auth_job_wipe_bearer(job);
	free_sso(job->sso);
	auth_token_fini(&job->token);
	auth_token_fini(&job->reply);
	explicit_bzero(job, sizeof *job);
	free(job);
}

enum err auth_token_set(struct auth_token *t, const uint8_t *bytes, size_t len)
{
	if (len > AUTH_TOKEN_MAX)
		return ERR_RANGE;
	auth_token_fini(t);
	if (len == 0)
		return ERR_OK;
	t->bytes = malloc(len);
	if (t->bytes == nullptr)
		return ERR_NOMEM;
	memcpy(t->bytes, bytes, len);
	t->len = len;
	return ERR_OK;
}

void auth_token_fini(struct auth_token *t)
{
	if (t->bytes != nullptr)
		explicit_bzero(t->bytes, t->len);
	free(t->bytes);
	*t = (struct auth_token){};
}

enum err auth_job_set_cert(struct auth_job *job, const uint8_t *der, size_t len)
{
	if (len == 0)
		return ERR_OK;
	job->cert = malloc(len);
	if (job->cert == nullptr)
		return ERR_NOMEM;
	memcpy(job->cert, der, len);
	job->cert_len = len;
	return ERR_OK;
}

enum err auth_job_set_bearer(struct auth_job *job, const char *token)
{
	if (token == nullptr)
		return ERR_OK;
	if (strlen(token) > AUTH_BEARER_MAX)
		return ERR_RANGE;
	job->bearer = strdup(token);
	return job->bearer != nullptr ? ERR_OK : ERR_NOMEM;
}

void auth_job_wipe_bearer(struct auth_job *job)
{
	if (job->bearer != nullptr)
		explicit_bzero(job->bearer, strlen(job->bearer));
	free(TAKE(job->bearer));
}

void auth_job_ask(struct auth_job *job, uint8_t step, const char *message, const char *label)
{
	job->prompt = (struct auth_prompt){};
	snprintf(job->prompt.message, sizeof job->prompt.message, "%s", message);
	snprintf(job->prompt.label, sizeof job->prompt.label, "%s", label);
	job->step = step;
	job->wants_more = true;
}
