/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guardmem - the memory in which keeper and workers share who may knock; it outlives both
 *
 * Owner:  the supervisor, which never reads it.
 */
#pragma once

#include "base/base.h"

struct guardmem {
	int board;      /* memfd of struct board, for the keeper; -1: there is none */
	int board_read; /* the same, read only, for workers */
	int turn;       /* memfd of a page for rate-limit-ms, which all workers write */
};

/* ERR_SYS: told; the server works without: nobody is banned. */
enum err guardmem_init(struct guardmem *g);
void guardmem_fini(struct guardmem *g);
