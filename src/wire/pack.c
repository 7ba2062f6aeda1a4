/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/pack.h"

#include <lz4.h>
#include <string.h>

#include "wire/lzs.h"

constexpr size_t PACKET_MAX = LZS_INPUT_MAX;

static enum err compress_lz4(const uint8_t *in, size_t in_len, uint8_t *out, size_t cap, size_t *len)
{
	if (in_len == 0 || in_len > PACKET_MAX)
		return ERR_RANGE;
	int n = LZ4_compress_default((const char *)in, (char *)out, (int)in_len, (int)MIN(cap, PACKET_MAX));
	if (n <= 0)
		return ERR_FULL;
	*len = (size_t)n;
	return ERR_OK;
}

static enum err expand_lz4(const uint8_t *in, size_t in_len, uint8_t *out, size_t cap, size_t *len)
{
	if (in_len == 0 || in_len > PACKET_MAX)
		return ERR_PROTO;
	cap = MIN(cap, PACKET_MAX);
	/* a copy from 0 bytes ago is no error to the library: what it then leaves as it was must not be an older packet */
	memset(out, 0, cap);
	int n = LZ4_decompress_safe((const char *)in, (char *)out, (int)in_len, (int)cap);
	if (n < 0)
		return ERR_PROTO;
	*len = (size_t)n;
	return ERR_OK;
}

typedef enum err pack_function(const uint8_t *in, size_t in_len, uint8_t *out, size_t cap, size_t *len);

static const struct {
	const char *name; /* on the wire */
	const char *word; /* in the configuration */
	pack_function *compress, *expand;
} methods[PACK_N] = {
	[PACK_LZ4] = { "oc-lz4", "lz4", compress_lz4, expand_lz4 },
	[PACK_LZS] = { "lzs", "lzs", lzs_compress, lzs_expand },
};

const char *pack_name(enum pack_method m)
{
	return m < PACK_N ? methods[m].name : nullptr;
}

/* The next word of *at, of *n characters; nullptr at the end. */
static const char *next_word(const char **at, size_t *n)
{
	static const char between[] = " \t,:;";
	const char *word = *at + strspn(*at, between);
	*n = strcspn(word, between);
	*at = word + *n;
	return *n > 0 ? word : nullptr;
}

/* Both spellings are understood. */
static enum pack_method method_of(const char *word, size_t n)
{
	struct slice s = { .p = word, .n = n };
	for (enum pack_method m = PACK_LZ4; m < PACK_N; m++)
		if (text_is_nocase(s, methods[m].word) || text_is_nocase(s, methods[m].name))
			return m;
	return PACK_NONE;
}

enum pack_method pack_choose(struct slice offered, const char *order)
{
	const char *at = order != nullptr ? order : "lz4,lzs";
	size_t n;
	for (const char *word = next_word(&at, &n); word != nullptr; word = next_word(&at, &n)) {
		enum pack_method m = method_of(word, n);
		if (m != PACK_NONE && text_list_has(offered, ',', methods[m].name))
			return m;
	}
	return PACK_NONE;
}

enum err pack_compress(enum pack_method m, const uint8_t *in, size_t in_len, uint8_t *out, size_t cap,
		       size_t *len)
{
	if (m >= PACK_N || methods[m].compress == nullptr)
		return ERR_UNSUPPORTED;
	return methods[m].compress(in, in_len, out, cap, len);
}

enum err pack_expand(enum pack_method m, const uint8_t *in, size_t in_len, uint8_t *out, size_t cap,
		     size_t *len)
{
	if (m >= PACK_N || methods[m].expand == nullptr)
		return ERR_UNSUPPORTED;
	return methods[m].expand(in, in_len, out, cap, len);
}
