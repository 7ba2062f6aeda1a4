/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cert_login - cert_gate at work: the method certificate of a login, and crl read again and again */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keeper/cert_gate.h"
#include "keeper/descriptor.h"
#include "keeper/keeper.h"

static const char refused_text[] = "Certificate Validation Failure"; /* clients know it: protocol.md 4.6 */

/* {{ a login }} */

static enum err refuse(struct auth_job *job, const char *why)
{
	job->why = why;
	job->is_final = true;
	snprintf(job->message, sizeof job->message, "%s", refused_text);
	return ERR_AUTH;
}

/* The group chosen if the certificate has it; without a choice the only one. */
static enum err give_group(const struct cert_claim *c, struct auth_job *job)
{
	if (c->groups_n == 0)
		return ERR_OK;
	if (job->group[0] == '\0') {
		if (c->groups_n == 1)
			memcpy(job->given, c->groups[0], sizeof job->given);
		return ERR_OK;
	}
	for (size_t i = 0; i < c->groups_n; i++)
		if (strcmp(c->groups[i], job->group) == 0) {
			memcpy(job->given, job->group, sizeof job->given);
			return ERR_OK;
		}
	return refuse(job, "the chosen group is not in the certificate");
}

static enum err judge(const struct keeper *k, struct auth_job *job)
{
	struct cert_claim claim;
	if (job->cert_len == 0)
		return refuse(job, "no certificate was shown");
	if (k->now.gates == nullptr || job->vhost >= k->now.cfg->vhosts_n)
		return refuse(job, "no certificate is asked for here");
	if (cert_gate_judge(&k->now.gates[job->vhost], job->cert, job->cert_len, &claim) != ERR_OK)
		return refuse(job, claim.why);
	/* a form without a name is no form of ours; and a name that was given must be that of the certificate */
	if (job->has_password && strcmp(job->username, claim.user) != 0)
		return refuse(job, "the certificate is of another user");
	TRY(give_group(&claim, job));
	memcpy(job->username, claim.user, sizeof job->username);
	return ERR_OK;
}

enum err cert_gate_begin(struct keeper *k, struct auth_job *job, struct mono now)
{
	job->is_certificate = true;
	job->result = judge(k, job);
	if (job->result == ERR_OK && k->now.cfg->vhosts[job->vhost].client_ocsp != CLIENT_OCSP_OFF) {
		const struct cert_gate *g = &k->now.gates[job->vhost];
		job->is_final = true; /* a no of the responder */
		return auth_remote_certificate(&k->remote, k->now.number, job, g->ca, g->ca_len);
	}
	auth_done(&k->auth, job, now);
	return ERR_OK;
}

/* {{ crl }} */

static void tell_bad(const struct vhost *v, struct cert_gate *g, const char *problem)
{
	if (!g->is_bad_told)
		log_err("crl.problem file=\"%s\" what=\"%s\" note=\"the last good one stays in use until it expires\"",
			v->crl, problem);
	g->is_bad_told = true;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum err read_list(struct cert_gate *g, int fd, const struct stat *st, const char **problem)
{
	uint8_t *bytes OWNED(base_freep) = malloc((size_t)st->st_size + 1);
	size_t len = 0;
	*problem = "cannot be read";
	if (bytes == nullptr)
		return ERR_NOMEM;
	TRY(descriptor_read(fd, bytes, (size_t)st->st_size, &len));
	return cert_gate_set_crl(g, bytes, len, problem);
}

static void take(struct keeper *k, uint32_t vhost, int fd)
{
	struct cert_gate *g = &k->now.gates[vhost];
	const struct vhost *v = &k->now.cfg->vhosts[vhost];
	struct stat st;
	const char *problem;
	if (fd < 0 || descriptor_stat(fd, CERT_GATE_CRL_MAX, &st) != ERR_OK) {
		tell_bad(v, g, "cannot be opened, or is no regular file of at most 4 MB");
		return;
	}
	if (g->has_crl && is_same_file(&st, &g->crl))
		return;
	if (read_list(g, fd, &st, &problem) != ERR_OK) {
		tell_bad(v, g, problem);
		return;
	}
	g->crl = st;
	g->is_bad_told = false;
	log_info("crl.loaded file=\"%s\" bytes=%lld", v->crl, (long long)st.st_size);
}

bool cert_gate_answered(struct keeper *k, struct ipc_msg *m)
{
	for (uint32_t i = 0; k->now.gates != nullptr && i < k->now.cfg->vhosts_n; i++) {
		if (k->now.gates[i].id == 0 || k->now.gates[i].id != m->id)
			continue;
		int fd OWNED(base_closep) = ipc_take_fd(m, 0);
		k->now.gates[i].id = 0;
		take(k, i, fd);
		return true;
	}
	return false;
}

static enum err look(struct keeper *k, uint32_t vhost)
{
	Msg__FileGet body;
	msg__file_get__init(&body);
	body.generation = k->now.number;
	body.vhost = vhost;
	body.kind = FILE_CRL;
	uint32_t id = ipc_next_id(k->supervisor);
	TRY(ipc_send(k->supervisor, MSG_FILE_GET, id, &body.base, nullptr, 0));
	k->now.gates[vhost].id = id;
	return ERR_OK;
}

void cert_gate_tick(struct keeper *k, struct mono now)
{
	if (k->now.gates == nullptr || !clock_is_past(now, k->crl_look_at) || !ipc_is_alive(k->supervisor))
		return;
	k->crl_look_at = clock_add_s(now, CERT_GATE_LOOK_S);
	for (uint32_t i = 0; i < k->now.cfg->vhosts_n; i++)
		if (k->now.gates[i].needs_crl && k->now.gates[i].id == 0 && look(k, i) != ERR_OK)
			log_debug("crl.not_asked vhost=%u", i);
}
