/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall - what survives the keeper: its sessions go to the store as they change, and come back at its start
 *
 * Order of writing: a client gets its cookie when the session is written (recall_holds), so that no end of a process costs a login.  A
 * disk that takes longer than RECALL_LATE_MS does not hold up logins: they are answered, counted as late, and written when it can.
 * All else is written soon after it happened.
 *
 * Stored: hash of the cookie, names, addresses, times, public keys of STRAP, the session id of DTLS, sums of bytes.  Never: a cookie,
 * a password, a key of TLS or DTLS.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "ipc/messages.pb-c.h"
#include "keeper/auth.h"
#include "keeper/session.h"
#include "keeper/store.h"

constexpr int RECALL_FOLDER_FD = 4; /* the state-dir, from the supervisor; may be missing */
constexpr uint32_t RECALL_LATE_MS = 500, RECALL_ALIVE_S = 5;

struct keeper;
struct recall_held;

struct recall {
	struct store *store; /* nullptr: memory only */
	enum err why;        /* it could not be opened */
	struct recall_held *head, **tail; /* logins whose cookie is being written */
	uint64_t last;                    /* number of the last change */
	uint64_t first_sid;               /* of this keeper */
	uint64_t late;
	struct mono alive_at;             /* next sign of life */
};

/* Before the sandbox. */
void recall_open(struct recall *r);
/* The first configuration is in force: sessions come back. */
void recall_load(struct keeper *k);
/* The workers have said what they have. */
void recall_settle(struct keeper *k);
void recall_tick(struct keeper *k, struct mono now);
/* All is written; nothing that happens to sessions afterwards counts. */
void recall_fini(struct keeper *k);

/* true: the answer waits for its session to be written, and is sent then. */
bool recall_holds(struct recall *r, const struct auth_ticket *t, const Msg__AuthDone *done, struct mono now);
void recall_status(const struct recall *r, Msg__KeeperStatus *out);

/* All changes up to this number are written, or never will be. */
uint64_t recall_done(const struct recall *r);
/* A connection of which a worker tells that it has begun and ended while there was no keeper. */
void recall_began(struct recall *r, const Msg__Session *m, const struct session_report *in);

/* Of struct session_ops; ctx is the keeper. */
void recall_put(void *ctx, const struct session *s);
void recall_drop(void *ctx, const struct session *s);
void recall_begun(void *ctx, const struct session *s);
void recall_ended(void *ctx, const struct session_over *e);
