/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/table.h"
#include "keeper/facts.h"
#include "keeper/keeper.h"
#include "keeper/script.h"
#include "keeper/serve.h"
#include "keeper/session_life.h"
#include "keeper/session_msg.h"
#include "keeper/show.h"

constexpr uint32_t FILES_S = 5;   /* the supervisor reads them at once */
constexpr uint32_t CLOSING_S = 3; /* a worker that does not close the old connection by then is given up */

enum step : uint8_t {
	STEP_BLOCKED = 1, /* another request of this session is under way */
	STEP_FILES,
	STEP_CLOSING,
	STEP_SCRIPT,
};

struct entry {
	struct entry *prev, *next;
	enum step step;
	uint32_t worker, id; /* whom to answer */
	uint64_t channel;
	uint32_t asked; /* number of the request to the supervisor */
	struct mono until; /* FILES, CLOSING */
	uint8_t hash[SESSION_HASH_LEN];
	Msg__Open *open; /* ours */
};

static const char broken_text[] = "the server cannot read what is configured for the user";
static const char script_text[] = "the connect-script of the server refused the connection";
static const char busy_text[] = "the server is busy, try again";

/* {{ what was asked }} */

static char *text(const char *t)
{
	return (char *)(uintptr_t)(t != nullptr ? t : "");
}

static struct addr addr_of(ProtobufCBinaryData ip, uint32_t port)
{
	struct addr a = addr_of_ip(ip.data, ip.len);
	a.port = (uint16_t)port;
	return a;
}

/* nullptr: other than len bytes */
static const uint8_t *bytes_of(ProtobufCBinaryData b, size_t len)
{
	return b.len == len ? b.data : nullptr;
}

static struct session_proof proof_of(const Msg__Open *b)
{
	struct session_proof p = { .key = bytes_of(b->strap_key, SESSION_STRAP_KEY_LEN),
				   .signature = bytes_of(b->strap_signature, SESSION_STRAP_SIGNATURE_LEN) };
	for (size_t i = 0; i < b->n_strap_digests && p.digests_n < SESSION_STRAP_DIGESTS_MAX; i++)
		if (b->strap_digests[i].len == SESSION_STRAP_DIGEST_LEN)
			p.digests[p.digests_n++] = b->strap_digests[i].data;
	return p;
}

static struct session_open request_of(const struct keeper *k, const Msg__Open *b, uint32_t worker)
{
	return (struct session_open){
		.cookie = b->cookie.data,
		.cookie_len = b->cookie.len,
		.worker = worker,
		.vhost = serve_vhost_index(k, b->vhost_name),
		.proof = proof_of(b),
		.remote = addr_of(b->remote_ip, b->remote_port),
		.local = addr_of(b->local_ip, 0),
		.client = { text(b->user_agent), text(b->hostname), text(b->device_type),
			    text(b->device_platform) },
		.want_ipv4 = b->want_ipv4,
		.want_ipv6 = b->want_ipv6,
		.unix_now = time(nullptr),
	};
}

static Msg__Open *copy(const Msg__Open *b)
{
	size_t len = msg__open__get_packed_size(b);
	uint8_t *bytes = malloc(len + 1);
	if (bytes == nullptr)
		return nullptr;
	msg__open__pack(b, bytes);
	Msg__Open *m = msg__open__unpack(nullptr, len, bytes);
	explicit_bzero(bytes, len); /* a cookie */
	free(bytes);
	return m;
}

static void forget(Msg__Open *m)
{
	explicit_bzero(m->cookie.data, m->cookie.len);
	msg__open__free_unpacked(m, nullptr);
}

static void drop(struct keeper *k, struct entry *e)
{
	DL_DELETE(k->entries.all, e);
	k->entries.n--;
	forget(e->open);
	free(e);
}

/* {{ answers }} */

static void answer(const struct keeper *k, struct ipc *ipc, uint32_t id, unsigned status, const char *reason,
		   const struct session *s, const Msg__Open *asked)
{
	Msg__OpenDone done;
	Msg__Session session;
	msg__open_done__init(&done);
	done.status = status;
	done.reason = text(reason);
	if (status == 200) {
		session_msg_fill(&session, s);
		if (!asked->want_ipv4)
			session.ipv4.len = session.server_ipv4.len = 0;
		if (!asked->want_ipv6)
			session.ipv6.len = session.server_ipv6.len = 0;
		session.vhost_name = k->now.cfg->vhosts[s->vhost].name;
		session.n_texts = s->texts != nullptr ? s->texts->n_texts : 0;
		session.texts = s->texts != nullptr ? s->texts->texts : nullptr;
		done.session = &session;
	}
	if (ipc_send(ipc, MSG_OPEN_DONE, id, &done.base, nullptr, 0) != ERR_OK)
		log_debug("entry.unanswered worker=%u", ipc_peer_index(ipc));
}

/* nullptr: nobody waits any more. */
static struct ipc *asker(const struct keeper *k, const struct entry *e)
{
	const struct keeper_worker *w = &k->workers[e->worker];
	return w->channel == e->channel ? w->ipc : nullptr;
}

static struct session *session_of(struct keeper *k, const struct entry *e)
{
	return session_usable(&k->sessions, e->open->cookie.data, e->open->cookie.len, clock_now());
}

static void go_on_blocked(struct keeper *k, const uint8_t hash[SESSION_HASH_LEN]);

/* The entry is over. */
static void finish(struct keeper *k, struct entry *e, unsigned status, const char *reason,
		   const struct session *s)
{
	uint8_t hash[SESSION_HASH_LEN];
	struct ipc *ipc = asker(k, e);
	memcpy(hash, e->hash, sizeof hash);
	if (ipc != nullptr)
		answer(k, ipc, e->id, status, reason, s, e->open);
	drop(k, e);
	go_on_blocked(k, hash);
}

static void refuse(struct keeper *k, struct entry *e, unsigned status, const char *why)
{
	struct addr remote = addr_of(e->open->remote_ip, 0);
	struct session *s = session_of(k, e);
	log_notice("session.refused status=%u user=\"%s\" remote=%s why=\"%s\"", status,
		   s != nullptr ? show_name(session_username(s)).text : "", show_addr(&remote).text, why);
	if (s != nullptr && s->is_entering)
		session_unreserve(&k->sessions, s);
	finish(k, e, status, why, nullptr);
}

/* {{ steps }} */

/* The connect-script has succeeded, and yet the client does not come in. */
static void undo_script(struct keeper *k, const struct session *s)
{
	const struct session_end end = { .sid = s->next_sid,
					 .began_at = time(nullptr),
					 .cause = CAUSE_NETWORK };
	if (k->now.cfg->connect_script != nullptr)
		script_disconnect(k, s, &end);
}

static void enter(struct keeper *k, struct entry *e, struct session *s)
{
	const char *reason = nullptr;
	struct session_open in = request_of(k, e->open, e->worker);
	if (asker(k, e) == nullptr) { /* its worker died meanwhile */
		undo_script(k, s);
		session_unreserve(&k->sessions, s);
		finish(k, e, 503, busy_text, nullptr);
		return;
	}
	unsigned status = session_enter(&k->sessions, s, &in, clock_now(), &reason);
	if (status != 200)
		undo_script(k, s);
	finish(k, e, status, reason, s);
}

static void run_script(struct keeper *k, struct entry *e, struct session *s)
{
	if (k->now.cfg->connect_script == nullptr) {
		enter(k, e, s);
		return;
	}
	/* of this connection, not of the login */
	struct session_open in = request_of(k, e->open, e->worker);
	s->remote = in.remote;
	s->local = in.local;
	session_client_update(&s->client, &in.client);
	e->step = STEP_SCRIPT;
	e->asked = script_connect(k, s);
	if (e->asked == 0)
		refuse(k, e, 503, script_text);
}

static bool has_scripts(const struct keeper *k)
{
	return k->now.cfg->connect_script != nullptr || k->now.cfg->disconnect_script != nullptr;
}

static void close_old(struct keeper *k, struct entry *e, struct session *s)
{
	if (s->live == nullptr || !has_scripts(k)) {
		run_script(k, e, s);
		return;
	}
	e->step = STEP_CLOSING;
	e->until = clock_add_s(clock_now(), CLOSING_S);
	k->sessions.ops.close(k, s->live->worker, s->live->sid, CAUSE_REPLACED);
}

static void reserve(struct keeper *k, struct entry *e)
{
	struct session *s = nullptr;
	const char *reason = nullptr;
	struct session_open in = request_of(k, e->open, e->worker);
	const struct session *known = session_of(k, e);
	const char *why = known != nullptr ? quota_refusal(k, known) : nullptr;
	if (why != nullptr) {
		refuse(k, e, 401, why);
		return;
	}
	unsigned status = session_reserve(&k->sessions, &in, clock_now(), &s, &reason);
	if (status != 200)
		finish(k, e, status, reason, nullptr);
	else
		close_old(k, e, s);
}

/* {{ options of the user }} */

static bool has_files(const struct vhost *v)
{
	return v->config_per_user != nullptr || v->config_per_group != nullptr ||
	       v->default_user_config != nullptr || v->default_group_config != nullptr;
}

/* The files, and behind them what the back end said. */
static enum err set_own(struct keeper *k, struct session *s, const Msg__UserFiles *files)
{
	Msg__UserFiles all = MSG__USER_FILES__INIT;
	Msg__UserText facts = MSG__USER_TEXT__INIT, *list[3];
	char *lines OWNED(base_freep) = nullptr;
	size_t len = 0;
	for (size_t i = 0; files != nullptr && i < MIN(files->n_texts, 2ul); i++)
		list[all.n_texts++] = files->texts[i];
	TRY(facts_lines(s->facts, &lines, &len));
	if (len > 0) {
		facts.file = text("answer of the authentication server");
		facts.text = ipc_bytes(lines, len);
		facts.alone = true;
		list[all.n_texts++] = &facts;
	}
	all.texts = list;
	return session_set_own(&k->sessions, s, &all);
}

static void ask_files(struct keeper *k, struct entry *e, const struct session *s)
{
	Msg__UserFilesGet m;
	msg__user_files_get__init(&m);
	m.generation = k->now.number;
	m.vhost = s->vhost;
	m.username = text(session_username(s));
	m.group = text(s->group);
	e->step = STEP_FILES;
	e->until = clock_add_s(clock_now(), FILES_S);
	e->asked = ipc_next_id(k->supervisor);
	if (ipc_send(k->supervisor, MSG_USER_FILES_GET, e->asked, &m.base, nullptr, 0) != ERR_OK)
		refuse(k, e, 503, broken_text);
}

static void start(struct keeper *k, struct entry *e)
{
	struct session *s = session_of(k, e);
	if (s == nullptr) {
		reserve(k, e); /* which refuses */
		return;
	}
	if (has_files(&k->now.cfg->vhosts[s->vhost]))
		ask_files(k, e, s);
	else if (set_own(k, s, nullptr) != ERR_OK)
		refuse(k, e, 503, broken_text);
	else
		reserve(k, e);
}

/* {{ one session, one entry }} */

static bool is_under_way(const struct keeper *k, const uint8_t hash[SESSION_HASH_LEN])
{
	for (const struct entry *e = k->entries.all; e != nullptr; e = e->next)
		if (e->step != STEP_BLOCKED && memcmp(e->hash, hash, SESSION_HASH_LEN) == 0)
			return true;
	return false;
}

static void go_on_blocked(struct keeper *k, const uint8_t hash[SESSION_HASH_LEN])
{
	for (struct entry *e = k->entries.all; e != nullptr; e = e->next)
		if (e->step == STEP_BLOCKED && memcmp(e->hash, hash, SESSION_HASH_LEN) == 0) {
			e->step = 0;
			start(k, e);
			return;
		}
}

void entry_begin(struct keeper *k, struct ipc *ipc, uint32_t id, const Msg__Open *b)
{
	struct session *s = session_usable(&k->sessions, b->cookie.data, b->cookie.len, clock_now());
	struct entry *e = k->entries.n < ENTRIES_MAX && !k->is_stopping ? calloc(1, sizeof *e) : nullptr;
	Msg__Open *open = e != nullptr ? copy(b) : nullptr;
	if (open == nullptr) {
		free(e);
		answer(k, ipc, id, 503, busy_text, nullptr, b);
		return;
	}
	*e = (struct entry){ .worker = ipc_peer_index(ipc), .id = id, .open = open };
	e->channel = k->workers[e->worker].channel;
	if (s != nullptr)
		memcpy(e->hash, s->cookie_hash, sizeof e->hash);
	bool must_wait = s != nullptr && is_under_way(k, e->hash);
	DL_APPEND(k->entries.all, e);
	k->entries.n++;
	e->step = must_wait ? STEP_BLOCKED : 0;
	if (!must_wait)
		start(k, e);
}

/* {{ answers of the supervisor }} */

static struct entry *find(const struct keeper *k, enum step step, uint32_t asked)
{
	for (struct entry *e = k->entries.all; e != nullptr; e = e->next)
		if (e->step == step && e->asked == asked)
			return e;
	return nullptr;
}

void entry_on_files(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__UserFiles *files = (const void *)m->body;
	struct entry *e = find(k, STEP_FILES, m->id);
	struct session *s = e != nullptr ? session_of(k, e) : nullptr;
	if (e == nullptr)
		return;
	if (s == nullptr) {
		refuse(k, e, 401, "the session ended meanwhile");
		return;
	}
	if (files->error[0] != '\0')
		log_err("user.config user=\"%s\" %s", show_name(session_username(s)).text, files->error);
	if (files->error[0] != '\0' || set_own(k, s, files) != ERR_OK)
		refuse(k, e, 503, broken_text);
	else
		reserve(k, e);
}

void entry_on_script_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__ScriptDone *done = (const void *)m->body;
	struct entry *e = find(k, STEP_SCRIPT, m->id);
	if (k->scripts_n > 0)
		k->scripts_n--;
	if (e == nullptr)
		return; /* of another kind: the supervisor has logged it */
	struct session *s = session_of(k, e);
	if (s == nullptr || !s->is_entering) {
		refuse(k, e, 401, "the session ended meanwhile");
		return;
	}
	if (done->error[0] == '\0') {
		enter(k, e, s);
		return;
	}
	log_notice("script.refused_client user=\"%s\" why=\"%s\"", show_name(session_username(s)).text,
		   done->error);
	refuse(k, e, 401, script_text);
}

/* {{ events }} */

static void closed(struct keeper *k, struct entry *e)
{
	struct session *s = session_of(k, e);
	if (s == nullptr || !s->is_entering)
		refuse(k, e, 401, "the session ended meanwhile");
	else
		run_script(k, e, s);
}

/* The session is still on its way between its states: go on at the next tick. */
void entry_closed(struct keeper *k, const struct session *s)
{
	for (struct entry *e = k->entries.all; e != nullptr; e = e->next)
		if (e->step == STEP_CLOSING && memcmp(e->hash, s->cookie_hash, SESSION_HASH_LEN) == 0) {
			e->until = (struct mono){};
			uv_timer_start(&k->tick, k->tick.timer_cb, 0, uv_timer_get_repeat(&k->tick));
		}
}

void entry_tick(struct keeper *k, struct mono now)
{
	for (struct entry *e = k->entries.all, *next; e != nullptr; e = next) {
		next = e->next;
		if ((e->step != STEP_FILES && e->step != STEP_CLOSING) || !clock_is_past(now, e->until))
			continue;
		if (e->step == STEP_FILES)
			refuse(k, e, 503, broken_text);
		else
			closed(k, e);
		return; /* others may have gone with it; the next tick comes soon */
	}
}

void entry_fini(struct keeper *k)
{
	while (k->entries.all != nullptr)
		drop(k, k->entries.all);
}
