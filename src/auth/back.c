/* SPDX-License-Identifier: GPL-3.0-or-later */
/* back - what the keeper asks for, and what a child does about it */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/authproc.h"
#include "auth/directory_login.h"
#include "auth/negotiate.h"
#include "auth/oidc_login.h"
#include "auth/oidc_sso.h"
#include "auth/pamtalk.h"
#include "auth/profile.h"
#include "auth/radius_acct.h"
#include "auth/radius_login.h"
#include "auth/revocation.h"
#include "auth/saml_sso.h"
#include "base/log.h"
#include "ipc/msgs.h"

/* The keeper may be a generation ahead of or behind us for a moment. */
static const struct methods *find_methods(const struct authproc *a, uint32_t number)
{
	const struct methods *const all[] = { &a->now, &a->next, &a->before };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i]->number == number && number != 0)
			return all[i];
	return nullptr;
}

static const struct auth_method *find_method(const struct methods *e, struct task_place at)
{
	return e != nullptr && at.vhost < e->cfg->vhosts_n
		       ? config_vhost_method(&e->cfg->vhosts[at.vhost], at.method)
		       : nullptr;
}

/* {{ in the child }} */

static void tell_unknown(const Msg__BackBegin *b, int fd)
{
	static char why[] = "the configuration has changed; the login must begin anew";
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = b->conv;
	done.result = BACK_BROKEN;
	done.why = why;
	task_tell(fd, &done.base);
}

static void run_login(const struct authproc *a, const Msg__BackBegin *b, int fd)
{
	const struct methods *e = find_methods(a, b->generation);
	const struct auth_method *m =
		find_method(e, (struct task_place){ b->generation, b->vhost, b->method });
	const struct radius_conf *radius = m != nullptr ? methods_radius(e, m) : nullptr;
	const struct oidc_conf *oidc = m != nullptr ? methods_oidc(e, m) : nullptr;
	const struct directory_conf *directory = m != nullptr ? methods_directory(e, m) : nullptr;
	const struct saml_conf *saml = m != nullptr ? methods_saml(e, m) : nullptr;
	bool is_ready = radius == nullptr && oidc == nullptr && directory == nullptr && saml == nullptr;
	if (!is_ready)
		is_ready = profile_enter_network() == ERR_OK;
	if (!is_ready)
		tell_unknown(b, fd);
	else if (radius != nullptr)
		radius_login(radius, m, b, fd);
	else if (directory != nullptr)
		directory_login(directory, b, fd);
	else if (saml != nullptr)
		saml_sso(saml, m, b, fd);
	else if (oidc != nullptr && oidc_conf_is_sso(oidc))
		oidc_sso(oidc, m, b, fd);
	else if (oidc != nullptr)
		oidc_login_bearer(oidc, b, fd);
	else if (m != nullptr && strcmp(m->name, "gssapi") == 0 && profile_enter_network() == ERR_OK)
		negotiate_login(m, b, fd);
	else if (m != nullptr && strcmp(m->name, "certificate") == 0 && profile_enter_network() == ERR_OK)
		revocation_check(&e->cfg->vhosts[b->vhost], b, fd);
	else if (m != nullptr && strcmp(m->name, "pam") == 0)
		pamtalk_login(m, b, fd);
	else
		tell_unknown(b, fd);
}

static void run_record(const struct authproc *a, const Msg__Acct *r, int fd)
{
	static char why[] = "acct is no longer configured";
	const struct methods *e = find_methods(a, r->generation);
	if (e == nullptr)
		e = &a->now; /* a record that waited long: by its place in the configuration of now */
	const struct auth_method *m =
		find_method(e, (struct task_place){ r->generation, r->vhost, r->method });
	const struct radius_conf *radius = m != nullptr ? methods_radius(e, m) : nullptr;
	Msg__AcctDone done = MSG__ACCT_DONE__INIT;
	if (radius != nullptr && profile_enter_network() == ERR_OK) {
		radius_acct(radius, m, r, fd);
	} else if (m != nullptr && strcmp(m->name, "pam") == 0) {
		pamtalk_account(m, r, fd);
	} else {
		done.record = r->record;
		done.error = why;
		task_tell(fd, &done.base);
	}
}

void back_run(void *ctx, const struct task *t, int fd)
{
	const struct authproc *a = ctx;
	if (t->is_acct) {
		Msg__Acct *r = msg__acct__unpack(nullptr, t->request_len, t->request);
		if (r != nullptr) {
			r->delay_s += (uint32_t)clock_secs(t->born, clock_now());
			run_record(a, r, fd);
		}
	} else {
		Msg__BackBegin *b = msg__back_begin__unpack(nullptr, t->request_len, t->request);
		explicit_bzero(t->request, t->request_len);
		if (b != nullptr)
			run_login(a, b, fd);
	}
	_exit(0);
}

/* {{ in the parent }} */

static void tell_keeper(const struct authproc *a, enum msg type, const ProtobufCMessage *body)
{
	if (a->keeper == nullptr || !ipc_is_alive(a->keeper) ||
	    ipc_send(a->keeper, type, ipc_next_id(a->keeper), body, nullptr, 0) != ERR_OK)
		log_debug("auth.answer_lost type=%d", (int)type);
}

/* Servers that were silent are asked last by the next child. */
static void note_silent(struct authproc *a, const struct task *t, uint32_t silent)
{
	const struct auth_method *m = find_method(find_methods(a, t->place.generation), t->place);
	if (m == nullptr || silent == 0)
		return;
	struct radius_conf *radius = methods_radius(&a->now, m);
	struct directory_conf *directory = methods_directory(&a->now, m);
	if (radius != nullptr)
		radius_conf_note(radius, t->is_acct ? RADIUS_ACCT : RADIUS_AUTH, silent, clock_now());
	if (directory != nullptr)
		directory_conf_note(directory, silent, clock_now());
}

static void learn(const struct authproc *a, Msg__BackDone *done)
{
	const Msg__Learned *l = done->learned;
	for (size_t i = 0; l != nullptr && i < a->now.oidc_n; i++)
		if (strcmp(oidc_conf_path(a->now.oidc[i]), l->path) == 0)
			oidc_conf_learn(a->now.oidc[i], l->discovery, l->keys, clock_now());
}

void back_answer(void *ctx, const struct task *t, ProtobufCMessage *body)
{
	struct authproc *a = ctx;
	if (t->is_acct) {
		Msg__AcctDone *done = (void *)body;
		note_silent(a, t, done->silent);
		done->silent = 0;
		tell_keeper(a, MSG_ACCT_DONE, body);
	} else {
		Msg__BackDone *done = (void *)body;
		note_silent(a, t, done->silent);
		done->silent = 0;
		learn(a, done);
		Msg__Learned *learned = TAKE(done->learned);
		tell_keeper(a, MSG_BACK_DONE, body);
		done->learned = learned; /* freed with the message */
	}
}

static void refuse(const struct authproc *a, uint64_t conv, const char *why)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = conv;
	done.result = BACK_BROKEN;
	done.why = (char *)(uintptr_t)why;
	tell_keeper(a, MSG_BACK_DONE, &done.base);
}

static void on_begin(struct ipc *ipc, struct ipc_msg *m)
{
	struct authproc *a = ipc_owner(ipc);
	const Msg__BackBegin *b = (const void *)m->body;
	enum err e = tasks_begin(&a->tasks, b);
	explicit_bzero(b->password,
		       strlen(b->password)); /* an empty one is a shared constant and has no byte to write */
	explicit_bzero(b->bearer, strlen(b->bearer));
	explicit_bzero(b->sso_code, strlen(b->sso_code));
	if (e != ERR_OK)
		refuse(a, b->conv, err_text(e));
}

static void on_answer(struct ipc *ipc, struct ipc_msg *m)
{
	struct authproc *a = ipc_owner(ipc);
	const Msg__BackAnswer *b = (const void *)m->body;
	enum err e = tasks_answer(&a->tasks, b);
	explicit_bzero(b->answer, strlen(b->answer));
	if (e != ERR_OK)
		refuse(a, b->conv, "the conversation is over");
}

static void on_cancel(struct ipc *ipc, struct ipc_msg *m)
{
	struct authproc *a = ipc_owner(ipc);
	tasks_cancel(&a->tasks, ((const Msg__BackCancel *)m->body)->conv);
}

static void on_acct(struct ipc *ipc, struct ipc_msg *m)
{
	struct authproc *a = ipc_owner(ipc);
	const Msg__Acct *r = (const void *)m->body;
	enum err e = tasks_acct(&a->tasks, r);
	if (e == ERR_OK)
		return;
	Msg__AcctDone done = MSG__ACCT_DONE__INIT;
	done.record = r->record;
	done.error = (char *)(uintptr_t)err_text(e);
	tell_keeper(a, MSG_ACCT_DONE, &done.base);
}

ipc_handler *const back_handlers[MSG_N] = {
	[MSG_BACK_BEGIN] = on_begin,
	[MSG_BACK_ANSWER] = on_answer,
	[MSG_BACK_CANCEL] = on_cancel,
	[MSG_ACCT] = on_acct,
};
