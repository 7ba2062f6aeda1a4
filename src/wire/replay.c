/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/replay.h"

static_assert((REPLAY_BITS & (REPLAY_BITS - 1)) == 0, "words are indexed by mask");
static_assert(REPLAY_BITS % 64 == 0 && REPLAY_BITS > 64);

static bool too_old(const struct replay *r, uint64_t seq)
{
	return r->top >= REPLAY_WINDOW && seq <= r->top - REPLAY_WINDOW;
}

/* The word that holds seq. */
static size_t word_of(uint64_t seq)
{
	return seq / 64 & (REPLAY_BITS / 64 - 1);
}

static bool is_seen(const struct replay *r, uint64_t seq)
{
	return (r->seen[word_of(seq)] >> seq % 64 & 1) != 0;
}

/* Top moves up to seq: the words in between belonged to numbers that are too old now. */
static void advance(struct replay *r, uint64_t seq)
{
	uint64_t words = seq / 64 - r->top / 64;
	for (uint64_t i = 1; i <= MIN(words, REPLAY_BITS / 64); i++)
		r->seen[word_of(r->top + i * 64)] = 0;
	r->top = seq;
}

void replay_init(struct replay *r)
{
	*r = (struct replay){};
}

enum err replay_check(const struct replay *r, uint64_t seq)
{
	if (seq > r->top)
		return ERR_OK;
	return too_old(r, seq) || is_seen(r, seq) ? ERR_REPLAY : ERR_OK;
}

enum err replay_accept(struct replay *r, uint64_t seq)
{
	TRY(replay_check(r, seq));
	if (seq > r->top)
		advance(r, seq);
	r->seen[word_of(seq)] |= (uint64_t)1 << seq % 64;
	return ERR_OK;
}
