/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/authority.h"

#include <string.h>
#include <wolfssl/wolfcrypt/hash.h>

#include "base/log.h"
#include "worker/farewell.h"
#include "worker/session.h"
#include "worker/web.h"
#include "worker/worker.h"

/* protobuf-c's strings are not const */
static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static ProtobufCBinaryData ip_bytes(const struct addr *a)
{
	const uint8_t *ip;
	size_t len = addr_ip(a, &ip);
	return ipc_bytes(ip, len);
}

static enum err ask(struct conn *c, enum msg type, const ProtobufCMessage *body)
{
	struct worker *w = c->w;
	if (!ipc_is_alive(w->keeper))
		return ERR_CLOSED;
	assert(c->asked_id == 0);
	uint32_t id = ipc_next_id(w->keeper);
	TRY(ipc_send(w->keeper, type, id, body, nullptr, 0));
	c->asked_id = id;
	HASH_ADD(by_asked, w->waiting, asked_id, sizeof c->asked_id, c);
	return ERR_OK;
}

void authority_forget(struct conn *c)
{
	if (c->asked_id == 0)
		return;
	HASH_DELETE(by_asked, c->w->waiting, c);
	c->asked_id = 0;
}

/* The connection that asked; nullptr if it is gone. */
static struct conn *asker(struct worker *w, uint32_t id)
{
	struct conn *c;
	HASH_FIND(by_asked, w->waiting, &id, sizeof id, c);
	if (c != nullptr)
		authority_forget(c);
	return c;
}

enum err authority_sign(struct conn *c)
{
	struct tls_sign *s = c->tls.sign;
	Msg__Sign m = MSG__SIGN__INIT;
	m.generation = c->tls.ctx->generation;
	m.key = c->tls.cert->key;
	m.scheme = s->scheme;
	m.hash = s->hash;
	m.digest = ipc_bytes(s->bytes, s->len);
	TRY(ask(c, MSG_SIGN, &m.base));
	s->state = TLS_SIGN_WAITING;
	return ERR_OK;
}

/* openconnect has a window of its own only in some of its front ends, but always a browser of the system if it says so. */
static uint32_t sso_can(const struct conn *c, const struct login_req *req, bool has_key)
{
	enum login_client client = login_client_class(http_header(&c->web->http, "User-Agent"));
	bool external = has_key && (req->capabilities & LOGIN_CAP_SSO_BROWSER) != 0;
	uint32_t can = (req->capabilities & LOGIN_CAP_SSO_V2) != 0 ? SSO_CAN_EMBEDDED : 0;
	if (config_sso_url(tls_vhost(&c->tls)) == nullptr || c->web->dialect != LOGIN_XML)
		return 0;
	if (external)
		can |= SSO_CAN_EXTERNAL;
	if (external && client == LOGIN_CLIENT_OPENCONNECT)
		can |= SSO_LIKES_EXTERNAL;
	return can;
}

/* With an end, wiped by authority_auth; one thread. */
static char bearer[HTTP_HEAD_MAX];

enum err authority_auth(struct conn *c, const struct login_req *req, const uint8_t *auth_id,
			size_t auth_id_len, struct slice token)
{
	char agent[128];
	http_header_text(&c->web->http, "User-Agent", agent, sizeof agent);
	Msg__Auth m = MSG__AUTH__INIT;
	m.auth_id = ipc_bytes(auth_id, auth_id_len);
	m.vhost_name = text(tls_vhost(&c->tls)->name);
	m.has_username = req->has_username;
	m.username = text(req->username);
	m.has_password = req->has_password;
	m.password = text(req->password);
	m.has_secondary = req->has_secondary;
	m.secondary = text(req->secondary);
	m.client_cert_fail = req->client_cert_fail;
	struct slice cert = web_client_cert(c);
	m.client_cert = ipc_bytes(cert.p, cert.n);
	m.token = ipc_bytes((const uint8_t *)token.p, token.n);
	uint8_t strap_key[STRAP_KEY_LEN];
	if (strap_parse_key(strap_key, http_header(&c->web->http, "X-AnyConnect-STRAP-Pubkey")) == ERR_OK)
		m.strap_key = ipc_bytes(strap_key, sizeof strap_key);
	if (c->web->is_bearer)
		TRY(text_copy(bearer, sizeof bearer, web_bearer(c)));
	m.bearer = bearer;
	uint8_t sso_key[STRAP_KEY_LEN];
	bool has_key = strap_parse_key(sso_key, http_header(&c->web->http, "X-AnyConnect-STRAP-DH-Pubkey")) ==
		       ERR_OK;
	m.sso_can = sso_can(c, req, has_key);
	m.sso_key = ipc_bytes(sso_key, has_key ? sizeof sso_key : 0);
	m.sso_token = text(req->sso_token);
	m.group = text(c->web->group);
	m.remote_ip = ip_bytes(&c->remote);
	m.user_agent = agent;
	m.device_type = text(req->device.type);
	m.device_platform = text(req->device.id);
	m.hostname = text(req->device.computer_name);
	enum err e = ask(c, MSG_AUTH, &m.base);
	if (c->web->is_bearer)
		explicit_bzero(bearer, sizeof bearer);
	return e;
}

/* As above. */
static char saml[SSO_SAML_MAX + 1];

enum err authority_sso(struct conn *c, enum msgs_sso_step step, const struct sso_query *q,
		       const uint8_t *browser)
{
	Msg__Sso m = MSG__SSO__INIT;
	m.step = step;
	m.vhost_name = text(tls_vhost(&c->tls)->name);
	m.ref = ipc_bytes(q->id, q->has_id ? sizeof q->id : 0);
	m.state = ipc_bytes(q->state, q->has_state ? sizeof q->state : 0);
	m.browser = ipc_bytes(browser, browser != nullptr ? SSO_ID_LEN : 0);
	m.code = text(q->code);
	if (q->saml.p != nullptr) {
		TRY(text_percent_decode(saml, sizeof saml, q->saml, true));
		m.code = saml;
	}
	m.error = text(q->error);
	m.remote_ip = ip_bytes(&c->remote);
	enum err e = ask(c, MSG_SSO, &m.base);
	if (q->saml.p != nullptr)
		explicit_bzero(saml, strlen(saml));
	return e;
}

enum err authority_check(struct conn *c, const uint8_t *cookie, const uint8_t *auth_id)
{
	Msg__Check m = MSG__CHECK__INIT;
	if (cookie != nullptr)
		m.cookie = ipc_bytes(cookie, CONNECT_COOKIE_LEN);
	if (auth_id != nullptr)
		m.auth_id = ipc_bytes(auth_id, CONNECT_COOKIE_LEN);
	return ask(c, MSG_CHECK, &m.base);
}

/* What the client may have signed to open a tunnel on this very connection; how many. */
static size_t digest_strap(struct conn *c, const struct strap *s,
			   uint8_t out[TLS_BINDINGS_MAX][WC_SHA256_DIGEST_SIZE])
{
	struct tls_binding bindings[TLS_BINDINGS_MAX];
	uint8_t bytes[STRAP_BINDING_MAX + STRAP_DER_LEN];
	size_t n = tls_bindings(&c->tls, bindings), digests_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct writer w = writer_of(bytes, sizeof bytes);
		strap_emit_signed(&w, bindings[i].bytes, bindings[i].len, s->key);
		digests_n += writer_ok(&w) && wc_Sha256Hash(bytes, (word32)w.len, out[digests_n]) == 0;
	}
	return digests_n;
}

enum err authority_open(struct conn *c)
{
	const struct connect_req *r = &c->web->connect;
	Msg__Open m = MSG__OPEN__INIT;
	m.cookie = ipc_bytes(r->cookie, sizeof r->cookie);
	m.vhost_name = text(tls_vhost(&c->tls)->name);
	m.remote_ip = ip_bytes(&c->remote);
	m.remote_port = c->remote.port;
	m.local_ip = ip_bytes(&c->local);
	m.user_agent = text(r->user_agent);
	m.hostname = text(r->hostname);
	m.device_type = text(r->device_type);
	m.device_platform = text(r->device_platform);
	m.want_ipv4 = r->want_ipv4;
	m.want_ipv6 = r->want_ipv6 && session_has_room_for_ip6(c, &c->w->gen.config->vhosts[m.vhost], r);
	uint8_t digests[TLS_BINDINGS_MAX][WC_SHA256_DIGEST_SIZE];
	ProtobufCBinaryData list[TLS_BINDINGS_MAX];
	const struct strap *s = &c->web->strap;
	if (s->has_key && s->has_signature) {
		m.strap_key = ipc_bytes(s->key, sizeof s->key);
		m.strap_signature = ipc_bytes(s->signature, sizeof s->signature);
		m.n_strap_digests = digest_strap(c, s, digests);
		for (size_t i = 0; i < m.n_strap_digests; i++)
			list[i] = ipc_bytes(digests[i], sizeof digests[i]);
		m.strap_digests = list;
	}
	return ask(c, MSG_OPEN, &m.base);
}

void authority_closed(struct worker *w, const struct session *s, enum msgs_cause cause)
{
	Msg__Closed m = MSG__CLOSED__INIT;
	m.sid = s->route.sid;
	m.cause = cause;
	m.rx_bytes = atomic_load_explicit(&s->slot->rx_bytes, memory_order_relaxed);
	m.tx_bytes = atomic_load_explicit(&s->slot->tx_bytes, memory_order_relaxed);
	m.untold = quota_untold(s);
	farewell_say(w, &m, s->facts);
}

void authority_give_back(struct worker *w, uint64_t sid)
{
	Msg__Closed m = MSG__CLOSED__INIT;
	m.sid = sid;
	m.cause = CAUSE_NETWORK;
	if (!ipc_is_alive(w->keeper) || ipc_send(w->keeper, MSG_CLOSED, 0, &m.base, nullptr, 0) != ERR_OK)
		log_warn("keeper.unreachable sid=%lu", sid);
}

void authority_logout(struct worker *w, const uint8_t *cookie, size_t len)
{
	if (!ipc_is_alive(w->keeper))
		return;
	Msg__Logout m = MSG__LOGOUT__INIT;
	m.cookie = ipc_bytes(cookie, len);
	if (ipc_send(w->keeper, MSG_LOGOUT, 0, &m.base, nullptr, 0) != ERR_OK)
		log_warn("keeper.unreachable at=logout");
}

/* {{ answers }} */

static void on_sign_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct conn *c = asker(ipc_owner(ipc), m->id);
	if (c == nullptr || c->tls.sign == nullptr || c->tls.sign->state != TLS_SIGN_WAITING)
		return;
	const Msg__SignDone *done = (const Msg__SignDone *)m->body;
	struct tls_sign *s = c->tls.sign;
	if (done->signature.len == 0 || done->signature.len > sizeof s->bytes) {
		s->state = TLS_SIGN_FAILED;
	} else {
		memcpy(s->bytes, done->signature.data, done->signature.len);
		s->len = (uint16_t)done->signature.len;
		s->state = TLS_SIGN_READY;
	}
	conn_signed(c);
}

static void on_auth_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct conn *c = asker(ipc_owner(ipc), m->id);
	if (c != nullptr && c->state == CONN_ASKED)
		web_auth_done(c, (const Msg__AuthDone *)m->body);
}

static void on_sso_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct conn *c = asker(ipc_owner(ipc), m->id);
	if (c != nullptr && c->state == CONN_ASKED)
		web_sso_done(c, (const Msg__SsoDone *)m->body);
}

static void on_open_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	const Msg__OpenDone *done = (const Msg__OpenDone *)m->body;
	struct conn *c = asker(w, m->id);
	if (c != nullptr && c->state == CONN_ASKED) {
		web_open_done(c, done);
	} else if (done->status == 200 && done->session != nullptr) {
		/* the client left while the keeper decided */
		authority_give_back(w, done->session->sid);
	}
}

static void on_check_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct conn *c = asker(ipc_owner(ipc), m->id);
	if (c != nullptr && c->state == CONN_ASKED)
		web_check_done(c, ((const Msg__CheckDone *)m->body)->known);
}

static void on_session_close(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	const Msg__SessionClose *order = (const Msg__SessionClose *)m->body;
	struct route *r = steer_find_sid(&w->steer, order->sid);
	if (r != nullptr && r->own != nullptr)
		session_close(r->own, (enum msgs_cause)order->cause);
}

static void on_route(struct ipc *ipc, struct ipc_msg *m)
{
	steer_announced(ipc_owner(ipc), (const Msg__Route *)m->body);
}

static void on_traffic_get(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	const Msg__TrafficGet *want = (const Msg__TrafficGet *)m->body;
	const struct route *r = steer_find_sid(&w->steer, want->sid);
	if (r == nullptr || r->own == nullptr)
		return; /* it has just ended: CLOSED tells all */
	Msg__Traffic t = MSG__TRAFFIC__INIT;
	t.sid = want->sid;
	t.rx_bytes = atomic_load_explicit(&r->own->slot->rx_bytes, memory_order_relaxed);
	t.tx_bytes = atomic_load_explicit(&r->own->slot->tx_bytes, memory_order_relaxed);
	if (ipc_send(ipc, MSG_TRAFFIC, m->id, &t.base, nullptr, 0) != ERR_OK)
		log_warn("keeper.unreachable sid=%lu", t.sid);
}

static void on_ticket_keys(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	if (tls_live_set_keys(&w->tls_live, (Msg__TicketKeys *)m->body) != ERR_OK)
		log_err("tls.bad_ticket_keys");
}

static void on_staple(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	enum err e = tls_live_set_staple(&w->tls_live, (const Msg__Staple *)m->body);
	if (e != ERR_OK)
		log_warn("tls.staple_lost why=\"%s\"", err_text(e));
}

static ipc_handler *const handlers[MSG_N] = {
	[MSG_SIGN_DONE] = on_sign_done,
	[MSG_AUTH_DONE] = on_auth_done,
	[MSG_SSO_DONE] = on_sso_done,
	[MSG_OPEN_DONE] = on_open_done,
	[MSG_SESSION_CLOSE] = on_session_close,
	[MSG_ROUTE] = on_route,
	[MSG_TRAFFIC_GET] = on_traffic_get,
	[MSG_TICKET_KEYS] = on_ticket_keys,
	[MSG_STAPLE] = on_staple,
	[MSG_CHECK_DONE] = on_check_done,
	[MSG_QUOTA_BUDGET] = quota_on_budget,
	[MSG_CLOSED_DONE] = farewell_on_done,
};

/* {{ life }} */

static void refuse_waiting(struct worker *w)
{
	struct conn *c, *next;
	HASH_ITER(by_asked, w->waiting, c, next) {
		authority_forget(c);
		if (c->state == CONN_ASKED)
			web_unavailable(c);
		else
			conn_close(c);
	}
}

static void on_ended(struct ipc *ipc, enum ipc_end why)
{
	struct worker *w = ipc_owner(ipc);
	if (why == IPC_END_VIOLATION)
		worker_report_violation(w, ROLE_KEEPER, 0, "message");
	if (w->keeper == ipc)
		w->keeper = nullptr;
	ipc_free(ipc);
	log_warn("keeper.gone sessions=%zu: tunnels go on, logins wait for the next keeper", w->sessions_n);
	refuse_waiting(w);
}

enum err authority_connect(struct worker *w, int fd)
{
	if (w->keeper != nullptr) {
		ipc_freep(&w->keeper);
		refuse_waiting(w);
	}
	struct ipc_conf conf = { .loop = &w->loop,
				 .fd = fd,
				 .self = ROLE_WORKER,
				 .peer = ROLE_KEEPER,
				 .handlers = handlers,
				 .ended = on_ended,
				 .owner = w };
	TRY(ipc_new(&w->keeper, &conf));
	steer_forget_others(&w->steer);
	farewell_say_all(w);
	session_report_all(w);
	quota_ask_again(w);
	return ERR_OK;
}
