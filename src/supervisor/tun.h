/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tun - the one TUN device, a queue for each worker
 *
 * Owner:   the supervisor; the device lives as long as one of the queues is open, so a worker that dies takes nothing with it.
 * Never:   reads or writes a packet.
 */
#pragma once

#include <net/if.h>

#include "base/base.h"

constexpr unsigned TUN_QUEUES_MAX = 64;
/* Super-packets of the kernel that a worker can take apart; 0: each read is one packet with its checksum complete.
 * TODO(#3): TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, and USO where the kernel has it, when tun-offload is set. */
constexpr unsigned TUN_OFFLOADS = 0;
constexpr int TUN_VNET_HDR_LEN = 10; /* struct virtio_net_hdr */

struct tun {
	char name[IFNAMSIZ];
	uint32_t mtu;
	unsigned queues_n;
	int fds[TUN_QUEUES_MAX];
};

/* Creates <prefix>0, or the next free number.  What fails is logged with its cure. */
enum err tun_open(struct tun *t, const char *prefix, unsigned queues_n);
void tun_close(struct tun *t);
