/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pack - compression of single packets: which method, and both directions of it (protocol.md 17)
 *
 * Nothing is remembered between two packets, so one that is lost or reordered hurts no other.
 *
 * Runs in: the worker; pure.
 */
#pragma once

#include "wire/text.h"

enum pack_method : uint8_t { PACK_NONE, PACK_LZ4, PACK_LZS, PACK_N };

/* As in X-CSTP-Content-Encoding: "oc-lz4", "lzs"; nullptr for PACK_NONE. */
const char *pack_name(enum pack_method m);

/*
 * The first method of order that is in offered, a comma list of such names.  order is a list as in compression-algo-priority,
 * "lz4, lzs" with commas, colons or blanks between the words, in which other words count for nothing; nullptr: lz4 before lzs.
 */
enum pack_method pack_choose(struct slice offered, const char *order);

/* ERR_FULL: would not fit into cap (which a caller makes smaller than in_len: else it is not worth it); ERR_RANGE: in_len. */
enum err pack_compress(enum pack_method m, const uint8_t *in, size_t in_len, uint8_t *out, size_t cap,
		       size_t *len);
/* Any error: malformed, or longer than cap.  Never writes above cap. */
enum err pack_expand(enum pack_method m, const uint8_t *in, size_t in_len, uint8_t *out, size_t cap,
		     size_t *len);
