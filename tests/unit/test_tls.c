/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/tls.h"

/* Output only: no library object is needed. */
static struct tls stream(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	return (struct tls){ .fd = pair[0] };
}

static void end(struct tls *t, int pair[2])
{
	free(t->out);
	close(pair[0]);
	close(pair[1]);
}

/* The bytes count up, so that one lost or doubled shows. */
static void fill(uint8_t *p, size_t len, uint8_t *next)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (*next)++;
}

static size_t drain(int fd, size_t most, uint8_t *expect)
{
	uint8_t got[16384];
	ssize_t n = recv(fd, got, MIN(most, sizeof got), MSG_DONTWAIT);
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(got[i], (*expect)++);
	return n > 0 ? (size_t)n : 0;
}

static void a_socket_that_never_drains_whole_goes_on(void **)
{
	int pair[2];
	struct tls t = stream(pair);
	uint8_t bytes[16384], next = 0, expect = 0;
	size_t sent = 0, got = 0;
	/* far more than the kernel and the buffer hold, and something always waits */
	for (int i = 0; i < 1000; i++) {
		fill(bytes, sizeof bytes, &next);
		assert_int_equal(tls_queue(&t, bytes, sizeof bytes), ERR_OK);
		sent += sizeof bytes;
		enum err e = tls_flush(&t);
		assert_true(e == ERR_OK || e == ERR_BUSY);
		if (i > 20)
			got += drain(pair[1], sizeof bytes, &expect);
	}
	while (tls_unsent(&t) > 0 || got < sent) {
		got += drain(pair[1], sizeof bytes, &expect);
		enum err e = tls_flush(&t);
		assert_true(e == ERR_OK || e == ERR_BUSY);
	}
	assert_int_equal(got, sent);
	assert_null(t.out);
	end(&t, pair);
}

static void a_peer_that_reads_nothing_is_refused_at_a_limit(void **)
{
	int pair[2];
	struct tls t = stream(pair);
	uint8_t bytes[16384] = {};
	enum err e = ERR_OK;
	size_t n = 0;
	for (; e == ERR_OK && n < 1000; n++) {
		enum err flushed = tls_flush(&t);
		assert_true(flushed == ERR_OK || flushed == ERR_BUSY);
		e = tls_queue(&t, bytes, sizeof bytes);
	}
	assert_int_equal(e, ERR_FULL);
	assert_true(tls_unsent(&t) <= 1 << 20);
	end(&t, pair);
}

static void a_closed_peer_is_told(void **)
{
	int pair[2];
	struct tls t = stream(pair);
	shutdown(pair[1], SHUT_RDWR);
	assert_int_equal(tls_queue(&t, "x", 1), ERR_OK);
	assert_int_equal(tls_flush(&t), ERR_CLOSED);
	end(&t, pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_that_never_drains_whole_goes_on),
		cmocka_unit_test(a_peer_that_reads_nothing_is_refused_at_a_limit),
		cmocka_unit_test(a_closed_peer_is_told),
	};
	return cmocka_run_group_tests_name("tls", tests, nullptr, nullptr);
}
