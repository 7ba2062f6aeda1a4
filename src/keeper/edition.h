/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * edition - one generation of the configuration as the keeper uses it: options, keys, back ends
 *
 * Owner:    struct keeper: the one in force, the one being prepared, and the one before, whose keys are still
 *           named by handshakes under way.
 * Runs in:  the loop thread.
 */
#pragma once

#include "config/config.h"
#include "ipc/ipc.h"
#include "keeper/auth_set.h"
#include "keeper/cert_gate.h"
#include "guard/filter.h"
#include "keeper/key.h"

/* A certificate that a virtual host shows. */
struct edition_cert {
	uint32_t vhost;
	uint32_t pair; /* which of its server-cert and server-key */
	uint32_t key;  /* index in keys */
};

struct edition {
	uint32_t number; /* 0: none */
	uint32_t debug;  /* log level number */
	struct config *cfg;
	struct key **keys;
	size_t keys_n;
	struct edition_cert *certs;
	size_t certs_n;
	struct auth_set auth;
	struct filter filter;
	struct cert_gate *gates; /* one a virtual host; nullptr: none asks for certificates */
	struct strlist *groups; /* of each virtual host, to be offered; nullptr: none at all */
};

void edition_fini(struct edition *g);

/* It is no longer in force: keep the keys only. */
void edition_retire(struct edition *g);

/* Takes the key; its number goes to *number. */
enum err edition_add_key(struct edition *g, struct key *key, uint32_t *number);
enum err edition_add_cert(struct edition *g, uint32_t vhost, uint32_t key, uint32_t pair);

/* Copied. */
enum err edition_set_groups(struct edition *g, uint32_t vhost, const struct strlist *groups);

/* The gate of a virtual host, made if need be; nullptr: out of memory. */
struct cert_gate *edition_gate(struct edition *g, uint32_t vhost);

struct key *edition_key(const struct edition *g, uint32_t number, uint32_t key);

/* Send the certificates, without keys, and the groups to the supervisor.  ERR_RANGE: they are larger than a message. */
enum err edition_send_certs(const struct edition *g, struct ipc *supervisor);
