/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dtls - what a datagram is, before any state exists for its sender
 *
 * Reads the clear-text headers only.  Nothing here is authenticated: a result may choose a session to try, never
 * move one.
 *
 * Runs in: the worker; pure, results point into the caller's datagram.
 */
#pragma once

#include "base/base.h"

constexpr size_t DTLS_HEAD_LEN = 13;
constexpr size_t DTLS_BODY_MAX = 16384 + 2048; /* RFC 6347, 4.1 */
constexpr size_t DTLS_SESSION_ID_MAX = 32;

constexpr uint16_t DTLS_VERSION_BAD = 0x0100; /* OpenSSL's before RFC 4347: Cisco AnyConnect < 4.7 */
constexpr uint16_t DTLS_VERSION_10 = 0xfeff;
constexpr uint16_t DTLS_VERSION_12 = 0xfefd;

constexpr uint8_t DTLS_TYPE_CCS = 20;
constexpr uint8_t DTLS_TYPE_ALERT = 21;
constexpr uint8_t DTLS_TYPE_HANDSHAKE = 22;
constexpr uint8_t DTLS_TYPE_DATA = 23;

enum dtls_kind : uint8_t {
	DTLS_MALFORMED,
	DTLS_CLIENT_HELLO, /* peek.record and peek.hello */
	DTLS_RECORD,       /* peek.record */
	DTLS_OTHER,        /* DTLS 1.3 unified header, or a connection id (type 25): peek is all zero */
};

struct dtls_record {
	uint8_t type;
	uint16_t version;
	uint16_t epoch;
	uint64_t seq;    /* 48 bits */
	size_t start;    /* offset of its header in the datagram */
	size_t len;      /* header and body */
	size_t body_len; /* at least 1 */
};

struct dtls_hello {
	uint16_t client_version;
	uint16_t message_seq;
	bool random_is_zero; /* GnuTLS 3.6.3 to 3.6.12: ignore the hello */
	bool is_whole;       /* not the first of several fragments */
	uint8_t session_id_len;
	uint8_t cookie_len;
	const uint8_t *session_id; /* nullptr if empty */
};

struct dtls_peek {
	struct dtls_record record; /* the first of the datagram */
	struct dtls_hello hello;
};

/* Every field of out is written, whatever the verdict. */
enum dtls_kind dtls_classify(const uint8_t *p, size_t n, struct dtls_peek *out);

/*
 * The record at *at, which moves behind it; begin with 0.  ERR_NOTFOUND at the end of the datagram; ERR_PROTO for a
 * remainder that is no record (DTLS 1.3 and connection ids included): drop it, what came before stays good.
 */
enum err dtls_next_record(const uint8_t *p, size_t n, size_t *at, struct dtls_record *out);
