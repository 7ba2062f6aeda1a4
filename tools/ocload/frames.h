/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * frames - what comes out of a tunnel: frames of CSTP, records of DTLS
 *
 * Runs in: the hand's thread.
 */
#pragma once

#include "client.h"

/* Bytes of the TLS connection.  ERR_CLOSED: the server has ended the session; ERR_PROTO. */
enum err frames_take(struct client *c, const uint8_t *p, size_t n);
/* A datagram of a channel that is up; opened in place.  ERR_CLOSED: the server has closed the channel. */
enum err frames_take_datagram(struct client *c, uint8_t *p, size_t n);
