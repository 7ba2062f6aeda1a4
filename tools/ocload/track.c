/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "track.h"

#include <string.h>

static_assert((TRACK_BITS & (TRACK_BITS - 1)) == 0, "bits are indexed by mask");

void track_init(struct track *t)
{
	*t = (struct track){};
}

static uint64_t *word_of(struct track *t, uint64_t seq)
{
	return &t->seen[(seq & (TRACK_BITS - 1)) / 64];
}

static uint64_t bit_of(uint64_t seq)
{
	return 1ull << (seq & 63);
}

/* The bits of the numbers from next to seq stand for numbers one ring ago. */
static void advance(struct track *t, uint64_t seq)
{
	if (seq - t->next >= TRACK_BITS)
		memset(t->seen, 0, sizeof t->seen);
	else
		for (uint64_t s = t->next; s <= seq; s++)
			*word_of(t, s) &= ~bit_of(s);
	t->next = seq + 1;
}

enum track_verdict track_add(struct track *t, uint64_t seq)
{
	if (!t->begun) {
		t->begun = true;
		t->first = t->next = seq;
	}
	if (seq >= t->next) {
		advance(t, seq);
		*word_of(t, seq) |= bit_of(seq);
		return TRACK_NEXT;
	}
	if (t->next - seq > TRACK_BITS)
		return TRACK_LATE;
	if ((*word_of(t, seq) & bit_of(seq)) != 0)
		return TRACK_TWICE;
	*word_of(t, seq) |= bit_of(seq);
	t->first = MIN(t->first, seq);
	return TRACK_REORDERED;
}

uint64_t track_expected(const struct track *t)
{
	return t->begun ? t->next - t->first : 0;
}
