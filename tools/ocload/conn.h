/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conn - a TLS connection that never blocks and gathers its writes
 *
 * What the library writes goes into the scratch of the thread; conn_flush sends it with one system call, and keeps what the
 * socket does not take.  So flush before another connection of the thread writes.
 *
 * Owner:  the client.
 * Runs in: the thread of the client.
 */
#pragma once

#include "tls.h"

constexpr size_t SCRATCH_IN = 256 * 1024;
constexpr size_t SCRATCH_OUT = 1024 * 1024;
constexpr size_t SCRATCH_PLAIN = 32 * 1024;

/* One for each thread; nothing in it outlives a call from the loop. */
struct scratch {
	size_t in_at, in_len, out_len;
	uint8_t in[SCRATCH_IN];
	uint8_t out[SCRATCH_OUT];
	uint8_t plain[SCRATCH_PLAIN];
};

struct conn {
	int fd; /* -1: none */
	WOLFSSL *ssl;
	struct scratch *io;
	uint8_t *pend; /* what the socket did not take */
	size_t pend_len;
	int error; /* the library's last */
};

int conn_io_recv(WOLFSSL *ssl, char *to, int len, void *arg);
int conn_io_send(WOLFSSL *ssl, char *from, int len, void *arg);

/* Begin to connect; servername nullptr: none is asked for or verified. */
enum err conn_open(struct conn *c, struct scratch *io, const struct tls *t, const struct addr *to,
		   const char *servername, bool verify_name);
void conn_close(struct conn *c);
/* After the descriptor became writable for the first time. */
enum err conn_connected(const struct conn *c);

/* Take from the socket what is there.  ERR_BUSY: nothing; ERR_CLOSED.  *more: there may be still more. */
enum err conn_fill(struct conn *c, bool *more);
/* ERR_BUSY: more bytes are needed. */
enum err conn_handshake(struct conn *c);
enum err conn_read(struct conn *c, void *to, size_t cap, size_t *n);
/* One record. */
enum err conn_write(struct conn *c, const void *p, size_t n);
/* ERR_BUSY: some was kept; wait until the descriptor is writable. */
enum err conn_flush(struct conn *c);

static inline bool conn_is_stuck(const struct conn *c)
{
	return c->pend_len > 0;
}
