/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate - may this address knock?  Asked at each connection before a byte of it is read, answered from shared memory
 *
 * Who is banned stands on the board that the keeper writes (guard/board.h); nobody is asked and nothing waits.  What comes in, and
 * what leaves without having proven anything, is counted here and told to the keeper some 20 times a second.
 *
 * Owner:    the worker.
 */
#pragma once

#include <uv.h>

#include "base/addr.h"
#include "guard/board.h"

constexpr size_t GATE_SEEN_MAX = 64;      /* addresses in one message */
constexpr uint64_t GATE_TELL_MS = 50;

struct worker;
struct conn;

/* Shared by all workers: rate-limit-ms is of the whole server. */
struct gate_turn {
	_Atomic uint64_t
		next_ns; /* CLOCK_MONOTONIC; one who takes the turn writes when the next one is (compare and swap) */
};

struct gate_seen {
	struct addr ip; /* without port */
	uint32_t accepted, fruitless;
};

struct gate {
	const struct board *board; /* nullptr: there is none */
	struct gate_turn *turn;
	uv_timer_t tell, wait;
	struct gate_seen seen[GATE_SEEN_MAX];
	size_t seen_n;
	struct mono log_at; /* no line before */
	unsigned silent_n; /* refusals since the last line */
};

/* Maps what the supervisor gave; the descriptors stay the caller's. */
enum err gate_map(struct gate *g, int board, int turn);
enum err gate_start(struct worker *w);
void gate_stop(struct worker *w);

/* false: it is to be closed without a word; counted and logged here. */
bool gate_admits(struct worker *w, const struct addr *remote);
/* It is in: it counts, and so does its end. */
void gate_entered(struct conn *c);
void gate_left(struct conn *c);

/* May a connection be accepted now (rate-limit-ms)?  false: the sockets are left alone until it may. */
bool gate_takes_turn(struct worker *w);
