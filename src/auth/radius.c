/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/radius.h"

#include <arpa/inet.h>
#include <radcli/radcli.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/radius_facts.h"
#include "auth/task.h"
#include "base/base.h"
#include "ipc/msgs.h"

constexpr size_t MESSAGE_MAX = 1024;
constexpr size_t PASSWORD_MAX = AUTH_PASS_LEN; /* of the library; a longer one would be cut */
constexpr unsigned CHALLENGES_MAX = 16;

/* One exchange, and what it has found out. */
struct exchange {
	const struct radius_conf *conf;
	rc_handle *rh;
	enum radius_role role;
	uint32_t silent; /* servers that did not answer */
	int only;        /* the server that asked the question; -1: any */
	VALUE_PAIR *send, *received;
	char error[128];
};

/* {{ attributes }} */

static bool add_text(struct exchange *x, int id, const char *text)
{
	return text[0] == '\0' ||
	       rc_avpair_add(x->rh, &x->send, id, text, (int)MIN(strlen(text), 253), 0) != nullptr;
}

static bool add_number(struct exchange *x, int id, uint32_t n)
{
	return rc_avpair_add(x->rh, &x->send, id, &n, 0, 0) != nullptr;
}

static bool add_address(struct exchange *x, int id4, int id6, ProtobufCBinaryData ip)
{
	uint32_t v4;
	if (ip.len == 4 && id4 != 0) {
		memcpy(&v4, ip.data, sizeof v4);
		return add_number(x, id4, ntohl(v4));
	}
	if (ip.len == 16 && id6 != 0)
		return rc_avpair_add(x->rh, &x->send, id6, ip.data, 16, 0) != nullptr;
	return true;
}

static bool add_client(struct exchange *x, const struct auth_method *m, ProtobufCBinaryData ip,
		       const char *agent)
{
	char text[INET6_ADDRSTRLEN] = "";
	const char *nas = config_auth_arg(m, "nas-identifier");
	if (ip.len == 4 || ip.len == 16)
		inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.data, text, sizeof text);
	return add_text(x, PW_CALLING_STATION_ID, text) && add_text(x, PW_CONNECT_INFO, agent) &&
	       add_text(x, PW_NAS_IDENTIFIER, nas != nullptr ? nas : "") &&
	       add_number(x, PW_SERVICE_TYPE, PW_FRAMED) && add_number(x, PW_FRAMED_PROTOCOL, PW_PPP) &&
	       add_number(x, PW_NAS_PORT_TYPE, PW_ASYNC);
}

static void clear(struct exchange *x)
{
	for (VALUE_PAIR *vp = x->send; vp != nullptr; vp = rc_avpair_next(vp))
		if (ATTRID(vp->attribute) == PW_USER_PASSWORD)
			explicit_bzero(vp->strvalue, sizeof vp->strvalue);
	rc_avpair_free(TAKE(x->send));
	rc_avpair_free(TAKE(x->received));
}

/* {{ servers }} */

static int ask_one(struct exchange *x, unsigned n, rc_standard_codes code)
{
	char text[PW_MAX_MSG_SIZE] = "";
	const SERVER *all = rc_conf_srv(x->rh, x->role == RADIUS_AUTH ? "authserver" : "acctserver");
	SERVER one = {
		.max = 1, .name = { all->name[n] }, .port = { all->port[n] }, .secret = { all->secret[n] }
	};
	return rc_aaa_ctx_server(x->rh, nullptr, &one, x->role == RADIUS_AUTH ? AUTH : ACCT, 0, x->send,
				 &x->received, text, 0, code);
}

/* The answer of the first server that has one; TIMEOUT_RC or another of the library if none has. */
static int ask(struct exchange *x, rc_standard_codes code)
{
	unsigned order[RADIUS_SERVERS_MAX];
	unsigned n = radius_conf_order(x->conf, x->role, clock_now(), order);
	int rc = ERROR_RC;
	for (unsigned i = 0; i < n; i++) {
		if (x->only >= 0 && order[i] != (unsigned)x->only)
			continue;
		rc = ask_one(x, order[i], code);
		if (rc == OK_RC || rc == REJECT_RC || rc == CHALLENGE_RC) {
			x->only = (int)order[i];
			return rc;
		}
		x->silent |= 1u << order[i];
	}
	snprintf(x->error, sizeof x->error, "%s",
		 n == 0             ? "no server is configured"
		 : rc == TIMEOUT_RC ? "no RADIUS server answers"
		 : rc == BADRESP_RC || rc == BADRESPID_RC
			 ? "a RADIUS server answers with garbage; is the shared secret right?"
			 : "no RADIUS server can be asked");
	return rc;
}

/* {{ login }} */

/* All Reply-Messages, a line each. */
static void read_message(const struct exchange *x, char out[MESSAGE_MAX])
{
	size_t at = 0;
	out[0] = '\0';
	for (VALUE_PAIR *vp = x->received; vp != nullptr; vp = rc_avpair_next(vp)) {
		if (vp->attribute != PW_REPLY_MESSAGE)
			continue;
		size_t len = MIN((size_t)vp->lvalue, (size_t)AUTH_STRING_LEN);
		for (size_t i = 0; i < len && at + 2 < MESSAGE_MAX; i++)
			out[at++] = (unsigned char)vp->strvalue[i] < ' ' ? ' ' : vp->strvalue[i];
		if (at + 2 < MESSAGE_MAX)
			out[at++] = '\n';
	}
	out[at > 0 ? at - 1 : 0] = '\0';
}

static bool fill_request(struct exchange *x, const struct auth_method *m, const Msg__BackBegin *b,
			 const char *password, const VALUE_PAIR *state)
{
	char session_id[32];
	snprintf(session_id, sizeof session_id, "%016llx", (unsigned long long)b->conv);
	bool ok = add_text(x, PW_USER_NAME, b->username) &&
		  rc_avpair_add(x->rh, &x->send, PW_USER_PASSWORD, password, (int)strlen(password), 0) !=
			  nullptr &&
		  add_text(x, PW_ACCT_SESSION_ID, session_id) &&
		  add_client(x, m, b->remote_ip, b->user_agent);
	if (ok && state != nullptr)
		ok = rc_avpair_add(x->rh, &x->send, PW_STATE, state->strvalue, (int)state->lvalue, 0) !=
		     nullptr;
	return ok;
}

static void tell(const struct exchange *x, const Msg__BackBegin *b, enum msgs_back result, char *message,
		 char *why, int fd)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = b->conv;
	done.result = result;
	done.message = message;
	done.why = why;
	done.silent = x->silent;
	task_tell(fd, &done.base);
}

static bool has_group(const Msg__Facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (strcmp(f->groups[i], name) == 0)
			return true;
	return false;
}

static void admit(struct exchange *x, const struct auth_method *m, const Msg__BackBegin *b, int fd)
{
	char message[MESSAGE_MAX], no_group[] = "user is not in the chosen group", memory[] = "out of memory",
				   none[] = "";
	const char *separator = config_auth_arg(m, "group-separator");
	Msg__Facts *facts;
	read_message(x, message);
	if (radius_facts_read(&facts, x->received, config_auth_flag(m, "groupconfig") || b->group[0] != '\0',
			      separator != nullptr ? separator[0] : ';') != ERR_OK) {
		tell(x, b, BACK_BROKEN, none, memory, fd);
		return;
	}
	if (b->group[0] != '\0' && !has_group(facts, b->group)) {
		tell(x, b, BACK_DENIED, none, no_group, fd);
		return;
	}
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = b->conv;
	done.result = BACK_OK;
	done.message = message;
	done.silent = x->silent;
	done.facts = facts;
	if (b->group[0] != '\0')
		done.group = b->group;
	else if (facts->n_groups > 0)
		done.group = facts->groups[0];
	task_tell(fd, &done.base);
	done.facts = nullptr;
	msg__facts__free_unpacked(facts, nullptr);
}

/* A question to the user; the answer. */
static char *question(const struct exchange *x, const Msg__BackBegin *b, char *message, bool is_challenge,
		      int fd)
{
	char label[] = "Response:", password[] = "Password:";
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = b->conv;
	done.result = BACK_MORE;
	done.message = message;
	done.label = is_challenge ? label : password;
	done.is_challenge = is_challenge;
	done.silent = x->silent;
	task_tell(fd, &done.base);
	return task_wait(fd);
}

static void wipe(char **text)
{
	if (*text != nullptr)
		explicit_bzero(*text, strlen(*text));
	free(TAKE(*text));
}

/* One request; true: another one follows, with *answer and the State in x->received. */
static bool step(struct exchange *x, const struct auth_method *m, const Msg__BackBegin *b, char **answer,
		 int fd)
{
	char message[MESSAGE_MAX], none[] = "", refused[] = "refused by the RADIUS server",
				   memory[] = "out of memory",
				   longer[] = "the password is longer than RADIUS carries";
	VALUE_PAIR *last = TAKE(x->received), *state = rc_avpair_get(last, PW_STATE, 0);
	bool fits = strlen(*answer) <= PASSWORD_MAX && b->username[0] != '\0';
	bool ok = fits && fill_request(x, m, b, *answer, state);
	wipe(answer);
	rc_avpair_free(last);
	if (!ok) {
		tell(x, b, fits ? BACK_BROKEN : BACK_DENIED, none, fits ? memory : longer, fd);
		return false;
	}
	int rc = ask(x, PW_ACCESS_REQUEST);
	switch (rc) {
	case OK_RC: admit(x, m, b, fd); break;
	case REJECT_RC:
		read_message(x, message);
		tell(x, b, BACK_DENIED, message, refused, fd);
		break;
	case CHALLENGE_RC:
		read_message(x, message);
		rc_avpair_free(TAKE(x->send));
		*answer = question(x, b, message, true, fd);
		return true;
	default: tell(x, b, BACK_BROKEN, none, x->error, fd);
	}
	return false;
}

void radius_login(const struct radius_conf *c, const struct auth_method *m, const Msg__BackBegin *b, int fd)
{
	struct exchange x = { .conf = c, .rh = radius_conf_handle(c), .role = RADIUS_AUTH, .only = -1 };
	char text[] = "Please enter your password.", many[] = "too many challenges", none[] = "";
	char *answer = b->has_password ? strdup(b->password) : question(&x, b, text, false, fd);
	unsigned n = 0;
	while (answer != nullptr && step(&x, m, b, &answer, fd))
		if (++n == CHALLENGES_MAX) {
			wipe(&answer);
			tell(&x, b, BACK_DENIED, none, many, fd);
		}
	clear(&x);
}

/* {{ accounting }} */

static uint32_t cause_of(uint32_t cause)
{
	static const uint32_t causes[] = {
		[CAUSE_NETWORK] = PW_LOST_CARRIER,
		[CAUSE_USER] = PW_USER_REQUEST,
		[CAUSE_TEMPORARY] = PW_USER_REQUEST,
		[CAUSE_IDLE] = PW_ACCT_IDLE_TIMEOUT,
		[CAUSE_SESSION_TIMEOUT] = PW_ACCT_SESSION_TIMEOUT,
		[CAUSE_ADMIN] = PW_ADMIN_RESET,
		[CAUSE_TERMINATED] = PW_ADMIN_RESET,
		[CAUSE_REPLACED] = PW_PORT_PREEMPTED,
		[CAUSE_SHUTDOWN] = PW_NAS_REBOOT,
		[CAUSE_WORKER_LOST] = PW_NAS_ERROR,
	};
	return cause < ARRAY_LEN(causes) && causes[cause] != 0 ? causes[cause] : PW_NAS_REQUEST;
}

static bool add_octets(struct exchange *x, int low, int high, uint64_t n)
{
	return add_number(x, low, (uint32_t)n) && (n >> 32 == 0 || add_number(x, high, (uint32_t)(n >> 32)));
}

/* Input is what came from the client: RFC 2866, 5.3. */
static bool add_use(struct exchange *x, const Msg__Acct *a)
{
	bool ok = add_octets(x, PW_ACCT_INPUT_OCTETS, PW_ACCT_INPUT_GIGAWORDS, a->rx_bytes) &&
		  add_octets(x, PW_ACCT_OUTPUT_OCTETS, PW_ACCT_OUTPUT_GIGAWORDS, a->tx_bytes) &&
		  add_number(x, PW_ACCT_SESSION_TIME, (uint32_t)MIN(a->secs, UINT32_MAX));
	return ok && (a->kind != ACCT_STOP || add_number(x, PW_ACCT_TERMINATE_CAUSE, cause_of(a->cause)));
}

static bool add_classes(struct exchange *x, const Msg__Acct *a)
{
	for (size_t i = 0; i < a->n_classes; i++)
		if (rc_avpair_add(x->rh, &x->send, PW_CLASS, a->classes[i].data,
				  (int)MIN(a->classes[i].len, 253), 0) == nullptr)
			return false;
	return true;
}

static bool fill_record(struct exchange *x, const struct auth_method *m, const Msg__Acct *a)
{
	static const uint32_t kinds[] = {
		[ACCT_START] = PW_STATUS_START, [ACCT_INTERIM] = PW_STATUS_ALIVE, [ACCT_STOP] = PW_STATUS_STOP
	};
	bool ok = a->kind < ARRAY_LEN(kinds) && add_text(x, PW_USER_NAME, a->username) &&
		  add_number(x, PW_ACCT_STATUS_TYPE, kinds[a->kind]) &&
		  add_text(x, PW_ACCT_SESSION_ID, a->session_id) &&
		  add_number(x, PW_ACCT_AUTHENTIC, a->n_classes > 0 ? PW_RADIUS : PW_LOCAL) &&
		  add_number(x, PW_ACCT_DELAY_TIME, a->delay_s) &&
		  add_client(x, m, a->remote_ip, a->user_agent) &&
		  add_address(x, PW_FRAMED_IP_ADDRESS, 0, a->ipv4) &&
		  add_address(x, 0, PW_FRAMED_IPV6_ADDRESS, a->ipv6) && add_classes(x, a);
	return ok && (a->kind == ACCT_START || add_use(x, a));
}

void radius_account(const struct radius_conf *c, const struct auth_method *m, const Msg__Acct *a, int fd)
{
	struct exchange x = { .conf = c, .rh = radius_conf_handle(c), .role = RADIUS_ACCT, .only = -1 };
	Msg__AcctDone done = MSG__ACCT_DONE__INIT;
	done.record = a->record;
	bool is_sent = fill_record(&x, m, a) && ask(&x, PW_ACCOUNTING_REQUEST) == OK_RC;
	if (!is_sent && x.error[0] == '\0')
		snprintf(x.error, sizeof x.error, "the record cannot be made");
	done.error = is_sent ? done.error : x.error;
	done.silent = x.silent;
	task_tell(fd, &done.base);
	clear(&x);
}
