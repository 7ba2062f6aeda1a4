/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * restore - a keeper that is new beside workers that are not: first hear what tunnels there are, then grant new ones
 *
 * Until each worker has ended its report, or for RESTORE_MS, requests for tunnels wait here.
 *
 * Owner:    struct keeper.
 */
#pragma once

#include "base/clock.h"
#include "ipc/ipc.h"

constexpr uint32_t RESTORE_MS = 1500;
constexpr unsigned RESTORE_OPENS_MAX = 8192;

struct keeper;

/* An Open that waits, as it came. */
struct restore_open {
	struct restore_open *next;
	uint32_t worker, id;
	uint64_t channel;
	size_t len;
	uint8_t bytes[];
};

struct restore {
	bool is_done;
	struct mono until;
	uint64_t ended[2]; /* bit a worker: its report is complete */
	struct restore_open *head, **tail;
	unsigned opens_n;
	unsigned sessions_n; /* restored, for the log */
};

void restore_begin(struct keeper *k, struct mono now);
void restore_fini(struct keeper *k);

/* MSG_REPORT */
void restore_on_report(struct ipc *ipc, struct ipc_msg *m);

/* true: the request waits and will be answered later; false: go on with it. */
bool restore_holds(struct keeper *k, struct ipc *ipc, const struct ipc_msg *m);
void restore_tick(struct keeper *k, struct mono now);
