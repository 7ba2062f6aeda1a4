/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kit - what belongs to the place of a worker and outlives the process in it: its inbox and its counters
 *
 * Sockets are in listen, queues in tun; both outlive the process as well.
 *
 * Owner:  the supervisor.
 */
#pragma once

#include "base/base.h"

struct kit {
	int inbox_read;  /* datagram pair: packets that other workers hand over */
	int inbox_write;
	int stats;       /* memfd of struct stats_region */
	int stats_read;  /* the same, read only, for control */
	unsigned cpu;
};

enum err kit_init(struct kit *k, unsigned index, uint32_t stats_slots_n);
void kit_fini(struct kit *k);

/* Processors we may run on. */
unsigned kit_cpus(void);
