/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * generation - one state of the configuration: its text, what it means, and the certificates that the keeper found in it
 *
 * Owner:  the supervisor: the one in force, and during a reload the next one.
 */
#pragma once

#include "config/config.h"
#include "ipc/messages.pb-c.h"
#include "supervisor/geofilter.h"
#include "supervisor/profiles.h"

constexpr size_t GENERATION_TEXT_MAX = 1024 * 1024;

struct generation {
	uint32_t number; /* 0: none */
	struct config *config;
	int text;        /* sealed memfd */
	uint8_t *certs;  /* packed Certs; nullptr until the keeper sent them */
	size_t certs_len;
	struct geofilter geo;     /* the same */
	struct profiles profiles; /* empty until generation_load_profiles */
};

/* Reads and parses the file.  ERR_CONFIG or ERR_SYS: problems says why (a line each), *out is not written.
 * Warnings are in problems also on ERR_OK.  The caller frees problems. */
enum err generation_load(struct generation *out, const char *file, uint32_t number, char **problems);
/* The files of user-profile and geofilter, relative names in folder (a descriptor).  On failure problem says why; the caller frees it. */
enum err generation_load_profiles(struct generation *g, int folder, char **problem);
void generation_fini(struct generation *g);
static inline bool generation_is_loaded(const struct generation *g)
{
	return g->number != 0;
}

/* A descriptor of its own for a child: own position, read only.  The caller closes it; -1 on failure. */
int generation_text_fd(const struct generation *g);

enum err generation_set_certs(struct generation *g, const Msg__Certs *certs);
/* For ipc_send; the caller frees with msg__certs__free_unpacked.  nullptr: none, or no memory. */
Msg__Certs *generation_certs(const struct generation *g);
bool generation_same_certs(const struct generation *g, const Msg__Certs *certs);

/* The file that FileGet names; nullptr if the configuration has no such. */
const char *generation_file(const struct generation *g, const Msg__FileGet *want);
