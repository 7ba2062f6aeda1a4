/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_kind.h"

#include <string.h>

#include "keeper/auth_otp.h"
#include "keeper/cert_gate.h"
#include "keeper/keeper.h"
#include "keeper/sso.h"

/* {{ plain: a password, a code, or one after the other */

enum plain_step : uint8_t { PLAIN_PASSWORD, PLAIN_CODE };

static const struct auth_method *method_of(const struct keeper *k, uint32_t vhost, uint32_t method)
{
	const struct config *cfg = k->now.cfg;
	return cfg != nullptr && vhost < cfg->vhosts_n ? config_vhost_method(&cfg->vhosts[vhost], method)
						       : nullptr;
}

static bool has_file(const struct keeper *k, const struct auth_job *job, enum msgs_file file)
{
	return auth_set_find(&k->now.auth, job->vhost, job->method, file) != nullptr;
}

static void ask(struct keeper *k, struct auth_job *job, enum plain_step step)
{
	if (step == PLAIN_CODE)
		auth_job_ask(job, step, "Please enter your one-time password.", "One-time password:");
	else
		auth_job_ask(job, step, "Please enter your password.", "Password:");
	job->prompt.is_challenge = step == PLAIN_CODE;
	auth_done(&k->auth, job, clock_now());
}

static enum err verify(struct keeper *k, struct auth_job *job, enum plain_step step, struct mono now)
{
	const struct auth_method *m = method_of(k, job->vhost, job->method);
	enum msgs_file file = step == PLAIN_CODE ? FILE_OTP : FILE_PASSWD;
	struct auth_backend *b = auth_set_find(&k->now.auth, job->vhost, job->method, file);
	if (b == nullptr || m == nullptr)
		return ERR_NOTFOUND;
	job->step = step;
	job->totp_window = config_auth_number(m, "totp-window", AUTH_OTP_TOTP_WINDOW);
	job->hotp_window = config_auth_number(m, "hotp-window", AUTH_OTP_HOTP_WINDOW);
	return auth_backend_start(b, job, now);
}

static enum err plain_begin(struct keeper *k, struct auth_job *job, struct mono now)
{
	enum plain_step first = has_file(k, job, FILE_PASSWD) ? PLAIN_PASSWORD : PLAIN_CODE;
	if (job->has_password)
		return verify(k, job, first, now);
	ask(k, job, first);
	return ERR_OK;
}

static enum err plain_answer(struct keeper *k, struct auth_job *job, struct mono now)
{
	return verify(k, job, job->step == PLAIN_CODE ? PLAIN_CODE : PLAIN_PASSWORD, now);
}

void auth_kind_file_done(void *ctx, struct auth_job *job)
{
	struct keeper *k = ctx;
	bool is_half = job->result == ERR_OK && job->step == PLAIN_PASSWORD && has_file(k, job, FILE_OTP);
	if (is_half)
		ask(k, job, PLAIN_CODE);
	else
		auth_done(&k->auth, job, clock_now());
}

/* {{ pam, radius, ldap, oidc: in the auth process */

static enum err remote_begin(struct keeper *k, struct auth_job *job, struct mono)
{
	return auth_remote_begin(&k->remote, k->now.number, job);
}

static enum err remote_answer(struct keeper *k, struct auth_job *job, struct mono)
{
	return auth_remote_answer(&k->remote, job);
}

static void remote_cancel(struct keeper *k, uint64_t conv)
{
	auth_remote_cancel(&k->remote, conv);
}

/* A token comes with the request that begins a login, or never. */
static enum err bearer_begin(struct keeper *k, struct auth_job *job, struct mono now)
{
	if (job->bearer != nullptr)
		return remote_begin(k, job, now);
	job->result = ERR_AUTH;
	job->why = "no bearer token: oidc must be the first method of auth, and the client must bring one";
	auth_done(&k->auth, job, now);
	return ERR_OK;
}

static const struct auth_kind kinds[] = {
	{ "plain", plain_begin, plain_answer, nullptr },
	{ "certificate", cert_gate_begin, cert_gate_begin, remote_cancel }, /* remote: client-ocsp */
	{ "pam", remote_begin, remote_answer, remote_cancel },
	{ "radius", remote_begin, remote_answer, remote_cancel },
	{ "ldap", remote_begin, remote_answer, remote_cancel },
	{ "oidc", bearer_begin, bearer_begin, remote_cancel },
	{ "oidc-sso", sso_begin, sso_answer, sso_cancel },
	{ "saml", sso_begin, sso_answer, sso_cancel },
	{ "gssapi", remote_begin, remote_answer, remote_cancel },
};

const struct auth_kind *auth_kind_of(const struct keeper *k, uint32_t vhost, uint32_t method)
{
	const struct auth_method *m = method_of(k, vhost, method);
	for (size_t i = 0; m != nullptr && i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].method, m->name) == 0)
			return &kinds[i];
	return nullptr;
}

enum err auth_kind_start(void *ctx, struct auth_job *job, struct mono now)
{
	struct keeper *k = ctx;
	const struct auth_kind *kind = auth_kind_of(k, job->vhost, job->method);
	if (kind == nullptr)
		return ERR_NOTFOUND;
	return job->is_answer ? kind->answer(k, job, now) : kind->begin(k, job, now);
}

void auth_kind_cancel(void *ctx, uint32_t vhost, uint32_t method, uint64_t conv)
{
	struct keeper *k = ctx;
	const struct auth_kind *kind = auth_kind_of(k, vhost, method);
	if (kind != nullptr && kind->cancel != nullptr)
		kind->cancel(k, conv);
}
