/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cstp - frames inside the TLS connection: "STF" 1, length, type, 0, payload
 *
 * The type numbers serve the DTLS channel too, where one type byte stands before the payload.
 *
 * Runs in: the worker; pure, a frame points into the caller's bytes.
 */
#pragma once

#include "base/base.h"

constexpr size_t CSTP_HEAD_LEN = 8;
constexpr size_t CSTP_PAYLOAD_MAX = 16384; /* as large as any MTU; longer is a broken peer */

/* A frame may carry any byte here: cstp_is_known. */
enum cstp_type : uint8_t {
	CSTP_DATA = 0,
	CSTP_DPD_REQ = 3,
	CSTP_DPD_RESP = 4,
	CSTP_DISCONNECT = 5,
	CSTP_KEEPALIVE = 7,
	CSTP_COMPRESSED = 8,
	CSTP_TERMINATE = 9,
};

struct cstp_frame {
	enum cstp_type type;
	const uint8_t *payload;
	size_t payload_len;
	size_t len; /* header and payload: where the next frame begins */
};

/*
 * First frame of a byte stream.  ERR_SHORT: call again with more (said only of what can still become a frame);
 * ERR_PROTO: not a frame, or one longer than CSTP_PAYLOAD_MAX.
 */
enum err cstp_parse(const uint8_t *p, size_t n, struct cstp_frame *f);

/* Length of the frame that begins with these n bytes, of which none was refused by cstp_parse: CSTP_HEAD_LEN until its header is whole, then
 * header and payload.  Never above the longest frame: a header that tells more counts alone, for cstp_parse to refuse. */
size_t cstp_frame_len(const uint8_t *p, size_t n);

/* payload_len is at most CSTP_PAYLOAD_MAX (asserted: it is our own packet). */
void cstp_put_header(uint8_t out[static CSTP_HEAD_LEN], enum cstp_type type, size_t payload_len);

/* Unknown types are counted and ignored. */
bool cstp_is_known(enum cstp_type type);

/* Why a client says goodbye: the first byte of its DISCONNECT. */
enum cstp_reason : uint8_t {
	CSTP_REASON_NONE = 0x00, /* empty frame: a temporary loss */
	CSTP_REASON_OTHER = 0x01,
	CSTP_REASON_LOCAL_ERROR = 0x70,
	CSTP_REASON_RECONNECT = 0x91,
	CSTP_REASON_USER = 0xb0, /* the only one that ends the session */
	CSTP_REASON_PAUSE = 0xd1,
};

struct cstp_bye {
	enum cstp_reason reason;
	const uint8_t *text; /* the client's words, any bytes; nullptr if none */
	size_t text_len;
};

struct cstp_bye cstp_parse_bye(const uint8_t *payload, size_t len);
const char *cstp_reason_text(enum cstp_reason reason);
