/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve - what workers ask: SIGN, AUTH, OPEN, CLOSED, LOGOUT; and what the keeper tells them on its own
 *
 * Runs in:  the loop thread.
 */
#pragma once

#include "ipc/ipc.h"

struct keeper;
struct auth_ticket;

/* A channel to a worker came (PEER).  Takes fd. */
void serve_connect(struct keeper *k, unsigned worker, int fd);
void serve_disconnect(struct keeper *k, unsigned worker);

/* Answer a login, unless who asked is gone. */
void serve_auth_done(const struct keeper *k, const struct auth_ticket *t, const Msg__AuthDone *done);

/* By name: a worker may be a generation ahead of or behind us, and numbers change with a reload.  UINT32_MAX: there is none. */
uint32_t serve_vhost_index(const struct keeper *k, const char *name);

/* Tell the supervisor that this peer broke the rules of messages. */
void serve_report_violation(struct keeper *k, enum ipc_role role, unsigned index);
