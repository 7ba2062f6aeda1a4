/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lzs - Stac LZS, one packet at a time: no history is kept between two of them (RFC 1974 2.5, protocol.md 17)
 *
 *	0 b8                     a byte
 *	1 1 o7 length            copy from 1..127 bytes ago
 *	1 0 o11 length           copy from 1..2047 bytes ago
 *	1 1 0000000              the end, then zeros up to a whole byte
 *	length  00 2, 01 3, 10 4, 1100 5, 1101 6, 1110 7, then 1111 and nibbles that are added to 8; a nibble of 15 goes on
 *
 * Runs in: the worker; pure: no allocation, no state.  Both directions are bounded by cap and by the input.
 */
#pragma once

#include "base/base.h"

constexpr size_t LZS_INPUT_MAX = 16384;

/* ERR_FULL: it would not fit into cap bytes, send the packet as it is; ERR_RANGE: in_len is 0 or above LZS_INPUT_MAX.
 * out and in must not overlap. */
enum err lzs_compress(const uint8_t *in, size_t in_len, uint8_t *out, size_t cap, size_t *len);

/* ERR_FULL: the packet is longer than cap; ERR_PROTO: it has no end mark, or copies from before its beginning.
 * What follows the byte of the end mark is ignored. */
enum err lzs_expand(const uint8_t *in, size_t in_len, uint8_t *out, size_t cap, size_t *len);
