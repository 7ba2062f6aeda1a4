/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tx - to the client: packets of the TUN queue, over the newest working channel
 *
 * A read is one packet or a super-packet of up to 64 KB.  Its segments are written straight into the places of their records in an arena,
 * sealed there, and leave in trains (udp_queue) when the arena is full or the queue empty.
 *
 * Owner:    the worker; arena and read buffer are the worker's, not the session's.
 */
#pragma once

#include <linux/virtio_net.h>

#include "base/base.h"

struct worker;

enum err tx_start(struct worker *w);
void tx_fini(struct worker *w);
/* An inner (super-)packet that a sibling read from its queue. */
void tx_handed_over(struct worker *w, const struct virtio_net_hdr *vnet, uint8_t *packet, size_t len);
/* Send what the batch has sealed, and let the TLS connections of the batch write. */
void tx_flush(struct worker *w);
