/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base - the few words every file of the project uses
 *
 * Knows nothing of VPNs and includes nothing above itself.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/param.h> /* MIN, MAX */

#include "base/err.h"

/* The variable is passed by address to f when it leaves scope. */
#define OWNED(f) [[gnu::cleanup(f)]]

/* Move a pointer out of its variable, so that the variable's cleanup finds nullptr. */
#define TAKE(p)                   \
	({                        \
		auto take_ = (p); \
		(p) = nullptr;    \
		take_;            \
	})

/* Leave the function with the error of e; the only macro that hides a return. */
#define TRY(e)                       \
	do {                         \
		enum err err_ = (e); \
		if (err_ != ERR_OK)  \
			return err_; \
	} while (0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

/* free() through a pointer to the variable, for OWNED(base_freep). */
void base_freep(void *pp);
/* close() through a pointer to the descriptor, for OWNED(base_closep); -1 is left alone. */
void base_closep(int *fd);
