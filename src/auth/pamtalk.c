/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/pamtalk.h"

#include <arpa/inet.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/fact.h"
#include "auth/sysgroup.h"
#include "auth/task.h"
#include "base/base.h"
#include "ipc/msgs.h"

constexpr size_t TEXT_MAX = 1024;
constexpr unsigned CHANGE_TRIES = 3;

/* One conversation: what was said so far. */
struct talk {
	int fd;
	uint64_t conv;
	char *password;       /* of the first form, for the first question; then nullptr */
	char text[TEXT_MAX];  /* messages that were not shown yet */
	bool is_mute;         /* nobody can be asked: accounting */
};

const char *pamtalk_service(const struct auth_method *m)
{
	const char *service = config_auth_arg(m, "service");
	return service != nullptr ? service : "ocserv";
}

bool pamtalk_has_service(const char *service)
{
	static const char *const folders[] = { "/etc/pam.d", "/usr/lib/pam.d" };
	char path[512];
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(path, sizeof path, "%s/%s", folders[i], service);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

/* {{ questions }} */

static void note(struct talk *t, const char *text)
{
	size_t len = strlen(t->text);
	snprintf(t->text + len, sizeof t->text - len, "%s%s", len > 0 ? "\n" : "", text);
}

static void wipe(char **text)
{
	if (*text != nullptr)
		explicit_bzero(*text, strlen(*text));
	free(TAKE(*text));
}

/* The answer is malloc'ed, as PAM wants it. */
static char *question(struct talk *t, const char *prompt, bool echo)
{
	if (t->password != nullptr) /* the first form has asked already */
		return TAKE(t->password);
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = t->conv;
	done.result = BACK_MORE;
	done.message = t->text;
	done.label = (char *)(uintptr_t)prompt;
	done.echo = echo;
	task_tell(t->fd, &done.base);
	t->text[0] = '\0';
	return task_wait(t->fd);
}

static int answer_one(struct talk *t, const struct pam_message *m, struct pam_response *r)
{
	switch (m->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
	case PAM_PROMPT_ECHO_ON:
		if (t->is_mute)
			return PAM_CONV_ERR;
		r->resp = question(t, m->msg, m->msg_style == PAM_PROMPT_ECHO_ON);
		return r->resp != nullptr ? PAM_SUCCESS : PAM_BUF_ERR;
	case PAM_ERROR_MSG:
	case PAM_TEXT_INFO: note(t, m->msg); return PAM_SUCCESS;
	default: return PAM_CONV_ERR; /* binary prompts are for programs */
	}
}

static int converse(int n, const struct pam_message **msg, struct pam_response **out, void *ctx)
{
	struct talk *t = ctx;
	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	struct pam_response *r = calloc((size_t)n, sizeof *r);
	if (r == nullptr)
		return PAM_BUF_ERR;
	int rc = PAM_SUCCESS;
	for (int i = 0; i < n && rc == PAM_SUCCESS; i++)
		rc = answer_one(t, msg[i], &r[i]);
	if (rc == PAM_SUCCESS) {
		*out = r;
		return rc;
	}
	for (int i = 0; i < n; i++)
		wipe(&r[i].resp);
	free(r);
	return rc;
}

/* {{ a handle }} */

static int begin(pam_handle_t **h, const char *service, const char *user, ProtobufCBinaryData ip,
		 struct talk *t)
{
	const struct pam_conv conv = { converse, t };
	char host[INET6_ADDRSTRLEN] = "";
	int rc = pam_start(service, user, &conv, h);
	if (rc != PAM_SUCCESS)
		return rc;
	if (ip.len == 4 || ip.len == 16)
		inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.data, host, sizeof host);
	if (host[0] != '\0')
		rc = pam_set_item(*h, PAM_RHOST, host);
	return rc == PAM_SUCCESS ? pam_set_item(*h, PAM_TTY, "ocserv") : rc;
}

/* Is it the user who is wrong, or the machine? */
static enum msgs_back result_of(int rc)
{
	static const int denials[] = { PAM_AUTH_ERR,
				       PAM_USER_UNKNOWN,
				       PAM_MAXTRIES,
				       PAM_PERM_DENIED,
				       PAM_ACCT_EXPIRED,
				       PAM_NEW_AUTHTOK_REQD,
				       PAM_CRED_EXPIRED,
				       PAM_AUTHTOK_ERR,
				       PAM_AUTHTOK_EXPIRED,
				       PAM_TRY_AGAIN,
				       PAM_CRED_UNAVAIL,
				       PAM_IGNORE,
				       PAM_AUTHTOK_RECOVERY_ERR };
	if (rc == PAM_SUCCESS)
		return BACK_OK;
	for (size_t i = 0; i < ARRAY_LEN(denials); i++)
		if (denials[i] == rc)
			return BACK_DENIED;
	return BACK_BROKEN;
}

/* {{ login }} */

static int change_password(pam_handle_t *h, struct talk *t)
{
	int rc = PAM_AUTHTOK_ERR;
	for (unsigned i = 0; i < CHANGE_TRIES && rc != PAM_SUCCESS; i++) {
		rc = pam_chauthtok(h, PAM_CHANGE_EXPIRED_AUTHTOK);
		if (rc == PAM_AUTHTOK_ERR || rc == PAM_TRY_AGAIN || rc == PAM_AUTHTOK_RECOVERY_ERR)
			note(t, pam_strerror(h, rc));
		else if (rc != PAM_SUCCESS)
			break;
	}
	return rc;
}

static int authenticate(pam_handle_t *h, struct talk *t)
{
	int rc = pam_authenticate(h, PAM_DISALLOW_NULL_AUTHTOK);
	wipe(&t->password); /* no module wanted it: it is no answer to a later question */
	if (rc != PAM_SUCCESS)
		return rc;
	rc = pam_acct_mgmt(h, PAM_DISALLOW_NULL_AUTHTOK);
	return rc == PAM_NEW_AUTHTOK_REQD ? change_password(h, t) : rc;
}

static void finish(const Msg__BackBegin *b, const struct auth_method *m, struct talk *t, const char *user,
		   int rc, const char *why)
{
	Msg__Facts facts = MSG__FACTS__INIT;
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = b->conv;
	done.result = result_of(rc);
	done.message = t->text;
	done.why = (char *)(uintptr_t)why;
	done.username = (char *)(uintptr_t)user;
	if (done.result == BACK_OK &&
	    sysgroup_read(&facts, user, config_auth_number(m, "gid-min", 0)) != ERR_OK)
		done.result = BACK_BROKEN;
	if (done.result == BACK_OK && b->group[0] != '\0' && !fact_has_group(&facts, b->group)) {
		done.result = BACK_DENIED;
		done.why = (char *)(uintptr_t)"user is not in the chosen group";
	}
	if (done.result == BACK_OK) {
		done.facts = &facts;
		done.group = b->group[0] != '\0'  ? b->group
			     : facts.n_groups > 0 ? facts.groups[0]
						  : done.group;
	}
	task_tell(t->fd, &done.base);
	for (size_t i = 0; i < facts.n_groups; i++)
		free(facts.groups[i]);
	free(facts.groups);
}

void pamtalk_login(const struct auth_method *m, const Msg__BackBegin *b, int fd)
{
	struct talk t = { .fd = fd,
			  .conv = b->conv,
			  .password = b->has_password ? strdup(b->password) : nullptr };
	pam_handle_t *h = nullptr;
	char user[256] = "", why[128];
	const void *name = nullptr;
	int rc = pamtalk_has_service(pamtalk_service(m))
			 ? begin(&h, pamtalk_service(m), b->username, b->remote_ip, &t)
			 : PAM_OPEN_ERR;
	if (rc == PAM_SUCCESS && b->username[0] == '\0')
		rc = PAM_USER_UNKNOWN; /* a module would ask for the name, of whoever */
	if (rc == PAM_SUCCESS)
		rc = authenticate(h, &t);
	if (rc == PAM_SUCCESS && (pam_get_item(h, PAM_USER, &name) != PAM_SUCCESS || name == nullptr ||
				  snprintf(user, sizeof user, "%s", (const char *)name) >= (int)sizeof user))
		rc = PAM_SYSTEM_ERR;
	snprintf(why, sizeof why, "PAM %s: %s", pamtalk_service(m),
		 rc == PAM_OPEN_ERR ? "no file of this service in /etc/pam.d" : pam_strerror(h, rc));
	if (h != nullptr)
		pam_end(h, rc);
	wipe(&t.password);
	finish(b, m, &t, user, rc, why);
}

/* {{ accounting }} */

static int account(const struct auth_method *m, const Msg__Acct *a)
{
	struct talk t = { .fd = -1, .is_mute = true };
	pam_handle_t *h = nullptr;
	int rc = pamtalk_has_service(pamtalk_service(m))
			 ? begin(&h, pamtalk_service(m), a->username, a->remote_ip, &t)
			 : PAM_OPEN_ERR;
	if (rc == PAM_SUCCESS && a->kind == ACCT_START)
		rc = pam_open_session(h, PAM_SILENT);
	else if (rc == PAM_SUCCESS && a->kind == ACCT_STOP)
		rc = pam_close_session(h, PAM_SILENT);
	if (h != nullptr)
		pam_end(h, rc);
	return rc;
}

void pamtalk_account(const struct auth_method *m, const Msg__Acct *a, int fd)
{
	char why[128];
	int rc = account(m, a);
	Msg__AcctDone done = MSG__ACCT_DONE__INIT;
	done.record = a->record;
	snprintf(why, sizeof why, "PAM %s: %s", pamtalk_service(m), pam_strerror(nullptr, rc));
	done.error = rc == PAM_SUCCESS ? done.error : why;
	task_tell(fd, &done.base);
}
