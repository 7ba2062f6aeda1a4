/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * staple - OCSP responses (option ocsp-response): read again and again, and sent to the workers while they are valid
 *
 * Something outside renews the file, for instance a timer that runs "openssl ocsp"; it is looked at twice a minute.  A file
 * that cannot be read or is no response leaves the last good one in use until that expires; then nothing is stapled.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "base/clock.h"
#include "ipc/ipc.h"
#include "keeper/ocsp.h"

constexpr uint64_t STAPLE_LOOK_S = 30;

struct keeper;

struct staple {
	uint32_t vhost;     /* index in the configuration in force */
	uint32_t id;        /* of the FILE_GET under way; 0: none */
	uint8_t *response;  /* the last good one; nullptr: none yet */
	size_t response_len;
	struct ocsp_info info;
	bool is_sent;       /* workers have it */
	bool is_old_told, is_bad_told; /* one warning each, until it is well again */
};

struct staples {
	struct staple *v;
	size_t n;
	struct mono look_at;
};

/* What is wrong with the content of a file, static, with the cure; nullptr: nothing. */
const char *staple_problem(const uint8_t *p, size_t len);

/* A configuration came into force: begin with its files. */
void staple_reset(struct keeper *k);
void staple_tick(struct keeper *k, struct mono now);
/* The answer to one of our FILE_GET?  Then it was used. */
bool staple_answered(struct keeper *k, struct ipc_msg *m);
/* To a worker that has just connected. */
void staple_send(const struct keeper *k, struct ipc *worker);
void staple_fini(struct staples *s);
