/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/radius_acct.h"

#include <stdio.h>

#include "auth/radius_ask.h"
#include "auth/radius_login.h"
#include "auth/task.h"
#include "base/base.h"
#include "ipc/msgs.h"

/* Acct-Status-Type, Acct-Authentic, Acct-Terminate-Cause: RFC 2866, 5. */
enum { STATUS_START = 1, STATUS_STOP, STATUS_INTERIM };
enum { AUTHENTIC_RADIUS = 1, AUTHENTIC_LOCAL };
enum {
	CAUSED_BY_USER_REQUEST = 1,
	CAUSED_BY_LOST_CARRIER = 2,
	CAUSED_BY_IDLE_TIMEOUT = 4,
	CAUSED_BY_SESSION_TIMEOUT = 5,
	CAUSED_BY_ADMIN_RESET = 6,
	CAUSED_BY_NAS_ERROR = 9,
	CAUSED_BY_NAS_REQUEST = 10,
	CAUSED_BY_NAS_REBOOT = 11,
	CAUSED_BY_PORT_PREEMPTED = 13,
};

struct record {
	const struct radius_conf *conf;
	const struct auth_method *method;
	const Msg__Acct *acct;
};

static uint32_t cause_of(uint32_t cause)
{
	static const uint32_t causes[] = {
		[CAUSE_NETWORK] = CAUSED_BY_LOST_CARRIER,
		[CAUSE_USER] = CAUSED_BY_USER_REQUEST,
		[CAUSE_TEMPORARY] = CAUSED_BY_USER_REQUEST,
		[CAUSE_IDLE] = CAUSED_BY_IDLE_TIMEOUT,
		[CAUSE_SESSION_TIMEOUT] = CAUSED_BY_SESSION_TIMEOUT,
		[CAUSE_ADMIN] = CAUSED_BY_ADMIN_RESET,
		[CAUSE_TERMINATED] = CAUSED_BY_ADMIN_RESET,
		[CAUSE_REPLACED] = CAUSED_BY_PORT_PREEMPTED,
		[CAUSE_SHUTDOWN] = CAUSED_BY_NAS_REBOOT,
		[CAUSE_WORKER_LOST] = CAUSED_BY_NAS_ERROR,
		[CAUSE_QUOTA] =
			CAUSED_BY_SESSION_TIMEOUT, /* there is none for it; RFC 2866 calls it the end of what is allowed */
		[CAUSE_EXPIRED] = CAUSED_BY_SESSION_TIMEOUT,
	};
	return cause < ARRAY_LEN(causes) && causes[cause] != 0 ? causes[cause] : CAUSED_BY_NAS_REQUEST;
}

static void add_octets(struct radius_request *r, enum radius_type low, enum radius_type high, uint64_t n)
{
	radius_add_number(r, low, (uint32_t)n);
	if (n >> 32 != 0)
		radius_add_number(r, high, (uint32_t)(n >> 32));
}

/* Input is what came from the client: RFC 2866, 5.3. */
static void add_use(struct radius_request *r, const Msg__Acct *a)
{
	add_octets(r, RADIUS_ACCT_INPUT_OCTETS, RADIUS_ACCT_INPUT_GIGAWORDS, a->rx_bytes);
	add_octets(r, RADIUS_ACCT_OUTPUT_OCTETS, RADIUS_ACCT_OUTPUT_GIGAWORDS, a->tx_bytes);
	radius_add_number(r, RADIUS_ACCT_SESSION_TIME, (uint32_t)MIN(a->secs, UINT32_MAX));
	if (a->kind == ACCT_STOP)
		radius_add_number(r, RADIUS_ACCT_TERMINATE_CAUSE, cause_of(a->cause));
}

static void fill(void *ctx, struct radius_request *r, struct radius_key)
{
	static const uint32_t kinds[] = {
		[ACCT_START] = STATUS_START, [ACCT_INTERIM] = STATUS_INTERIM, [ACCT_STOP] = STATUS_STOP
	};
	const struct record *x = ctx;
	const Msg__Acct *a = x->acct;
	radius_add_text(r, RADIUS_USER_NAME, a->username);
	radius_add_number(r, RADIUS_ACCT_STATUS_TYPE, kinds[a->kind]);
	radius_add_text(r, RADIUS_ACCT_SESSION_ID, a->session_id);
	radius_add_number(r, RADIUS_ACCT_AUTHENTIC, a->n_classes > 0 ? AUTHENTIC_RADIUS : AUTHENTIC_LOCAL);
	radius_add_number(r, RADIUS_ACCT_DELAY_TIME, a->delay_s);
	radius_login_add_client(r, x->conf, x->method, a->remote_ip, a->user_agent);
	if (a->ipv4.len == 4)
		radius_add(r, RADIUS_FRAMED_IP_ADDRESS, a->ipv4.data, 4);
	if (a->ipv6.len == 16)
		radius_add(r, RADIUS_FRAMED_IPV6_ADDRESS, a->ipv6.data, 16);
	for (size_t i = 0; i < a->n_classes; i++)
		radius_add(r, RADIUS_CLASS, a->classes[i].data, a->classes[i].len);
	if (a->kind != ACCT_START)
		add_use(r, a);
}

void radius_acct(const struct radius_conf *c, const struct auth_method *m, const Msg__Acct *a, int fd)
{
	struct record record = { c, m, a };
	struct radius_ask x = { .conf = c, .role = RADIUS_ACCT, .only = -1, .fill = fill, .ctx = &record };
	char unfit[] = "the record cannot be made";
	Msg__AcctDone done = MSG__ACCT_DONE__INIT;
	done.record = a->record;
	bool is_known = a->kind == ACCT_START || a->kind == ACCT_INTERIM || a->kind == ACCT_STOP;
	enum err e = is_known ? radius_ask(&x) : ERR_RANGE;
	if (e != ERR_OK)
		done.error = e == ERR_BUSY ? x.error : unfit;
	done.silent = x.silent;
	task_tell(fd, &done.base);
}
