/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * board - who is shut out now, in shared memory: the keeper writes, workers read at each connection
 *
 * A reader asks nobody and takes no lock: a hash for each length of prefix in use, eight places at each.  A place has a number that
 * changes with each writing; a reader that sees two different ones looks again.  Entries carry their end, so none has to be taken away in time.
 *
 * The supervisor keeps the memory: a new keeper finds the entries of the one before, and workers never miss one.
 *
 * Owner:    the supervisor makes it, the keeper alone writes, workers map it read only.
 * Runs in:  the loop threads.
 */
#pragma once

#include <stdatomic.h>

#include "base/clock.h"
#include "guard/range.h"

constexpr uint32_t BOARD_WAYS = 8, BOARD_BUCKETS = 4096;
constexpr unsigned BOARD_BANS_MAX = 16'384,
		   BOARD_BLOCKS_MAX = 1024; /* half of the places: buckets rarely run over */
constexpr uint64_t BOARD_FOR_EVER = UINT64_MAX;

enum board_kind : uint8_t {
	BOARD_NONE,
	BOARD_BAN,   /* by points, failures or rate: ends by itself */
	BOARD_BLOCK, /* by the administrator */
};

struct board_slot {
	_Atomic uint64_t info; /* kind | length << 8 | number << 16 | score << 32; partner: see board_find */
	_Atomic uint64_t hi, lo;
	_Atomic uint64_t until_ns; /* CLOCK_MONOTONIC; BOARD_FOR_EVER */
	_Atomic uint64_t since; /* unix */
};

struct board {
	uint64_t magic, seed; /* written before the first keeper starts */
	_Atomic uint64_t lengths[3]; /* bit: there are entries of this length */
	alignas(64) struct board_slot slots[BOARD_BUCKETS * BOARD_WAYS];
};

struct board_entry {
	enum board_kind kind;
	struct range range;
	uint64_t until_ns;
	uint64_t since; /* unix */
	uint32_t score;
};

/* The maker: fresh memory of sizeof(struct board). */
void board_format(struct board *b, uint64_t seed);
/* A mapping of it; ERR_PROTO: it is none, or of another version. */
enum err board_check(const struct board *b);

/* The entry with the longest prefix that covers the address; false: none.  Any process. */
bool board_find(const struct board *b, const struct range *address, struct mono now, struct board_entry *out);

/* The entry of exactly this range, over or not. */
bool board_get(const struct board *b, const struct range *r, struct board_entry *out);

/* {{ the one writer }} */

struct board_writer {
	struct board *b;
	uint32_t per_length[129];
};
/* Counts what is there, and drops what is over. */
void board_open(struct board_writer *w, struct board *b, struct mono now);
/* Add, or change the one of the same range.  ERR_FULL: no place. */
enum err board_put(struct board_writer *w, const struct board_entry *e, struct mono now);
/* false: it was not there. */
bool board_drop(struct board_writer *w, const struct range *r);
/* Entries that are not over, in any order. */
void board_each(const struct board *b, struct mono now, void (*each)(void *ctx, const struct board_entry *e),
		void *ctx);
