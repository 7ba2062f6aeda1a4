/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rx - from the client: one frame of either channel, checked and written to the TUN queue */
#pragma once

#include "base/base.h"

struct session;
struct worker;

enum rx_via : uint8_t { RX_TLS = 1, RX_UDP };

/* payload may be changed in place; type as in wire/cstp.h. */
void rx_frame(struct session *s, enum rx_via via, uint8_t type, uint8_t *payload, size_t len);
/* A packet of our own (ICMP) into the TUN queue. */
void rx_write_tun(struct worker *w, const uint8_t *packet, size_t len);
