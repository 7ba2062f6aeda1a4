/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cert_gate - what a client's certificate is worth at a virtual host: who it names, and whether it was revoked
 *
 * The worker's TLS has proven that the client has the key.  All else is judged here again, so that a worker that was taken over
 * cannot invent a certificate, only show one that exists.
 *
 * Owner:    struct edition, one for each virtual host with method certificate.
 * Runs in:  the loop thread.
 * Source:   RFC 5280; protocol.md 4.7.
 */
#pragma once

#include <sys/stat.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "config/config.h"
#include "ipc/ipc.h"
#include "keeper/auth_job.h"
#include "base/dn.h"

constexpr size_t CERT_GATE_CA_MAX =
	32 * 1024;         /* bytes of ca-cert: it shares a message with the certificates */
constexpr size_t CERT_GATE_CRL_MAX = 4 * 1024 * 1024; /* bytes of crl */
constexpr uint64_t CERT_GATE_LOOK_S = 5;

struct keeper;

struct cert_gate {
	uint8_t *ca; /* PEM; nullptr: this virtual host asks for no certificate */
	size_t ca_len;
	WOLFSSL_CERT_MANAGER *store; /* ca-cert, and what crl revokes */
	bool needs_crl, has_crl;     /* without the list it needs nobody comes in */
	bool is_bad_told;            /* one warning, until the file is well again */
	bool by_email;               /* user: SAN(rfc822name) */
	bool has_group;
	struct dn_oid user, group;
	uint32_t id;     /* of the FILE_GET of crl under way; 0: none */
	struct stat crl; /* the file as it was read last */
};

/* What a certificate says. */
struct cert_claim {
	char user[AUTH_NAME_MAX];
	char groups[DN_VALUES_MAX][AUTH_NAME_MAX];
	size_t groups_n;
	const char *why; /* of a refusal; static */
};

/* *problem, static: what is wrong with the options or the file.  ERR_CONFIG, ERR_NOMEM. */
enum err cert_gate_init(struct cert_gate *g, const struct vhost *v, const uint8_t *ca, size_t len,
			const char **problem);
void cert_gate_fini(struct cert_gate *g);
/* PEM, several lists one after the other, or DER.  All of them count from now on, or none: the last good ones stay.  ERR_CONFIG and
 * *problem, static. */
enum err cert_gate_set_crl(struct cert_gate *g, const uint8_t *crl, size_t len, const char **problem);

/* ERR_OK: the certificate is good, and names a user (and a group, if cert-group-oid is set); else ERR_DENIED and out->why. */
enum err cert_gate_judge(const struct cert_gate *g, const uint8_t *der, size_t len, struct cert_claim *out);

/* The method certificate: judges what came with the login.  Ends by auth_done. */
enum err cert_gate_begin(struct keeper *k, struct auth_job *job, struct mono now);

/* crl is read again every few seconds, if it is another file or its size or time has changed. */
void cert_gate_tick(struct keeper *k, struct mono now);
/* The answer to one of our FILE_GET?  Then it was used. */
bool cert_gate_answered(struct keeper *k, struct ipc_msg *m);
