/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_queue - one thread that does slow work in order, and brings each piece back to the loop
 *
 * Owner:    a back end (auth_backend.c); made and freed on the loop thread.
 * Runs in:  push and done on the loop thread, run on the queue's own thread.
 */
#pragma once

#include <uv.h>

#include "base/base.h"

struct auth_queue;

struct auth_work {
	struct auth_work *next;
	void (*run)(struct auth_work *w);  /* on the thread; may block */
	void (*done)(
		struct auth_work
			*w); /* on the loop, once; frees w.  Also called, without run, when the queue ends */
};

constexpr unsigned AUTH_QUEUE_MAX = 4096; /* pieces that wait */

enum err auth_queue_new(struct auth_queue **out, uv_loop_t *loop);
/* What still waits is handed to done without having run; waits for the piece that is running. */
void auth_queue_free(struct auth_queue *q);

/* ERR_FULL: too much waits already; w stays the caller's. */
enum err auth_queue_push(struct auth_queue *q, struct auth_work *w);
