/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/serve.h"

#include <string.h>
#include <time.h>

#include "base/log.h"
#include "keeper/auth_kind.h"
#include "keeper/entry.h"
#include "keeper/firewall.h"
#include "keeper/iroute.h"
#include "keeper/keeper.h"
#include "keeper/script.h"
#include "keeper/session_msg.h"

static char *text(const char *t)
{
	return (char *)(uintptr_t)(t != nullptr ? t : "");
}

static void send_to(struct ipc *ipc, enum msg type, uint32_t id, const ProtobufCMessage *body)
{
	/* a channel that is dead or full ends by itself: its end is what counts, not the lost message */
	if (ipc_send(ipc, type, id, body, nullptr, 0) != ERR_OK)
		log_debug("keeper.send_failed worker=%u msg=%d", ipc_peer_index(ipc), (int)type);
}

static struct session_client client_of(const char *agent, const char *host, const char *type,
				       const char *platform)
{
	return (struct session_client){ text(agent), text(host), text(type), text(platform) };
}

static struct addr addr_of(ProtobufCBinaryData ip, uint32_t port)
{
	struct addr a = addr_of_ip(ip.data, ip.len);
	a.port = (uint16_t)port;
	return a;
}

uint32_t serve_vhost_index(const struct keeper *k, const char *name)
{
	const struct vhost *v = config_vhost(k->now.cfg, name);
	return strcmp(v->name, name) == 0 ? v->index : UINT32_MAX;
}

/* {{ SIGN }} */

/* Workers may be a generation ahead of or behind us for a moment. */
static struct key *find_key(const struct keeper *k, const Msg__Sign *s)
{
	const struct edition *const all[] = { &k->now, &k->next, &k->before };
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct key *key = edition_key(all[i], s->generation, s->key);
		if (key != nullptr)
			return key;
	}
	return nullptr;
}

static void on_sign(struct ipc *ipc, struct ipc_msg *m)
{
	const struct keeper *k = ipc_owner(ipc);
	const Msg__Sign *s = (const void *)m->body;
	uint8_t signature[KEY_SIGNATURE_MAX];
	size_t len = 0;
	struct key *key = find_key(k, s);
	enum err e = key == nullptr || s->scheme > UINT8_MAX
			     ? ERR_NOTFOUND
			     : key_sign(key, (enum msgs_sign)s->scheme, s->hash, s->digest.data,
					s->digest.len, signature, &len);
	if (e != ERR_OK)
		log_warn("key.sign_failed worker=%u generation=%u key=%u scheme=%u error=\"%s\"",
			 ipc_peer_index(ipc), s->generation, s->key, s->scheme, err_text(e));
	Msg__SignDone done = MSG__SIGN_DONE__INIT;
	done.signature = ipc_bytes(signature, e == ERR_OK ? len : 0);
	send_to(ipc, MSG_SIGN_DONE, m->id, &done.base);
}

/* {{ AUTH }} */

/* The bytes, if they are as many as they must be. */
static const uint8_t *bytes_of(ProtobufCBinaryData b, size_t len)
{
	return b.len == len ? b.data : nullptr;
}

static const uint8_t *key_of(ProtobufCBinaryData b)
{
	return bytes_of(b, SESSION_STRAP_KEY_LEN);
}

static void on_auth(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Auth *b = (const void *)m->body;
	unsigned worker = ipc_peer_index(ipc);
	const struct auth_request r = {
		.ticket = { .worker = worker, .channel = k->workers[worker].channel, .id = m->id },
		.auth_id = b->auth_id.data,
		.auth_id_len = b->auth_id.len,
		.vhost = serve_vhost_index(k, b->vhost_name),
		.username = b->has_username ? b->username : nullptr,
		.password = b->has_password ? b->password : nullptr,
		.group = b->group,
		.cert = b->client_cert.data,
		.cert_len = b->client_cert.len,
		.sso_can = (uint8_t)b->sso_can,
		.sso_key = bytes_of(b->sso_key, AUTH_SSO_KEY_LEN),
		.sso_token = b->sso_token[0] != '\0' ? b->sso_token : nullptr,
		.bearer = b->bearer[0] != '\0' ? b->bearer : nullptr,
		.token = b->token.data,
		.token_len = b->token.len,
		.strap_key = key_of(b->strap_key),
		.remote = addr_of(b->remote_ip, 0),
		.client = client_of(b->user_agent, b->hostname, b->device_type, b->device_platform),
	};
	auth_request(&k->auth, &r, clock_now());
	explicit_bzero(b->password,
		       strlen(b->password)); /* an empty one is a shared constant and has no byte to write */
	explicit_bzero(b->bearer, strlen(b->bearer));
	explicit_bzero(b->sso_token, strlen(b->sso_token));
}

static void answer_auth(void *ctx, const struct auth_ticket *t, const struct auth_answer *a)
{
	struct keeper *k = ctx;
	Msg__AuthDone done;
	msg__auth_done__init(&done);
	done.verdict = a->verdict;
	done.message = text(a->message);
	done.username = text(a->username);
	done.group = text(a->group);
	done.error = text(a->error);
	if (a->prompt != nullptr) {
		done.password_label = text(a->prompt->label);
		/* openconnect's token fills the second one: protocol.md 4.5 */
		bool is_first = a->cert_authenticated && !a->prompt->is_challenge;
		done.password_name = text(is_first ? "password" : "secondary_password");
		done.echo = a->prompt->echo;
		done.is_challenge = a->prompt->is_challenge;
		done.wants_token = a->prompt->wants_token;
	}
	if (a->prompt != nullptr && a->prompt->is_sso) {
		done.sso_ref = ipc_bytes(a->prompt->sso_ref, AUTH_SSO_LEN);
		done.sso_base = text(a->prompt->sso_base);
		done.sso_external = a->prompt->sso_external;
	}
	done.cert_authenticated = a->cert_authenticated;
	if (a->token != nullptr)
		done.token = ipc_bytes(a->token->bytes, a->token->len);
	done.ask_username = a->ask_username;
	done.ask_password = a->ask_password;
	done.retry = a->retry;
	done.cookie_timeout_s = a->cookie_timeout_s;
	if (a->auth_id != nullptr)
		done.auth_id = ipc_bytes(a->auth_id, AUTH_ID_LEN);
	if (a->cookie != nullptr)
		done.cookie = ipc_bytes(a->cookie, SESSION_COOKIE_LEN);
	if (a->cookie == nullptr || !recall_holds(&k->recall, t, &done, clock_now()))
		serve_auth_done(k, t, &done);
}

void serve_auth_done(const struct keeper *k, const struct auth_ticket *t, const Msg__AuthDone *done)
{
	const struct keeper_worker *w = &k->workers[t->worker];
	if (w->ipc != nullptr && w->channel == t->channel)
		send_to(w->ipc, MSG_AUTH_DONE, t->id, &done->base);
}

static enum err login(void *ctx, const struct session_login *in, struct mono now,
		      uint8_t cookie[SESSION_COOKIE_LEN])
{
	struct keeper *k = ctx;
	return session_login(&k->sessions, in, now, time(nullptr), cookie);
}

static void login_failed(void *ctx, const struct auth_failure *f)
{
	event_login_failed(ctx, f);
}

const struct auth_ops keeper_auth_ops = {
	.answer = answer_auth,
	.start = auth_kind_start,
	.cancel = auth_kind_cancel,
	.login = login,
	.failed = login_failed,
	.wrong = watch_wrong_password,
	.answered = trouble_answered,
};

/* {{ OPEN, CLOSED, LOGOUT }} */

static void on_open(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Open *b = (const void *)m->body;
	if (!restore_holds(k, ipc, m))
		entry_begin(k, ipc, m->id, b);
	explicit_bzero(b->cookie.data, b->cookie.len);
}

static void on_logout(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Logout *b = (const void *)m->body;
	session_logout(&k->sessions, b->cookie.data, b->cookie.len, clock_now());
	explicit_bzero(b->cookie.data, b->cookie.len);
}

static void on_check(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Check *b = (const void *)m->body;
	struct mono now = clock_now();
	Msg__CheckDone done = MSG__CHECK_DONE__INIT;
	done.known = session_is_usable(&k->sessions, b->cookie.data, b->cookie.len, now) ||
		     auth_is_known(&k->auth, b->auth_id.data, b->auth_id.len, now);
	send_to(ipc, MSG_CHECK_DONE, m->id, &done.base);
	if (b->cookie.len > 0)
		explicit_bzero(b->cookie.data, b->cookie.len);
}

/* {{ what the keeper says on its own }} */

static void close_session(void *ctx, uint32_t worker, uint64_t sid, enum msgs_cause cause)
{
	const struct keeper *k = ctx;
	Msg__SessionClose body = MSG__SESSION_CLOSE__INIT;
	body.sid = sid;
	body.cause = cause;
	if (worker < KEEPER_WORKERS_MAX && k->workers[worker].ipc != nullptr)
		send_to(k->workers[worker].ipc, MSG_SESSION_CLOSE, ipc_next_id(k->workers[worker].ipc),
			&body.base);
}

static void send_route(struct ipc *ipc, const struct session *s, bool gone)
{
	Msg__Route body;
	struct iroute_list iroutes;
	session_msg_fill_route(&body, s, gone);
	iroute_fill(&iroutes, s);
	body.iroutes = iroutes.v;
	body.n_iroutes = iroutes.n;
	send_to(ipc, MSG_ROUTE, ipc_next_id(ipc), &body.base);
}

static void announce(void *ctx, const struct session *s, bool gone)
{
	struct keeper *k = ctx;
	maps_route(&k->maps, s, gone);
	if (gone)
		iroute_tell(k, s, true);
	for (unsigned i = 0; i < KEEPER_WORKERS_MAX; i++)
		if (k->workers[i].ipc != nullptr)
			send_route(k->workers[i].ipc, s, gone);
}

/* For use-utmp.  An end is told also when the option was switched off meanwhile. */
static void tell_utmp(struct keeper *k, const struct session *s, uint64_t sid, bool gone)
{
	const uint8_t *ip = nullptr;
	size_t len = addr_ip(&s->remote, &ip);
	Msg__Utmp m = MSG__UTMP__INIT;
	if (!k->uses_utmp && !k->now.cfg->use_utmp)
		return;
	k->uses_utmp = true;
	m.sid = sid;
	m.gone = gone;
	m.username = text(session_username(s));
	m.remote_ip = ipc_bytes(ip, len);
	if (ipc_is_alive(k->supervisor))
		send_to(k->supervisor, MSG_UTMP, ipc_next_id(k->supervisor), &m.base);
}

static void begun(void *ctx, const struct session *s)
{
	recall_begun(ctx, s);
	firewall_begun(ctx, s);
}

static void opened(void *ctx, struct session *s)
{
	acct_opened(ctx, s);
	tell_utmp(ctx, s, s->sid, false);
	iroute_tell(ctx, s, false);
	script_host_update(ctx, s);
	event_opened(ctx, s);
}

static void closed(void *ctx, const struct session *s, const struct session_end *end)
{
	acct_closed(ctx, s, end);
	tell_utmp(ctx, s, end->sid, true);
	firewall_ended(ctx, end->sid);
	script_disconnect(ctx, s, end);
	entry_closed(ctx, s);
	event_closed(ctx, s, end);
}

const struct session_ops keeper_session_ops = {
	.close = close_session,
	.route = announce,
	.opened = opened,
	.closed = closed,
	.put = recall_put,
	.drop = recall_drop,
	.begun = begun,
	.ended = recall_ended,
};

/* {{ channels }} */

static ipc_handler *const handlers[MSG_N] = {
	[MSG_SIGN] = on_sign,
	[MSG_AUTH] = on_auth,
	[MSG_SSO] = sso_on_browser,
	[MSG_OPEN] = on_open,
	[MSG_CLOSED] = closing_on_closed,
	[MSG_LOGOUT] = on_logout,
	[MSG_REPORT] = restore_on_report,
	[MSG_TRAFFIC] = acct_on_traffic,
	[MSG_CHECK] = on_check,
	[MSG_QUOTA_USED] = quota_on_used,
	[MSG_GUARD_SEEN] = watch_on_seen,
};

void serve_report_violation(struct keeper *k, enum ipc_role role, unsigned index)
{
	static char what[] = "a message it may not send to the keeper";
	Msg__Violation v;
	msg__violation__init(&v);
	v.role = role;
	v.index = index;
	v.what = what;
	if (ipc_is_alive(k->supervisor))
		send_to(k->supervisor, MSG_VIOLATION, ipc_next_id(k->supervisor), &v.base);
}

void serve_disconnect(struct keeper *k, unsigned worker)
{
	if (k->workers[worker].ipc == nullptr)
		return;
	ipc_freep(&k->workers[worker].ipc);
	sessions_worker_lost(&k->sessions, worker, clock_now());
}

static void on_ended(struct ipc *ipc, enum ipc_end why)
{
	struct keeper *k = ipc_owner(ipc);
	unsigned worker = ipc_peer_index(ipc);
	log_notice("keeper.worker_lost worker=%u violation=%d", worker, why == IPC_END_VIOLATION);
	serve_disconnect(k, worker);
	if (why == IPC_END_VIOLATION)
		serve_report_violation(k, ROLE_WORKER, worker);
}

static void send_all_routes(struct keeper *k, struct ipc *ipc)
{
	struct session *s, *next;
	HASH_ITER(hh, k->sessions.by_cookie, s, next)
		if (s->state == SESSION_OPEN)
			send_route(ipc, s, false);
}

void serve_connect(struct keeper *k, unsigned worker, int fd)
{
	struct keeper_worker *w = &k->workers[worker];
	serve_disconnect(k, worker); /* its successor may come before we see its end */
	const struct ipc_conf conf = { .loop = k->loop,
				       .fd = fd,
				       .self = ROLE_KEEPER,
				       .peer = ROLE_WORKER,
				       .peer_index = worker,
				       .handlers = handlers,
				       .ended = on_ended,
				       .owner = k };
	enum err e = ipc_new(&w->ipc, &conf);
	if (e != ERR_OK) {
		base_closep(&fd);
		log_err("keeper.peer worker=%u error=\"%s\"", worker, err_text(e));
		return;
	}
	w->channel = ++k->last_channel;
	send_all_routes(k, w->ipc);
	ticket_send(k, w->ipc);
	staple_send(k, w->ipc);
}
