/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * users - names and passwords of the clients
 *
 * Owner:  main; constant while threads run.
 */
#pragma once

#include "options.h"

struct users {
	char *text; /* the file, cut into strings */
	size_t n;
	struct users_row {
		const char *name, *password;
	} *rows;
	const char *pattern; /* without a file */
	char password[512];
	uint64_t first;
};

/* The reason of a failure was written to standard error. */
enum err users_init(struct users *u, const struct options *o);
void users_fini(struct users *u);

/* Name of the client with that index into out; its password is returned. */
const char *users_of(const struct users *u, uint32_t index, char *out, size_t cap);
