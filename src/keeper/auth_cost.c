/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_cost.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include <math.h>
#include <string.h>

/* Length of scheme and cost parameters: "$6$", "$6$rounds=9999$", "$y$j9T$"; 0 for the old schemes without a '$'. */
static size_t scheme_len(const char *hash)
{
	if (hash[0] != '$')
		return 0;
	const char *id_end = strchr(hash + 1, '$');
	if (id_end == nullptr)
		return 0;
	static const char *const with_cost[] = { "$y$", "$gy$", "$7$", "$2a$", "$2b$", "$2y$", "$sha1$" };
	size_t id_len = (size_t)(id_end + 1 - hash);
	bool has_cost = strncmp(id_end + 1, "rounds=", strlen("rounds=")) == 0;
	for (size_t i = 0; i < ARRAY_LEN(with_cost); i++)
		has_cost |= strlen(with_cost[i]) == id_len && memcmp(hash, with_cost[i], id_len) == 0;
	const char *end = has_cost ? strchr(id_end + 1, '$') : nullptr;
	return end != nullptr ? (size_t)(end + 1 - hash) : id_len;
}

void auth_cost_learn(struct auth_cost *c, const char *hash)
{
	size_t len = scheme_len(hash), k = 0;
	while (k < c->n && (c->kinds[k].len != len || memcmp(c->kinds[k].hash, hash, len) != 0))
		k++;
	if (k == AUTH_COST_KINDS)
		return;
	if (k == c->n)
		c->kinds[c->n++] = (struct auth_cost_kind){ .hash = hash, .len = len };
	c->kinds[k].users_n++;
}

/* In (0, 1]; known to none who does not know the hash. */
static double lot_of(const char *hash, const char *name)
{
	wc_Sha256 sha;
	uint8_t digest[WC_SHA256_DIGEST_SIZE];
	uint64_t n = 0;
	if (wc_InitSha256(&sha) != 0)
		return 1;
	bool ok = wc_Sha256Update(&sha, (const uint8_t *)hash, (word32)strlen(hash) + 1) == 0 &&
		  wc_Sha256Update(&sha, (const uint8_t *)name, (word32)strlen(name)) == 0 &&
		  wc_Sha256Final(&sha, digest) == 0;
	wc_Sha256Free(&sha);
	if (!ok)
		return 1;
	memcpy(&n, digest, sizeof n);
	return ldexp((double)(n >> 12) + 1, -52);
}

const char *auth_cost_of(const struct auth_cost *c, const char *name)
{
	const char *best = nullptr;
	double least = 0;
	for (size_t k = 0; k < c->n; k++) {
		double score = -log(lot_of(c->kinds[k].hash, name)) / c->kinds[k].users_n;
		if (best != nullptr && score >= least)
			continue;
		best = c->kinds[k].hash;
		least = score;
	}
	return best;
}
