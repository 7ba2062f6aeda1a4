/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int conn_io_recv(WOLFSSL *, char *to, int len, void *arg)
{
	struct scratch *io = ((struct conn *)arg)->io;
	size_t n = MIN((size_t)len, io->in_len - io->in_at);
	if (n == 0)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	memcpy(to, io->in + io->in_at, n);
	io->in_at += n;
	return (int)n;
}

int conn_io_send(WOLFSSL *, char *from, int len, void *arg)
{
	struct scratch *io = ((struct conn *)arg)->io;
	size_t n = MIN((size_t)len, SCRATCH_OUT - io->out_len);
	if (n == 0)
		return WOLFSSL_CBIO_ERR_WANT_WRITE;
	memcpy(io->out + io->out_len, from, n);
	io->out_len += n;
	return (int)n;
}

static enum err connect_tcp(struct conn *c, const struct addr *to)
{
	struct sockaddr_storage sa;
	int family = addr_is_v4(to) ? AF_INET : AF_INET6, one = 1;
	socklen_t len = addr_to_sockaddr(to, family, &sa);
	c->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return ERR_SYS;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS)
		return ERR_OK;
	return ERR_SYS;
}

static enum err make_ssl(struct conn *c, const struct tls *t, const char *name, bool verify_name)
{
	c->ssl = wolfSSL_new(t->tls);
	if (c->ssl == nullptr)
		return ERR_NOMEM;
	wolfSSL_SetIOReadCtx(c->ssl, c);
	wolfSSL_SetIOWriteCtx(c->ssl, c);
	wolfSSL_KeepArrays(c->ssl); /* for the exporter */
	if (name == nullptr)
		return ERR_OK;
	bool is_ip = strspn(name, "0123456789.") == strlen(name) || strchr(name, ':') != nullptr;
	/* The library is built without IP addresses of certificates: for those only the chain is verified. */
	if (verify_name && !is_ip && wolfSSL_check_domain_name(c->ssl, name) != WOLFSSL_SUCCESS)
		return ERR_NOMEM;
	if (!is_ip && wolfSSL_UseSNI(c->ssl, WOLFSSL_SNI_HOST_NAME, name, (unsigned short)strlen(name)) !=
			      WOLFSSL_SUCCESS)
		return ERR_NOMEM;
	return ERR_OK;
}

enum err conn_open(struct conn *c, struct scratch *io, const struct tls *t, const struct addr *to,
		   const char *servername, bool verify_name)
{
	*c = (struct conn){ .fd = -1, .io = io };
	enum err e = connect_tcp(c, to);
	if (e == ERR_OK)
		e = make_ssl(c, t, servername, verify_name);
	if (e != ERR_OK)
		conn_close(c);
	return e;
}

void conn_close(struct conn *c)
{
	wolfSSL_free(c->ssl);
	base_closep(&c->fd);
	free(c->pend);
	*c = (struct conn){ .fd = -1, .io = c->io };
}

enum err conn_connected(const struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof error;
	return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0 ? ERR_OK : ERR_SYS;
}

enum err conn_fill(struct conn *c, bool *more)
{
	struct scratch *io = c->io;
	*more = false;
	ssize_t n = recv(c->fd, io->in, SCRATCH_IN, 0);
	io->in_at = io->in_len = 0;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_BUSY : ERR_CLOSED;
	if (n == 0)
		return ERR_CLOSED;
	io->in_len = (size_t)n;
	*more = (size_t)n == SCRATCH_IN;
	return ERR_OK;
}

static enum err why(struct conn *c, int rc)
{
	c->error = wolfSSL_get_error(c->ssl, rc);
	switch (c->error) {
	case WOLFSSL_ERROR_WANT_READ:
	case WOLFSSL_ERROR_WANT_WRITE: return ERR_BUSY;
	case WOLFSSL_ERROR_ZERO_RETURN: return ERR_CLOSED;
	default: return ERR_CRYPTO;
	}
}

enum err conn_handshake(struct conn *c)
{
	int rc = wolfSSL_connect(c->ssl);
	return rc == WOLFSSL_SUCCESS ? ERR_OK : why(c, rc);
}

enum err conn_read(struct conn *c, void *to, size_t cap, size_t *n)
{
	int rc = wolfSSL_read(c->ssl, to, (int)cap);
	if (rc <= 0)
		return why(c, rc);
	*n = (size_t)rc;
	return ERR_OK;
}

enum err conn_write(struct conn *c, const void *p, size_t n)
{
	int rc = wolfSSL_write(c->ssl, p, (int)n);
	return rc == (int)n ? ERR_OK : why(c, rc);
}

/* Behind what waits already. */
static enum err keep(struct conn *c, const uint8_t *p, size_t n)
{
	uint8_t *grown = realloc(c->pend, c->pend_len + n);
	if (grown == nullptr)
		return ERR_NOMEM;
	memcpy(grown + c->pend_len, p, n);
	c->pend = grown;
	c->pend_len += n;
	return ERR_BUSY;
}

static enum err send_some(struct conn *c, const uint8_t *p, size_t n, size_t *sent)
{
	ssize_t done = send(c->fd, p, n, MSG_NOSIGNAL);
	if (done < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
		return ERR_CLOSED;
	*sent = done > 0 ? (size_t)done : 0;
	return ERR_OK;
}

enum err conn_flush(struct conn *c)
{
	size_t sent = 0;
	if (c->pend_len > 0) {
		TRY(send_some(c, c->pend, c->pend_len, &sent));
		memmove(c->pend, c->pend + sent, c->pend_len - sent);
		c->pend_len -= sent;
		if (c->pend_len == 0) {
			free(c->pend);
			c->pend = nullptr;
		}
	}
	size_t n = c->io->out_len;
	c->io->out_len = 0;
	if (c->pend_len > 0)
		return n > 0 ? keep(c, c->io->out, n) : ERR_BUSY;
	sent = 0;
	if (n > 0)
		TRY(send_some(c, c->io->out, n, &sent));
	return sent < n ? keep(c, c->io->out + sent, n - sent) : ERR_OK;
}
