/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tx - to the client: packets of the TUN queue, over the newest working channel
 *
 * Owner:    the worker; packets of one batch lie in buffers of its own, with room for record and frame around them.
 */
#pragma once

#include "base/base.h"

struct worker;

enum err tx_start(struct worker *w);
void tx_fini(struct worker *w);
/* An inner packet that a sibling read from its queue. */
void tx_handed_over(struct worker *w, const uint8_t *packet, size_t len);
/* Send what the batch has sealed, and let the TLS connections of the batch write. */
void tx_flush(struct worker *w);
