/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: geo_read, geo_read_prefixes, trie_add, trie_finish, trie_check, trie_find. */
#include <stdlib.h>

#include "guard/geo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is a piece that its readers accept, and a shorter or damaged one is not read beyond its end. */
static void finish(struct geo *g, const uint8_t *data, size_t size)
{
	void *piece = nullptr;
	size_t len = 0;
	uint8_t ip[16] = {};
	if (trie_finish(&g->trie, &piece, &len) != ERR_OK)
		return;
	enum err e = trie_check(piece, len);
	assert(e == ERR_OK);
	for (size_t i = 0; i < sizeof ip && i < size; i++)
		ip[i] = data[size - 1 - i];
	struct addr a = addr_of_ip(ip, size % 2 == 0 ? 4 : 16);
	struct range r = range_of_addr(&a);
	struct trie_result found = trie_find(piece, &r);
	assert(found.verdict < TRIE_VERDICTS_N && found.len <= RANGE_FULL);
	e = trie_check(piece, len - 1);
	assert(e != ERR_OK);
	free(piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct geo g; /* large */
	const char *text = (const char *)data;
	if (geo_begin(&g) != ERR_OK)
		return 0;
	enum err e = geo_read(&g, "geo", text, size);
	assert(e == ERR_OK || g.why[0] != '\0' || e == ERR_NOMEM);
	if (e == ERR_OK)
		finish(&g, data, size);
	geo_end(&g);
	if (geo_begin(&g) != ERR_OK)
		return 0;
	e = geo_read_prefixes(&g, "list", text, size, TRIE_COUNTRY_BLOCK);
	if (e == ERR_OK)
		finish(&g, data, size);
	geo_end(&g);
	return 0;
}
