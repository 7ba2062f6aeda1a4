/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * geofilter - the file of option geofilter and those it names, as one sealed piece of memory for keeper and workers
 *
 * Owner:  the generation.  The supervisor reads the files, because only it can; it never looks an address up.
 */
#pragma once

#include "config/config.h"

struct geofilter {
	int fd;     /* sealed memfd of a struct trie (guard/trie.h); -1: the option is not set */
	size_t len;
	uint32_t prefixes_n;
};

/* Relative names in folder.  Anything wrong: problem says file, line and cure; the caller frees it. */
enum err geofilter_load(struct geofilter *out, const struct config *cfg, int folder, char **problem);
void geofilter_fini(struct geofilter *g);
/* A descriptor of its own for a child, read only; the caller closes it; -1: none. */
int geofilter_fd(const struct geofilter *g);
