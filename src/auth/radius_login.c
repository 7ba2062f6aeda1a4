/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/radius_login.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "auth/fact.h"
#include "auth/radius_facts.h"
#include "auth/task.h"
#include "base/base.h"
#include "base/secret.h"
#include "ipc/msgs.h"

constexpr size_t MESSAGE_MAX = 1024;
constexpr unsigned CHALLENGES_MAX = 16;

/* Values of RFC 2865, 5. */
constexpr uint32_t SERVICE_FRAMED = 2;
constexpr uint32_t FRAMED_PPP = 1;
constexpr uint32_t PORT_ASYNC = 0;

/* A login, from question to question. */
struct login {
	struct radius_ask ask;
	const struct auth_method *method;
	const Msg__BackBegin *begin;
	char *answer;                     /* of the user, malloc'ed; wiped as soon as it is sent */
	uint8_t state[RADIUS_VALUE_MAX];  /* of the last challenge */
	size_t state_len;
};

/* {{ question to the server }} */

void radius_login_add_client(struct radius_request *r, const struct radius_conf *c,
			     const struct auth_method *m, ProtobufCBinaryData ip, const char *agent)
{
	char text[INET6_ADDRSTRLEN] = "";
	const char *nas = config_auth_arg(m, "nas-identifier");
	if (ip.len == 4 || ip.len == 16)
		inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.data, text, sizeof text);
	radius_add_text(r, RADIUS_CALLING_STATION_ID, text);
	radius_add(r, RADIUS_CONNECT_INFO, agent, strnlen(agent, RADIUS_VALUE_MAX));
	radius_add_text(r, RADIUS_NAS_IDENTIFIER,
			nas != nullptr ? nas : radius_conf_settings(c)->nas_identifier);
	radius_add_number(r, RADIUS_SERVICE_TYPE, SERVICE_FRAMED);
	radius_add_number(r, RADIUS_FRAMED_PROTOCOL, FRAMED_PPP);
	radius_add_number(r, RADIUS_NAS_PORT_TYPE, PORT_ASYNC);
}

static void fill(void *ctx, struct radius_request *r, struct radius_key key)
{
	const struct login *l = ctx;
	char session_id[32];
	snprintf(session_id, sizeof session_id, "%016llx", (unsigned long long)l->begin->conv);
	radius_add_text(r, RADIUS_USER_NAME, l->begin->username);
	radius_add_password(r, key, l->answer);
	radius_add(r, RADIUS_STATE, l->state, l->state_len);
	radius_add_text(r, RADIUS_ACCT_SESSION_ID, session_id);
	radius_login_add_client(r, l->ask.conf, l->method, l->begin->remote_ip, l->begin->user_agent);
}

/* {{ answer to the user }} */

/* All Reply-Messages, a line each. */
static void read_message(const struct login *l, char out[MESSAGE_MAX])
{
	struct radius_attribute a;
	size_t n = 0;
	for (size_t at = 0; radius_next(&l->ask.answer, &at, &a);) {
		if (a.type != RADIUS_REPLY_MESSAGE)
			continue;
		for (size_t i = 0; i < a.len && n + 2 < MESSAGE_MAX; i++)
			out[n++] = a.value[i] < ' ' || a.value[i] == 0x7f ? ' ' : (char)a.value[i];
		if (n + 2 < MESSAGE_MAX)
			out[n++] = '\n';
	}
	out[n > 0 ? n - 1 : 0] = '\0';
}

static void tell(const struct login *l, enum msgs_back result, char *message, const char *why, int fd)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = l->begin->conv;
	done.result = result;
	if (message != nullptr)
		done.message = message;
	if (why != nullptr)
		done.why = (char *)(uintptr_t)why;
	done.silent = l->ask.silent;
	task_tell(fd, &done.base);
}

static void tell_facts(const struct login *l, Msg__Facts *facts, int fd)
{
	char message[MESSAGE_MAX];
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	read_message(l, message);
	done.conv = l->begin->conv;
	done.result = BACK_OK;
	done.message = message;
	done.silent = l->ask.silent;
	done.facts = facts;
	if (l->begin->group[0] != '\0')
		done.group = l->begin->group;
	else if (facts->n_groups > 0)
		done.group = facts->groups[0];
	task_tell(fd, &done.base);
}

static void admit(const struct login *l, int fd)
{
	const char *separator = config_auth_arg(l->method, "group-separator"), *group = l->begin->group;
	bool with_groups = config_auth_flag(l->method, "groupconfig") || group[0] != '\0';
	Msg__Facts *facts;
	if (radius_facts_read(&facts, &l->ask.answer, with_groups,
			      separator != nullptr ? separator[0] : ';') != ERR_OK) {
		tell(l, BACK_BROKEN, nullptr, "out of memory", fd);
		return;
	}
	if (group[0] != '\0' && !fact_has_group(facts, group))
		tell(l, BACK_DENIED, nullptr, "user is not in the chosen group", fd);
	else
		tell_facts(l, facts, fd);
	msg__facts__free_unpacked(facts, nullptr);
}

/* A question to the user; the answer. */
static char *question(const struct login *l, char *message, bool is_challenge, int fd)
{
	char label[] = "Response:", password[] = "Password:";
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = l->begin->conv;
	done.result = BACK_MORE;
	done.message = message;
	done.label = is_challenge ? label : password;
	done.is_challenge = is_challenge;
	done.silent = l->ask.silent;
	task_tell(fd, &done.base);
	return task_wait(fd);
}

static void challenge(struct login *l, int fd)
{
	char message[MESSAGE_MAX];
	struct radius_attribute state;
	read_message(l, message);
	radius_find(&l->ask.answer, RADIUS_STATE, &state);
	l->state_len = state.len;
	if (state.len > 0)
		memcpy(l->state, state.value, state.len);
	l->answer = question(l, message, true, fd);
}

/* {{ steps }} */

static void wipe(char **text)
{
	if (*text != nullptr)
		explicit_bzero(*text, strlen(*text));
	free(TAKE(*text));
}

/* Why a login is not worth a question; nullptr if it is. */
static const char *unfit(const struct login *l)
{
	return l->begin->username[0] == '\0'                   ? "no user name"
	       : strlen(l->begin->username) > RADIUS_VALUE_MAX ? "the name is longer than RADIUS carries"
	       : strlen(l->answer) > RADIUS_PASSWORD_MAX       ? "the password is longer than RADIUS carries"
							       : nullptr;
}

/* One question to the server; afterwards there is an answer of the user if another one follows. */
static void step(struct login *l, int fd)
{
	char message[MESSAGE_MAX];
	const char *why = unfit(l);
	enum err e = why == nullptr ? radius_ask(&l->ask) : ERR_DENIED;
	wipe(&l->answer);
	if (e == ERR_DENIED) {
		tell(l, BACK_DENIED, nullptr, why, fd);
		return;
	}
	if (e != ERR_OK) {
		tell(l, BACK_BROKEN, nullptr, e == ERR_BUSY ? l->ask.error : err_text(e), fd);
		return;
	}
	if (l->ask.answer.code == RADIUS_ACCESS_ACCEPT) {
		admit(l, fd);
	} else if (l->ask.answer.code == RADIUS_ACCESS_CHALLENGE) {
		challenge(l, fd);
	} else {
		read_message(l, message);
		tell(l, BACK_DENIED, message, "refused by the RADIUS server", fd);
	}
}

void radius_login(const struct radius_conf *c, const struct auth_method *m, const Msg__BackBegin *b, int fd)
{
	struct login l = { .ask = { .conf = c, .role = RADIUS_AUTH, .only = -1, .fill = fill },
			   .method = m,
			   .begin = b };
	char text[] = "Please enter your password.";
	l.ask.ctx = &l;
	l.answer = b->has_password ? strdup(b->password) : question(&l, text, false, fd);
	for (unsigned n = 0; l.answer != nullptr && n < CHALLENGES_MAX; n++)
		step(&l, fd);
	if (l.answer != nullptr)
		tell(&l, BACK_DENIED, nullptr, "too many challenges", fd);
	wipe(&l.answer);
}
