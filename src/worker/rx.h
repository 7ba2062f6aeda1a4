/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rx - from the client: one frame of either channel, checked, joined with its neighbours of the same flow, written to the TUN queue
 *
 * Owner:    the worker (struct worker.coalesce); packets stay in the receive buffers until rx_flush.
 */
#pragma once

#include "base/base.h"

struct session;
struct worker;

enum rx_via : uint8_t { RX_TLS = 1, RX_UDP };

/* payload may be changed in place; type as in wire/cstp.h. */
void rx_frame(struct session *s, enum rx_via via, uint8_t type, uint8_t *payload, size_t len);
/* Write what the batch has collected; frames of rx_frame must lie where they are until then. */
void rx_flush(struct worker *w);
/* A packet of our own (ICMP) into the TUN queue, at once. */
void rx_write_tun(struct worker *w, const uint8_t *packet, size_t len);
