/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius - packets of RADIUS: requests out, answers in and verified (RFC 2865, 2866, 3579)
 *
 * An answer counts only if its Response Authenticator is right, and for a login its Message-Authenticator too: the former
 * alone can be forged by who reads the network and computes a collision of MD5 meanwhile (CVE-2024-3596).  What MD5 cannot
 * do is to be a secret channel: whoever reads the network may guess the shared secret at leisure if it is short.
 *
 * Owner:    the caller; requests hold a hidden password, radius_wipe them.
 * Runs in:  a child of the auth process; pure.
 */
#pragma once

#include "base/base.h"

constexpr size_t RADIUS_PACKET_MAX = 4096;
constexpr size_t RADIUS_HEADER_LEN = 20;
constexpr size_t RADIUS_AUTHENTICATOR_LEN = 16;
constexpr size_t RADIUS_VALUE_MAX = 253;
constexpr size_t RADIUS_PASSWORD_MAX = 128; /* RFC 2865, 5.2 */

enum radius_code : uint8_t {
	RADIUS_ACCESS_REQUEST = 1,
	RADIUS_ACCESS_ACCEPT = 2,
	RADIUS_ACCESS_REJECT = 3,
	RADIUS_ACCOUNTING_REQUEST = 4,
	RADIUS_ACCOUNTING_RESPONSE = 5,
	RADIUS_ACCESS_CHALLENGE = 11,
};

/* Attributes that we write or read. */
enum radius_type : uint8_t {
	RADIUS_USER_NAME = 1,
	RADIUS_USER_PASSWORD = 2,
	RADIUS_NAS_IP_ADDRESS = 4,
	RADIUS_SERVICE_TYPE = 6,
	RADIUS_FRAMED_PROTOCOL = 7,
	RADIUS_FRAMED_IP_ADDRESS = 8,
	RADIUS_FRAMED_IP_NETMASK = 9,
	RADIUS_REPLY_MESSAGE = 18,
	RADIUS_FRAMED_ROUTE = 22,
	RADIUS_STATE = 24,
	RADIUS_CLASS = 25,
	RADIUS_VENDOR_SPECIFIC = 26,
	RADIUS_SESSION_TIMEOUT = 27,
	RADIUS_IDLE_TIMEOUT = 28,
	RADIUS_CALLING_STATION_ID = 31,
	RADIUS_NAS_IDENTIFIER = 32,
	RADIUS_ACCT_STATUS_TYPE = 40,
	RADIUS_ACCT_DELAY_TIME = 41,
	RADIUS_ACCT_INPUT_OCTETS = 42,
	RADIUS_ACCT_OUTPUT_OCTETS = 43,
	RADIUS_ACCT_SESSION_ID = 44,
	RADIUS_ACCT_AUTHENTIC = 45,
	RADIUS_ACCT_SESSION_TIME = 46,
	RADIUS_ACCT_TERMINATE_CAUSE = 49,
	RADIUS_ACCT_INPUT_GIGAWORDS = 52,
	RADIUS_ACCT_OUTPUT_GIGAWORDS = 53,
	RADIUS_NAS_PORT_TYPE = 61,
	RADIUS_CONNECT_INFO = 77,
	RADIUS_MESSAGE_AUTHENTICATOR = 80,
	RADIUS_ACCT_INTERIM_INTERVAL = 85,
	RADIUS_NAS_IPV6_ADDRESS = 95,
	RADIUS_FRAMED_IPV6_PREFIX = 97,
	RADIUS_FRAMED_IPV6_ROUTE = 99,
	RADIUS_DELEGATED_IPV6_PREFIX = 123,
	RADIUS_FRAMED_IPV6_ADDRESS = 168,
	RADIUS_DNS_SERVER_IPV6_ADDRESS = 169,
};

/* The secret that client and server share. */
struct radius_key {
	const uint8_t *p;
	size_t len;
};

/* {{ requests }} */

struct radius_request {
	uint8_t b[RADIUS_PACKET_MAX];
	size_t len;
	bool failed; /* something did not fit: radius_finish tells */
};

/* random: becomes the authenticator of an Access-Request, and must not be guessable; of an Accounting-Request it is not
 * looked at.  An Access-Request gets its Message-Authenticator as the first attribute. */
void radius_begin(struct radius_request *r, enum radius_code code, uint8_t id,
		  const uint8_t random[RADIUS_AUTHENTICATOR_LEN]);
/* A failure sticks: a value of more than RADIUS_VALUE_MAX bytes is refused, not cut.  An empty one is left out. */
void radius_add(struct radius_request *r, enum radius_type type, const void *p, size_t len);
void radius_add_text(struct radius_request *r, enum radius_type type, const char *text);
void radius_add_number(struct radius_request *r, enum radius_type type, uint32_t n);
/* User-Password, hidden with key. */
void radius_add_password(struct radius_request *r, struct radius_key key, const char *password);
/* Length and authenticators; then b and len may be sent.  ERR_RANGE: something did not fit. */
enum err radius_finish(struct radius_request *r, struct radius_key key);
void radius_wipe(struct radius_request *r);

/* {{ answers }} */

struct radius_answer {
	enum radius_code code;
	const uint8_t *attributes; /* in the datagram */
	size_t len;
};

struct radius_attribute {
	uint8_t type;
	uint8_t len; /* of value */
	const uint8_t *value;
};

enum radius_verdict : uint8_t {
	RADIUS_GOOD,
	RADIUS_MALFORMED, /* a length is wrong, or an attribute stands where it may not */
	RADIUS_STRANGE, /* another identifier, or a code that is no answer to this request */
	RADIUS_FORGED, /* an authenticator is wrong: not from the server, or the key is another */
	RADIUS_UNSIGNED, /* right but for its Message-Authenticator, which is missing */
};

/* What the datagram is to the request, which is finished.  needs_signature: an answer to a login without
 * Message-Authenticator is RADIUS_UNSIGNED; one that is there must be right anyway.  GOOD: out points into p. */
enum radius_verdict radius_read(const uint8_t *p, size_t len, const struct radius_request *r,
				struct radius_key key, bool needs_signature, struct radius_answer *out);
/* The attribute at *at, which begins with 0; false after the last. */
bool radius_next(const struct radius_answer *a, size_t *at, struct radius_attribute *out);
/* The first of a type. */
bool radius_find(const struct radius_answer *a, enum radius_type type, struct radius_attribute *out);
