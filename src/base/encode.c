/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/encode.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum err encode_to_base64(const void *in, size_t len, char *out, size_t cap, size_t *out_len)
{
	const uint8_t *p = in;
	if (len > SIZE_MAX / 4 || ENCODE_BASE64_LEN(len) > cap)
		return ERR_FULL;
	char *to = out;
	for (; len >= 3; p += 3, len -= 3) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		for (unsigned shift = 24; shift > 0; *to++ = alphabet[v >> shift & 63])
			shift -= 6;
	}
	if (len > 0) {
		uint32_t v = (uint32_t)p[0] << 16 | (len == 2 ? (uint32_t)p[1] << 8 : 0);
		*to++ = alphabet[v >> 18];
		*to++ = alphabet[v >> 12 & 63];
		*to++ = len == 2 ? alphabet[v >> 6 & 63] : '=';
		*to++ = '=';
	}
	*out_len = (size_t)(to - out);
	return ERR_OK;
}

/* 0..63, or -1. */
static int sextet_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Length without padding; false if the padding there is is not the right one. */
static bool strip_padding(const char *in, size_t *len)
{
	size_t n = *len;
	while (n > 0 && in[n - 1] == '=')
		n--;
	size_t padding = *len - n;
	*len = n;
	return padding == 0 || (padding <= 2 && (n + padding) % 4 == 0);
}

enum err encode_from_base64(const char *in, size_t len, void *out, size_t cap, size_t *out_len)
{
	if (!strip_padding(in, &len) || len % 4 == 1)
		return ERR_SYNTAX;
	size_t need = len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
	if (need > cap)
		return ERR_FULL;
	uint8_t *to = out;
	uint32_t bits = 0;
	unsigned bits_n = 0;
	for (size_t i = 0; i < len; i++) {
		int v = sextet_of(in[i]);
		if (v < 0)
			return ERR_SYNTAX;
		bits = bits << 6 | (uint32_t)v;
		bits_n += 6;
		if (bits_n >= 8) {
			bits_n -= 8;
			*to++ = (uint8_t)(bits >> bits_n);
			bits &= (1u << bits_n) - 1;
		}
	}
	if (bits != 0)
		return ERR_SYNTAX;
	*out_len = need;
	return ERR_OK;
}

enum err encode_to_hex(const void *in, size_t len, bool upper, char *out, size_t cap, size_t *out_len)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	const uint8_t *p = in;
	if (len > cap / 2)
		return ERR_FULL;
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	*out_len = ENCODE_HEX_LEN(len);
	return ERR_OK;
}

/* 0..15, or -1. */
static int nibble_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err encode_from_hex(const char *in, size_t len, void *out, size_t cap, size_t *out_len)
{
	if (len % 2 != 0)
		return ERR_SYNTAX;
	if (len / 2 > cap)
		return ERR_FULL;
	uint8_t *to = out;
	for (size_t i = 0; i < len; i += 2) {
		int high = nibble_of(in[i]), low = nibble_of(in[i + 1]);
		if (high < 0 || low < 0)
			return ERR_SYNTAX;
		*to++ = (uint8_t)(high << 4 | low);
	}
	*out_len = len / 2;
	return ERR_OK;
}
