/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ask - what each command does: questions to keeper and supervisor, and their answers
 *
 * The functions without a message are the start of a command (cmds.def), the others receive (ipc_conf.handlers).
 * A question that stays without an answer is ended by the clock of the client (serve.c), so no command hangs.
 */
#pragma once

#include "control/job.h"
#include "ipc/ipc.h"

void ask_show_status(struct job *job);
void ask_show_users(struct job *job);
void ask_show_user(struct job *job);
void ask_show_id(struct job *job);
void ask_show_stats(struct job *job);
void ask_show_sessions_all(struct job *job);
void ask_show_sessions_valid(struct job *job);
void ask_show_session(struct job *job);
void ask_show_iroutes(struct job *job);
void ask_show_events(struct job *job);
void ask_terminate_user(struct job *job);
void ask_terminate_id(struct job *job);
void ask_terminate_session(struct job *job);
void ask_disconnect_user(struct job *job);
void ask_disconnect_id(struct job *job);
void ask_reload(struct job *job);
void ask_stop_now(struct job *job);
void ask_help(struct job *job);

/* Ask the keeper; its answer comes to a handler, which finds the job by the id.  Without a keeper the job fails. */
void ask_keeper(struct job *job, enum msg type, const ProtobufCMessage *body);

/* from the keeper */
void ask_on_list_item(struct ipc *ipc, struct ipc_msg *m);
void ask_on_disconnect_done(struct ipc *ipc, struct ipc_msg *m);
void ask_on_status_done(struct ipc *ipc, struct ipc_msg *m);

/* from the supervisor */
void ask_on_reload_done(struct ipc *ipc, struct ipc_msg *m);
void ask_on_supervisor_status_done(struct ipc *ipc, struct ipc_msg *m);

/* Learn what only the supervisor knows (name of the TUN device); once at start. */
void ask_facts(struct control *c);
