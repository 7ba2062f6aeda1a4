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
constexpr int TUN_VNET_HDR_LEN = 10; /* struct virtio_net_hdr */

struct tun {
	char name[IFNAMSIZ];
	uint32_t mtu;
	unsigned
		offloads; /* TUN_F_...: super-packets that the kernel gives and takes; 0: ordinary packets only */
	unsigned queues_n;
	int fds[TUN_QUEUES_MAX];
};

/* Creates <prefix>0, or the next free number, with the best offloads that the kernel has if wanted.  What fails is logged
 * with its cure. */
enum err tun_open(struct tun *t, const char *prefix, unsigned queues_n, bool want_offloads);
/* "tso+uso", "tso", "off" */
const char *tun_offloads_text(const struct tun *t);
void tun_close(struct tun *t);
