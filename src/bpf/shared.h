/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shared - keys and values of the maps of the steering programs, for the kernel's side and ours
 *
 * Two maps are written by the keeper, which gets their descriptors in KEEPER_START (in this order):
 *   inner    struct steer_inner -> struct steer_worker   who owns an address inside the tunnel
 *   app_ids  struct steer_app_id -> struct steer_worker  who owns a DTLS session id
 * The others belong to the programs and the supervisor.
 */
#pragma once

#include <linux/types.h>

#define STEER_WORKERS_MAX 128  /* sockets of one address */
#define STEER_ADDRESSES_MAX (1 << 18)
#define STEER_SESSIONS_MAX (1 << 17)
#define STEER_FLOWS_MAX (1 << 16)
#define STEER_PREFIXES_MAX 4   /* different lengths of ipv6-subnet-prefix */
#define STEER_APP_ID_LEN 32

/* IPv4 as ::ffff:a.b.c.d.  A client with a whole IPv6 prefix has one entry: the prefix with zeros behind it. */
struct steer_inner {
	__u8 addr[16];
};

struct steer_app_id {
	__u8 id[STEER_APP_ID_LEN];
};

/* Outer source of a client whose ClientHello carried a known session id. */
struct steer_flow {
	__u8 addr[16]; /* IPv4 as above */
	__be16 port;
	__u16 zero; /* keys are compared as bytes */
};

struct steer_worker {
	__u32 index;
};

static_assert(sizeof(struct steer_inner) == 16, "key of inner");
static_assert(sizeof(struct steer_app_id) == 32, "key of app_ids");
static_assert(sizeof(struct steer_flow) == 20, "key of flows: no padding");
static_assert(sizeof(struct steer_worker) == 4, "value of all");
