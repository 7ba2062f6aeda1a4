/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/staple.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "keeper/descriptor.h"
#include "keeper/keeper.h"

static const struct vhost *vhost_of(const struct keeper *k, const struct staple *s)
{
	return &k->now.cfg->vhosts[s->vhost];
}

static bool is_valid(const struct staple *s)
{
	int64_t now = time(nullptr);
	return s->response != nullptr && s->info.this_update <= now + 300 &&
	       (s->info.next_update == 0 || now < s->info.next_update);
}

const char *staple_problem(const uint8_t *p, size_t len)
{
	struct ocsp_info info;
	enum err e = ocsp_parse(&info, p, len);
	if (e == ERR_RANGE)
		return "is larger than 16384 bytes, which is no OCSP response of one certificate";
	if (e != ERR_OK)
		return "is not a successful OCSP response in DER form; get one with: openssl ocsp -issuer CA -cert CERT "
		       "-url URL -respout FILE";
	if (!info.is_good)
		return "says that the certificate is revoked or unknown; have a new certificate made, or remove the option";
	return nullptr;
}

/* {{ workers }} */

static void send_one(const struct keeper *k, const struct staple *s, struct ipc *worker)
{
	Msg__Staple body;
	msg__staple__init(&body);
	body.vhost = vhost_of(k, s)->name;
	body.serial = ipc_bytes(s->info.serial, s->info.serial_len);
	if (s->is_sent)
		body.response = ipc_bytes(s->response, s->response_len);
	if (ipc_send(worker, MSG_STAPLE, ipc_next_id(worker), &body.base, nullptr, 0) != ERR_OK)
		log_debug("staple.not_sent worker=%u", ipc_peer_index(worker));
}

void staple_send(const struct keeper *k, struct ipc *worker)
{
	for (size_t i = 0; i < k->staples.n; i++)
		send_one(k, &k->staples.v[i], worker);
}

static void send_all(const struct keeper *k, const struct staple *s)
{
	for (unsigned i = 0; i < KEEPER_WORKERS_MAX; i++)
		if (k->workers[i].ipc != nullptr)
			send_one(k, s, k->workers[i].ipc);
}

/* Valid now or no longer: tell workers of a change. */
static void judge(const struct keeper *k, struct staple *s, bool is_new)
{
	bool valid = is_valid(s);
	if (is_new || valid != s->is_sent) {
		s->is_sent = valid;
		send_all(k, s);
	}
	if (valid) {
		s->is_old_told = false;
	} else if (s->response != nullptr && !s->is_old_told) {
		s->is_old_told = true;
		log_warn(
			"ocsp.expired file=\"%s\" hint=\"nothing is stapled until it is renewed; see openssl-ocsp(1)\"",
			vhost_of(k, s)->ocsp_response);
	}
}

/* {{ files }} */

static enum err look(struct keeper *k, struct staple *s)
{
	Msg__FileGet body;
	msg__file_get__init(&body);
	body.generation = k->now.number;
	body.vhost = s->vhost;
	body.kind = FILE_OCSP;
	s->id = ipc_next_id(k->supervisor);
	return ipc_send(k->supervisor, MSG_FILE_GET, s->id, &body.base, nullptr, 0);
}

static enum err read_response(int fd, uint8_t **out, size_t *len)
{
	struct stat st;
	TRY(descriptor_stat(fd, OCSP_RESPONSE_MAX, &st));
	uint8_t *bytes = malloc((size_t)st.st_size + 1);
	if (bytes == nullptr)
		return ERR_NOMEM;
	enum err e = descriptor_read(fd, bytes, (size_t)st.st_size, len);
	if (e == ERR_OK)
		*out = bytes;
	else
		free(bytes);
	return e;
}

static void tell_bad(const struct keeper *k, struct staple *s, const char *problem)
{
	if (!s->is_bad_told)
		log_warn(
			"ocsp.problem file=\"%s\" what=\"%s\" note=\"the last good one stays in use until it expires\"",
			vhost_of(k, s)->ocsp_response, problem);
	s->is_bad_told = true;
}

static void take(struct keeper *k, struct staple *s, int fd)
{
	uint8_t *bytes OWNED(base_freep) = nullptr;
	size_t len = 0;
	const char *problem = "cannot be read";
	if (fd >= 0 && read_response(fd, &bytes, &len) == ERR_OK)
		problem = staple_problem(bytes, len);
	if (problem != nullptr) {
		tell_bad(k, s, problem);
		judge(k, s, false);
		return;
	}
	s->is_bad_told = false;
	bool is_new =
		s->response == nullptr || s->response_len != len || memcmp(s->response, bytes, len) != 0;
	if (is_new && ocsp_parse(&s->info, bytes, len) == ERR_OK) {
		free(s->response);
		s->response = TAKE(bytes);
		s->response_len = len;
		log_info("ocsp.loaded file=\"%s\"", vhost_of(k, s)->ocsp_response);
	}
	judge(k, s, is_new);
}

bool staple_answered(struct keeper *k, struct ipc_msg *m)
{
	for (size_t i = 0; i < k->staples.n; i++) {
		struct staple *s = &k->staples.v[i];
		if (s->id == 0 || s->id != m->id)
			continue;
		int fd OWNED(base_closep) = ipc_take_fd(m, 0);
		s->id = 0;
		take(k, s, fd);
		return true;
	}
	return false;
}

/* {{ life }} */

void staple_fini(struct staples *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].response);
	free(s->v);
	*s = (struct staples){};
}

void staple_reset(struct keeper *k)
{
	staple_fini(&k->staples);
	const struct config *cfg = k->now.cfg;
	k->staples.v = calloc(cfg->vhosts_n, sizeof(struct staple));
	for (uint32_t i = 0; k->staples.v != nullptr && i < cfg->vhosts_n; i++)
		if (cfg->vhosts[i].ocsp_response != nullptr)
			k->staples.v[k->staples.n++].vhost = i;
	k->staples.look_at = clock_now();
}

void staple_tick(struct keeper *k, struct mono now)
{
	if (k->staples.n == 0 || !clock_is_past(now, k->staples.look_at) || !ipc_is_alive(k->supervisor))
		return;
	k->staples.look_at = clock_add_s(now, STAPLE_LOOK_S);
	for (size_t i = 0; i < k->staples.n; i++)
		if (k->staples.v[i].id == 0 && look(k, &k->staples.v[i]) != ERR_OK)
			k->staples.v[i].id = 0;
}
