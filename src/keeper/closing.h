/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * closing - the end of a connection as its worker tells it: taken, written, and then confirmed
 *
 * The worker says it again to the next keeper until it is confirmed, so that the death of a keeper loses no record of accounting. Said
 * twice it counts once.  Without a store, or while that cannot be written, it is confirmed at once.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "ipc/ipc.h"

struct keeper;
struct closing_row;

struct closings {
	struct closing_row *head,
		**tail; /* in the order of their numbers; head nullptr: tail is of no meaning */
};

/* MSG_CLOSED of a worker */
void closing_on_closed(struct ipc *ipc, struct ipc_msg *m);
/* The store is further than it was. */
void closing_confirm(struct keeper *k);
void closing_fini(struct keeper *k);
