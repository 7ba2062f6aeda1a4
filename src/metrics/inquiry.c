/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/inquiry.h"

#include <stdlib.h>

#include "base/log.h"
#include "metrics/metrics.h"

/* A message of our own from one that lives as long as its handler; nullptr: no memory. */
static void *copy_of(const ProtobufCMessage *m)
{
	uint8_t *bytes OWNED(base_freep) = malloc(protobuf_c_message_get_packed_size(m) + 1);
	if (bytes == nullptr)
		return nullptr;
	size_t len = protobuf_c_message_pack(m, bytes);
	return protobuf_c_message_unpack(m->descriptor, nullptr, len, bytes);
}

static void forget_supervisor(struct inquiry *q)
{
	if (q->supervisor != nullptr)
		msg__supervisor_status__free_unpacked(TAKE(q->supervisor), nullptr);
}

static void forget_keeper(struct inquiry *q)
{
	if (q->keeper != nullptr)
		msg__keeper_status__free_unpacked(TAKE(q->keeper), nullptr);
	if (q->guard != nullptr)
		msg__guard_status__free_unpacked(TAKE(q->guard), nullptr);
}

static bool is_waiting(const struct inquiry *q)
{
	return q->supervisor_id != 0 || q->keeper_id != 0 || q->guard_id != 0;
}

static void advance(struct metrics *m)
{
	if (is_waiting(&m->inquiry))
		return;
	uv_timer_stop(&m->inquiry.timer);
	httpd_told(m);
}

static void on_late(uv_timer_t *timer)
{
	struct inquiry *q = CONTAINER_OF(timer, struct inquiry, timer);
	struct metrics *m = CONTAINER_OF(q, struct metrics, inquiry);
	log_warn("metrics.late supervisor=%d keeper=%d guard=%d", q->supervisor_id != 0, q->keeper_id != 0,
		 q->guard_id != 0);
	if (q->supervisor_id != 0)
		forget_supervisor(q);
	if (q->keeper_id != 0 || q->guard_id != 0)
		forget_keeper(q);
	q->supervisor_id = q->keeper_id = q->guard_id = 0;
	advance(m);
}

/* The id of the question; 0: it cannot be asked. */
static uint32_t ask(struct ipc *ipc, enum msg type)
{
	Msg__Empty empty;
	msg__empty__init(&empty);
	if (ipc == nullptr || !ipc_is_alive(ipc))
		return 0;
	const uint32_t id = ipc_next_id(ipc);
	return ipc_send(ipc, type, id, &empty.base, nullptr, 0) == ERR_OK ? id : 0;
}

bool inquiry_begin(struct metrics *m)
{
	struct inquiry *q = &m->inquiry;
	const struct mono now = clock_now();
	if (is_waiting(q))
		return false;
	if (q->at.ns != 0 && !clock_is_past(now, clock_add_ms(q->at, INQUIRY_FRESH_MS)))
		return true;
	q->at = now;
	q->supervisor_id = ask(m->supervisor, MSG_SUPERVISOR_STATUS);
	q->keeper_id = ask(m->keeper, MSG_STATUS);
	q->guard_id = ask(m->keeper, MSG_GUARD_STATUS);
	uv_timer_start(&q->timer, on_late, INQUIRY_PATIENCE_MS, 0);
	return !is_waiting(q);
}

void inquiry_keeper_lost(struct metrics *m)
{
	forget_keeper(&m->inquiry);
	m->inquiry.keeper_id = m->inquiry.guard_id = 0;
	advance(m);
}

void inquiry_on_supervisor(struct ipc *ipc, struct ipc_msg *msg)
{
	struct metrics *m = ipc_owner(ipc);
	if (msg->id != m->inquiry.supervisor_id)
		return; /* it came too late */
	forget_supervisor(&m->inquiry);
	m->inquiry.supervisor = copy_of(msg->body);
	m->inquiry.supervisor_id = 0;
	advance(m);
}

void inquiry_on_keeper(struct ipc *ipc, struct ipc_msg *msg)
{
	struct metrics *m = ipc_owner(ipc);
	struct inquiry *q = &m->inquiry;
	if (msg->id != q->keeper_id)
		return;
	if (q->keeper != nullptr)
		msg__keeper_status__free_unpacked(TAKE(q->keeper), nullptr);
	q->keeper = copy_of(msg->body);
	q->keeper_id = 0;
	advance(m);
}

void inquiry_on_guard(struct ipc *ipc, struct ipc_msg *msg)
{
	struct metrics *m = ipc_owner(ipc);
	struct inquiry *q = &m->inquiry;
	if (msg->id != q->guard_id)
		return;
	if (q->guard != nullptr)
		msg__guard_status__free_unpacked(TAKE(q->guard), nullptr);
	q->guard = copy_of(msg->body);
	q->guard_id = 0;
	advance(m);
}

enum err inquiry_init(struct metrics *m)
{
	return uv_timer_init(m->loop, &m->inquiry.timer) == 0 ? ERR_OK : ERR_SYS;
}

void inquiry_fini(struct metrics *m)
{
	forget_supervisor(&m->inquiry);
	forget_keeper(&m->inquiry);
	if (!uv_is_closing((uv_handle_t *)&m->inquiry.timer))
		uv_close((uv_handle_t *)&m->inquiry.timer, nullptr);
}
