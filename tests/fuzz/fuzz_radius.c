/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: radius_read, radius_next, radius_find, radius_facts_read.
 *
 * The input is a datagram.  As it is it must never be good: it knows neither the request nor the secret.  Then it gets the
 * authenticators that a server would give it, so that what lies behind them is reached too.
 */
#include <stdlib.h>

#include "auth/radius_facts.h"
#include "base/log.h"
#include "radius_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct radius_key key = { (const uint8_t *)"a secret of the fuzzer", 22 };

static void quiet(enum log_level, const char *, size_t)
{
}

/* Where the value of Message-Authenticator may stand; 0: nowhere. */
static size_t find_signature(const struct served *s)
{
	for (size_t at = RADIUS_HEADER_LEN; at + 18 <= s->len && s->b[at + 1] >= 2; at += s->b[at + 1])
		if (s->b[at] == RADIUS_MESSAGE_AUTHENTICATOR && s->b[at + 1] == 18)
			return at + 2;
	return 0;
}

static void read_all(const struct radius_answer *a)
{
	struct radius_attribute found;
	size_t sum = 0;
	for (size_t at = 0; radius_next(a, &at, &found);)
		sum += found.len + 2U;
	assert(sum == a->len);
	(void)radius_find(a, RADIUS_STATE, &found);
	Msg__Facts *f;
	if (radius_facts_read(&f, a, true, ';') != ERR_OK)
		return;
	assert(f->ipv4.len == 0 || f->ipv4.len == 4);
	assert(f->ipv6.len == 0 || (f->ipv6.len == 16 && f->ipv6_prefix_len <= 128));
	assert(f->delegated.len == 0 || (f->delegated.len == 16 && f->delegated_prefix_len <= 128));
	msg__facts__free_unpacked(f, nullptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t random[RADIUS_AUTHENTICATOR_LEN] = "not guessable...";
	struct radius_request r;
	struct radius_answer a;
	struct served s;
	log_init("fuzz", LOG_LEVEL_INFO, quiet);
	radius_begin(&r, RADIUS_ACCESS_REQUEST, size > 1 ? data[1] : 0, random);
	assert(radius_finish(&r, key) == ERR_OK);
	assert(radius_read(data, size, &r, key, false, &a) != RADIUS_GOOD);
	if (size < RADIUS_HEADER_LEN || size > RADIUS_PACKET_MAX)
		return 0;
	memcpy(s.b, data, size);
	s.len = size;
	size_t signature = find_signature(&s);
	served_finish(&s, &r, key, signature);
	/* an exact copy, so that a sanitizer sees each byte too many */
	uint8_t *exact = malloc(size);
	if (exact == nullptr)
		return 0;
	memcpy(exact, s.b, size);
	enum radius_verdict v = radius_read(exact, size, &r, key, true, &a);
	assert(v != RADIUS_GOOD || signature != 0);
	if (v == RADIUS_GOOD)
		read_all(&a);
	free(exact);
	return 0;
}
