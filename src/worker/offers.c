/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/offers.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/sha.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"

constexpr size_t PROFILE_MAX = 256 * 1024; /* as in the supervisor */

static enum err make_room(struct offers *o, const struct config *cfg)
{
	if (o->v == nullptr)
		o->v = calloc(cfg->vhosts_n, sizeof *o->v);
	if (o->v == nullptr)
		return ERR_NOMEM;
	o->n = cfg->vhosts_n;
	return ERR_OK;
}

void offers_fini(struct offers *o)
{
	for (size_t i = 0; i < o->n; i++) {
		struct offer *v = &o->v[i];
		for (size_t k = 0; k < v->groups_n; k++)
			free(v->groups[k]);
		free(v->groups);
		free(v->profile);
	}
	free(o->v);
	*o = (struct offers){};
}

const struct offer *offers_of(const struct offers *o, uint32_t vhost)
{
	static const struct offer nothing;
	return vhost < o->n ? &o->v[vhost] : &nothing;
}

/* {{ profiles }} */

/* pread: the description is shared with the other workers, and so is its position. */
static enum err read_at(int fd, size_t at, uint8_t *out, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = pread(fd, out + have, len - have, (off_t)(at + have));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_SYS;
		have += (size_t)n;
	}
	return ERR_OK;
}

static const char *name_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	return slash != nullptr ? slash + 1 : file;
}

/* Clients compare it with the hash of the file that they have. */
static enum err hash(struct offer *v)
{
	uint8_t sum[WC_SHA_DIGEST_SIZE];
	size_t n;
	if (wc_ShaHash(v->profile, (word32)v->profile_len, sum) != 0)
		return ERR_CRYPTO;
	TRY(encode_to_hex(sum, sizeof sum, true, v->profile_sha1, sizeof v->profile_sha1 - 1, &n));
	v->profile_sha1[n] = '\0';
	return ERR_OK;
}

enum err offers_take_profiles(struct offers *o, const struct config *cfg, const Msg__Config *m, int fd)
{
	size_t at = 0;
	TRY(make_room(o, cfg));
	for (size_t i = 0; i < m->n_profiles; i++) {
		const Msg__Profile *p = m->profiles[i];
		if (p->vhost >= o->n || p->len > PROFILE_MAX || fd < 0 ||
		    cfg->vhosts[p->vhost].user_profile == nullptr || o->v[p->vhost].profile != nullptr)
			return ERR_PROTO;
		struct offer *v = &o->v[p->vhost];
		v->profile = malloc(MAX(p->len, 1));
		if (v->profile == nullptr)
			return ERR_NOMEM;
		v->profile_len = p->len;
		v->profile_name = name_of(cfg->vhosts[p->vhost].user_profile);
		TRY(read_at(fd, at, v->profile, p->len));
		TRY(hash(v));
		at += p->len;
	}
	return ERR_OK;
}

/* {{ groups }} */

static enum err take_names(struct offer *v, const Msg__Groups *g)
{
	v->groups = calloc(MAX(g->n_names, 1), sizeof *v->groups);
	if (v->groups == nullptr)
		return ERR_NOMEM;
	for (size_t i = 0; i < g->n_names; i++) {
		v->groups[i] = strdup(g->names[i]);
		if (v->groups[i] == nullptr)
			return ERR_NOMEM;
		v->groups_n++;
	}
	return ERR_OK;
}

enum err offers_take_groups(struct offers *o, const struct config *cfg, const Msg__Certs *certs)
{
	TRY(make_room(o, cfg));
	for (size_t i = 0; i < certs->n_groups; i++) {
		const Msg__Groups *g = certs->groups[i];
		if (g->vhost >= o->n || o->v[g->vhost].groups != nullptr)
			return ERR_PROTO;
		TRY(take_names(&o->v[g->vhost], g));
	}
	return ERR_OK;
}
