/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usage - what metrics shows of the keeper beyond numbers: pools, ends of certificates, how back ends answer
 *
 * Owner:    the caller; the message points into it, so usage_fini comes after the message was sent.
 * Runs in:  the loop thread.
 */
#pragma once

#include "ipc/ipc.h"

struct keeper;

constexpr size_t USAGE_POOLS_MAX = 64, USAGE_CERTS_MAX = 256; /* more are not told */

struct usage;

/* Fill in what the message has of it.  ERR_NOMEM: it has nothing. */
enum err usage_new(struct usage **out, const struct keeper *k, Msg__KeeperStatus *m);
void usage_freep(struct usage **u);
