/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * encode - bytes as text and back: base64 (RFC 4648, standard alphabet) and hex
 *
 * No function writes beyond cap, and none writes an end of string.  ERR_FULL: out is too small, nothing was
 * written.  ERR_SYNTAX: the text is refused, the bytes of out are undefined.
 */
#pragma once

#include "base/base.h"

/* Length of the text of n bytes; room that the bytes of n characters need at most. */
#define ENCODE_BASE64_LEN(n) (((n) + 2) / 3 * 4)
#define ENCODE_BASE64_ROOM(chars) ((chars) / 4 * 3 + (chars) % 4)
#define ENCODE_HEX_LEN(n) ((n) * 2)

enum err encode_to_base64(const void *in, size_t len, char *out, size_t cap, size_t *out_len);

/* Padding may be missing, but what is there must be right; no white space; unused bits must be zero. */
enum err encode_from_base64(const char *in, size_t len, void *out, size_t cap, size_t *out_len);

enum err encode_to_hex(const void *in, size_t len, bool upper, char *out, size_t cap, size_t *out_len);

/* Either case; an odd number of digits is refused. */
enum err encode_from_hex(const char *in, size_t len, void *out, size_t cap, size_t *out_len);
