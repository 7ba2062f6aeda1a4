/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_msg - a session as a message, and back; everything is borrowed from the session or the message */
#pragma once

#include "ipc/messages.pb-c.h"
#include "keeper/session.h"

void session_msg_fill(Msg__Session *out, const struct session *s);
/* For the administrator: with the texts of the user's own options. */
void session_msg_fill_listed(Msg__Session *out, const struct session *s);
void session_msg_fill_route(Msg__Route *out, const struct session *s, bool gone);

/* ERR_PROTO: lengths are wrong. */
enum err session_msg_read(struct session_report *out, const Msg__Session *m, uint32_t worker);

/* For the store: times by the clock of the wall; a session that never had a connection has sid 0. */
void session_msg_fill_stored(Msg__Session *out, const struct session *s);
enum err session_msg_read_stored(struct session_report *out, const Msg__Session *m, uint32_t worker);
