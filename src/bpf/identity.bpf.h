/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * identity - where a ClientHello names its session, for the programs that read one
 *
 * DTLS 1.2 has the session id behind the random.  A hello of DTLS 1.3 has no session id; it ends with one pre-shared key: identity
 * in hexadecimal digits, age, binders (RFC 8446, 4.2.11; wire/hello13.c).
 */
#pragma once

#include <bpf/bpf_helpers.h>

#include "bpf/shared.h"

enum {
	/* from the beginning of the datagram's payload */
	RECORD_HEAD = 13,
	HELLO_FRAGMENT_OFFSET = 19,
	HELLO_ID_LEN = 59,
	HELLO_ID = 60,
	HELLO_HEAD = HELLO_ID + STEER_APP_ID_LEN,
	/* from its end */
	IDENTITY_LEN = 2 * STEER_APP_ID_LEN,
	IDENTITY_END = 4 + 2 + 1 + 32,
	IDENTITY_LINE = 2 + IDENTITY_LEN, /* with its length */
	TYPE_HANDSHAKE = 22,
	TYPE_DATA = 23,
	TYPE_CLIENT_HELLO = 1,
	UNIFIED_MASK = 0xf0, /* of the first byte: unified header with a connection id (RFC 9147, 4) */
	UNIFIED_CID = 0x30,
	UNIFIED_ANY_MASK = 0xe0, /* the same, with or without */
	UNIFIED_ANY = 0x20,
};

static __always_inline int identity_nibble(__u8 c)
{
	__u8 lower = c | 0x20;
	if (c >= '0' && c <= '9')
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* 0: id is written */
static __always_inline int identity_read(const __u8 line[IDENTITY_LINE], struct steer_app_id *id)
{
	if (line[0] != 0 || line[1] != IDENTITY_LEN)
		return -1;
	for (int i = 0; i < STEER_APP_ID_LEN; i++) {
		int high = identity_nibble(line[2 + 2 * i]), low = identity_nibble(line[3 + 2 * i]);
		if (high < 0 || low < 0)
			return -1;
		id->id[i] = (__u8)(high << 4 | low);
	}
	return 0;
}

/* Whether the head of a payload is a whole first fragment of a ClientHello. */
static __always_inline int identity_is_hello(const __u8 head[HELLO_HEAD])
{
	return head[0] == TYPE_HANDSHAKE && head[RECORD_HEAD] == TYPE_CLIENT_HELLO &&
	       head[HELLO_FRAGMENT_OFFSET] == 0 && head[HELLO_FRAGMENT_OFFSET + 1] == 0 &&
	       head[HELLO_FRAGMENT_OFFSET + 2] == 0;
}
