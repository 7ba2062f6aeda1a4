/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/setup.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/admin.h"
#include "supervisor/caps.h"
#include "supervisor/net.h"
#include "supervisor/netns.h"
#include "supervisor/start.h"
#include "supervisor/state.h"
#include "supervisor/utmp.h"

constexpr rlim_t FILES_MAX = 1 << 20;      /* descriptors of a worker: a connection each */
constexpr uint32_t SLOTS_DEFAULT = 16'384; /* counters of sessions, where max-clients sets no limit */

/* As much as may be; children inherit it. */
static void raise_limits(uint32_t clients)
{
	struct rlimit now, want = { FILES_MAX, FILES_MAX };
	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return;
	if (now.rlim_max >= FILES_MAX || setrlimit(RLIMIT_NOFILE, &want) != 0) {
		now.rlim_cur = now.rlim_max;
		setrlimit(RLIMIT_NOFILE, &now);
		if (now.rlim_max < clients + 1024ul)
			log_warn("limit.files=%lu is less than max-clients=%u needs: raise LimitNOFILE",
				 now.rlim_max, clients);
	}
}

void setup_workers_n(struct supervisor *s)
{
	uint32_t n = s->now.config->workers;
	s->workers_n = MIN(n != 0 ? n : kit_cpus(), SUPERVISOR_WORKERS_MAX);
}

/* Sockets of inherited descriptors are where they were made. */
static enum err open_listen(struct supervisor *s)
{
	const struct config *c = s->now.config;
	int back = -1;
	if (c->listen_netns == nullptr)
		return listen_open(&s->listen, c, s->args->config, s->workers_n);
	TRY(netns_enter(c->listen_netns, &back));
	enum err e = listen_open(&s->listen, c, s->args->config, s->workers_n);
	TRY(netns_leave(back));
	return e;
}

static enum err open_device(struct supervisor *s)
{
	const struct config *c = s->now.config;
	TRY(tun_open(&s->tun, c->device, s->workers_n, c->tun_offload));
	s->tun.mtu = net_device_mtu(c->vhosts[0].mtu);
	return net_configure(c, s->tun.name, s->tun.mtu);
}

static enum err open_kits(struct supervisor *s)
{
	uint32_t clients = s->now.config->max_clients;
	s->stats_slots_n = clients != 0 ? clients : SLOTS_DEFAULT;
	for (; s->kits_n < s->workers_n; s->kits_n++)
		TRY(kit_init(&s->kits[s->kits_n], s->kits_n, s->stats_slots_n));
	return ERR_OK;
}

enum err setup_resources(struct supervisor *s)
{
	const struct config *c = s->now.config;
	s->started_at = (uint64_t)time(nullptr);
	raise_limits(c->max_clients);
	TRY(open_listen(s));
	TRY(open_device(s));
	if (c->firewall == FIREWALL_NFTABLES)
		firewall_open(&s->firewall, s->tun.name);
	if (c->use_utmp)
		utmp_clear(s->tun.name);
	TRY(open_kits(s));
	if (guardmem_init(&s->guard) != ERR_OK)
		log_warn("guard.off");
	if (c->use_occtl)
		TRY(admin_open(&s->control_socket, c->occtl_socket_file, "occtl-socket-file"));
	TRY(metrics_open(&s->metrics, c));
	if (c->bpf && steering_new(&s->steering, c, &s->listen, &s->tun) != ERR_OK)
		s->steering = nullptr; /* told already; it works without */
	s->shield = shield_new(c, &s->listen, &s->tun, s->steering);
	return s->shield != nullptr ? ERR_OK : ERR_NOMEM;
}

static enum err add_child(struct supervisor *s, enum ipc_role role, unsigned index)
{
	struct child *c = &s->children[s->children_n];
	enum err e = child_init(c, role, index, &s->loop, &start_events, s);
	s->children_n++; /* also a failed one has a timer to close */
	TRY(e);
	return geteuid() != 0 || role == ROLE_WORKER ? ERR_OK : user_of_role(&c->user, s->now.config, role);
}

/* Methods that live in the auth process. */
static bool needs_auth(const struct config *c)
{
	static const char *const methods[] = {
		"pam", "radius", "ldap", "gssapi", "oidc", "oidc-sso", "saml"
	};
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (config_has_method(c, methods[i]))
			return true;
	for (size_t i = 0; i < c->vhosts_n; i++)
		if (c->vhosts[i].client_ocsp != CLIENT_OCSP_OFF && config_wants_certificate(&c->vhosts[i]))
			return true;
	return false;
}

enum err setup_auth(struct supervisor *s, const struct config *c, bool *is_new)
{
	bool with_pam = config_has_method(c, "pam");
	*is_new = false;
	for (size_t i = 0; i < s->children_n; i++)
		if (s->children[i].role == ROLE_AUTH) {
			if (with_pam && s->children[i].caps != caps_of_auth(true))
				log_warn(
					"reload.restart_needed pam: passwords cannot be changed before a restart");
			return ERR_OK;
		}
	if (!needs_auth(c))
		return ERR_OK;
	TRY(add_child(s, ROLE_AUTH, 0));
	s->children[s->children_n - 1].caps = caps_of_auth(with_pam);
	*is_new = true;
	return ERR_OK;
}

enum err setup_children(struct supervisor *s)
{
	bool is_new;
	TRY(add_child(s, ROLE_KEEPER, 0));
	if (s->args->test_only)
		return setup_auth(s, s->now.config, &is_new);
	state_open(supervisor_keeper(s), s->now.config->state_dir);
	TRY(add_child(s, ROLE_CONTROL, 0));
	struct user worker = { 0 };
	TRY(user_of_role(&worker, s->now.config, ROLE_WORKER)); /* looked up once: one warning */
	if (worker.uid == supervisor_keeper(s)->user.uid)
		log_warn(
			"user.shared run-as-user and keeper-user are the same: a worker could reach into the keeper");
	for (unsigned i = 0; i < s->workers_n; i++) {
		TRY(add_child(s, ROLE_WORKER, i));
		s->children[s->children_n - 1].user = worker;
	}
	if (s->metrics.n > 0)
		TRY(add_child(s, ROLE_METRICS, 0));
	return setup_auth(s, s->now.config, &is_new);
}

void setup_undo(struct supervisor *s)
{
	firewall_close(&s->firewall); /* while the device is there, so that nothing passes between */
	shield_freep(&s->shield);
	steering_freep(&s->steering);
	for (unsigned i = 0; i < s->kits_n; i++)
		kit_fini(&s->kits[i]);
	guardmem_fini(&s->guard);
	tun_close(&s->tun);
	listen_close(&s->listen);
	if (s->control_socket >= 0)
		unlink(s->now.config->occtl_socket_file);
	base_closep(&s->control_socket);
	metrics_close(&s->metrics, s->now.config);
}
