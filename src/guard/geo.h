/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * geo - the text of geofilter.conf and of lists of prefixes, read into a trie
 *
 *	allow 192.0.2.0/24                   always let in: no block, country, ban or limit applies
 *	block 198.51.100.0/24 2001:db8::/32  several on a line
 *	allow-country AT CH                  nobody else may come in (but by allow)
 *	block-country XX
 *	country-prefixes AT FILE             the prefixes of a country, one a line
 *	country-database FILE                or of all, from a MaxMind database
 *
 * '=' or ':' may stand behind the first word; # and ; begin a comment.  Every word but a name of a file is checked here.
 *
 * Owner:    the caller, who reads the files that are named.
 * Never:    reads a file, logs.
 */
#pragma once

#include "guard/trie.h"

constexpr size_t GEO_FILES_MAX = 512;
constexpr size_t GEO_COUNTRIES = 26 * 26;
constexpr size_t GEO_WHY_MAX = 256;
constexpr uint16_t GEO_NO_COUNTRY = UINT16_MAX;

struct geo_file {
	uint16_t country;
	char *path;
	uint32_t line; /* that names it */
};

struct geo {
	struct trie_maker trie;
	uint8_t verdicts[GEO_COUNTRIES]; /* of each country; 0: nobody speaks of it */
	struct geo_file files[GEO_FILES_MAX];
	size_t files_n;
	char *database;
	uint32_t database_line;
	char why[GEO_WHY_MAX]; /* name, line, what is wrong and how to write it */
};

enum err geo_begin(struct geo *g);
void geo_end(struct geo *g);

/* ERR_CONFIG: g->why; ERR_NOMEM.  name: of the file, for messages. */
enum err geo_read(struct geo *g, const char *name, const char *text, size_t len);
/* A list of prefixes, one a line; they get this verdict. */
enum err geo_read_prefixes(struct geo *g, const char *name, const char *text, size_t len,
			   enum trie_verdict verdict);

/* "AT", "at"; GEO_NO_COUNTRY. */
uint16_t geo_country(const char *code, size_t len);
