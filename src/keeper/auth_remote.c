/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/table.h"

struct auth_remote_job {
	uint64_t conv;
	struct auth_job *job;
	UT_hash_handle hh;
};

void auth_remote_init(struct auth_remote *r, void (*done)(void *ctx, struct auth_job *job), void *ctx)
{
	*r = (struct auth_remote){ .done = done, .ctx = ctx };
}

/* {{ the jobs }} */

static enum err hold(struct auth_remote *r, struct auth_job *job)
{
	struct auth_remote_job *h = calloc(1, sizeof *h);
	if (h == nullptr)
		return ERR_NOMEM;
	h->conv = job->conv;
	h->job = job;
	HASH_ADD(hh, r->jobs, conv, sizeof h->conv, h);
	/* with a certificate, the password is of the next method */
	if (!job->is_kept && !job->is_certificate) {
		explicit_bzero(job->password, sizeof job->password);
		auth_job_wipe_bearer(job);
	}
	return ERR_OK;
}

/* nullptr: nobody waits for it. */
static struct auth_job *release(struct auth_remote *r, uint64_t conv)
{
	struct auth_remote_job *h;
	HASH_FIND(hh, r->jobs, &conv, sizeof conv, h);
	if (h == nullptr)
		return nullptr;
	struct auth_job *job = h->job;
	HASH_DEL(r->jobs, h);
	free(h);
	return job;
}

void auth_remote_set(struct auth_remote *r, struct ipc *ipc)
{
	struct auth_remote_job *h, *next;
	r->ipc = ipc;
	HASH_ITER(hh, r->jobs, h, next) {
		struct auth_job *job = release(r, h->conv);
		job->result = ERR_CLOSED;
		job->why = "the auth process died";
		r->done(r->ctx, job);
	}
}

void auth_remote_fini(struct auth_remote *r)
{
	struct auth_remote_job *h, *next;
	HASH_ITER(hh, r->jobs, h, next)
		auth_job_free(release(r, h->conv));
	r->ipc = nullptr;
}

/* {{ asking }} */

static enum err tell(struct auth_remote *r, enum msg type, const ProtobufCMessage *body)
{
	if (r->ipc == nullptr || !ipc_is_alive(r->ipc))
		return ERR_CLOSED;
	return ipc_send(r->ipc, type, ipc_next_id(r->ipc), body, nullptr, 0);
}

/* Where a login stands and who it is about; without the password. */
static Msg__BackBegin begin_of(uint32_t generation, const struct auth_job *job)
{
	const uint8_t *ip = nullptr;
	size_t ip_len = addr_ip(&job->remote, &ip);
	Msg__BackBegin m = MSG__BACK_BEGIN__INIT;
	m.conv = job->conv;
	m.generation = generation;
	m.vhost = job->vhost;
	m.method = job->method;
	m.username = (char *)(uintptr_t)job->username;
	m.remote_ip = ipc_bytes(ip, ip_len);
	m.user_agent = (char *)(uintptr_t)job->agent;
	return m;
}

static void add_sso(Msg__BackBegin *m, struct auth_sso *sso)
{
	m->sso_step = sso->step;
	m->sso_state = sso->state;
	m->sso_secret = ipc_bytes(sso->secret, sizeof sso->secret);
	if (sso->code != nullptr)
		m->sso_code = sso->code;
}

enum err auth_remote_begin(struct auth_remote *r, uint32_t generation, struct auth_job *job)
{
	Msg__BackBegin m = begin_of(generation, job);
	m.password = job->password;
	m.has_password = job->has_password;
	m.group = job->group;
	m.token = ipc_bytes(job->token.bytes, job->token.len);
	if (job->bearer != nullptr)
		m.bearer = job->bearer;
	if (job->sso != nullptr)
		add_sso(&m, job->sso);
	TRY(tell(r, MSG_BACK_BEGIN, &m.base));
	return hold(r, job);
}

enum err auth_remote_certificate(struct auth_remote *r, uint32_t generation, struct auth_job *job,
				 const uint8_t *authorities, size_t len)
{
	Msg__BackBegin m = begin_of(generation, job);
	m.group = job->given; /* comes back with a yes */
	m.certificate = ipc_bytes(job->cert, job->cert_len);
	m.authorities = ipc_bytes(authorities, len);
	TRY(tell(r, MSG_BACK_BEGIN, &m.base));
	return hold(r, job);
}

enum err auth_remote_answer(struct auth_remote *r, struct auth_job *job)
{
	Msg__BackAnswer m = MSG__BACK_ANSWER__INIT;
	m.conv = job->conv;
	m.answer = job->password;
	m.token = ipc_bytes(job->token.bytes, job->token.len);
	TRY(tell(r, MSG_BACK_ANSWER, &m.base));
	return hold(r, job);
}

void auth_remote_cancel(struct auth_remote *r, uint64_t conv)
{
	Msg__BackCancel m = MSG__BACK_CANCEL__INIT;
	m.conv = conv;
	auth_job_free(release(r, conv));
	if (r->ipc != nullptr && ipc_is_alive(r->ipc) && tell(r, MSG_BACK_CANCEL, &m.base) != ERR_OK)
		log_debug("keeper.cancel_lost conv=%llu", (unsigned long long)conv);
}

/* {{ answers }} */

static void put(char *out, size_t cap, const char *text)
{
	snprintf(out, cap, "%s", text);
}

static void take_yes(struct auth_job *job, Msg__BackDone *m)
{
	/* a name or group that does not fit whole is nobody's */
	if (strlen(m->username) >= sizeof job->username || strlen(m->group) >= sizeof job->given) {
		job->result = ERR_RANGE;
		return;
	}
	if (m->username[0] != '\0')
		put(job->username, sizeof job->username, m->username);
	put(job->given, sizeof job->given, m->group);
	job->facts = TAKE(m->facts);
	job->result = ERR_OK;
}

/* Where the browser is to go; no answer to a login. */
static void take_url(struct auth_job *job, const Msg__BackDone *m)
{
	job->result = ERR_SYS;
	if (job->sso == nullptr || m->sso_url[0] == '\0')
		return;
	job->sso->url = strdup(m->sso_url);
	job->result = job->sso->url != nullptr ? ERR_OK : ERR_NOMEM;
}

static void take(struct auth_job *job, Msg__BackDone *m)
{
	put(job->why_text, sizeof job->why_text, m->why);
	put(job->message, sizeof job->message, m->message);
	job->why = job->why_text;
	if (auth_token_set(&job->reply, m->token.data, m->token.len) != ERR_OK) {
		job->result = ERR_RANGE;
		return;
	}
	switch ((enum msgs_back)m->result) {
	case BACK_OK: take_yes(job, m); return;
	case BACK_MORE:
		auth_job_ask(job, 0, m->message, m->label);
		job->prompt.echo = m->echo;
		job->prompt.is_challenge = m->is_challenge;
		job->prompt.wants_token = m->wants_token;
		return;
	case BACK_DENIED: job->result = ERR_AUTH; return;
	case BACK_SSO: take_url(job, m); return;
	case BACK_BROKEN: break;
	}
	job->result = ERR_SYS;
}

void auth_remote_answered(struct auth_remote *r, Msg__BackDone *m)
{
	struct auth_job *job = release(r, m->conv);
	if (job == nullptr)
		return;
	take(job, m);
	r->done(r->ctx, job);
}
