/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dtls_resume - DTLS by faked resumption, for Cisco's clients and older openconnect (protocol.md 16.1); bytes are wire/resume's
 *
 * As in dtls.h: no state before the client's address has proven itself by a cookie, a slot beside the live channel, and the channel
 * is replaced when the client's Finished is verified.  The cookie costs a round trip that ocserv does without, but a hello with a
 * forged source would else take over the datagrams of the client that lives there.  Cisco's own server sends one too.
 *
 * Owner:    the session.
 * Runs in:  the worker.
 */
#pragma once

#include "wire/dtls.h"
#include "worker/udp.h"

constexpr size_t DTLS_HELLOS = 8; /* accepted hellos that a session knows again */

struct dtls_resume;

/* A ClientHello that names this session, whose mode is RESUME_FAKE. */
void dtls_resume_hello(struct session *s, const struct datagram *d);
/* A record of d that is no application data.  true: it was of our handshake, the next record of the datagram may follow. */
bool dtls_resume_feed(struct session *s, struct datagram *d, const struct dtls_record *r);
/* Once a second: retransmissions, and handshakes that take too long. */
void dtls_resume_tick(struct session *s);
/* End the handshake, if there is one. */
void dtls_resume_drop(struct session *s);
bool dtls_resume_uses(const struct session *s, const struct udp_peer *peer);
