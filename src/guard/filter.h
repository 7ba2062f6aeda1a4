/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * filter - a mapping of the trie that the supervisor sealed; belongs to one generation of the configuration
 *
 * Owner:    the generation of a worker, the edition of the keeper.
 */
#pragma once

#include "guard/trie.h"

struct filter {
	const struct trie *trie; /* nullptr: none, and trie_find finds nothing */
	size_t len;
};

/* len 0: there is none.  ERR_SYS; ERR_PROTO: it is no trie.  fd stays the caller's. */
enum err filter_map(struct filter *f, int fd, size_t len);
void filter_unmap(struct filter *f);
