/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The world around the control process: real sockets, real messages; keeper and supervisor are played here.
 * Everything runs in one loop, which is turned by hand.  Included by one test program each.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "control/ask.h"
#include "control/control.h"
#include "control/watch.h"

constexpr uint32_t SLOTS = 4;

static struct world {
	struct control c;
	struct config config;
	struct vhost vhost;
	struct ipc *keeper, *supervisor; /* their ends */
	struct stats_region *region;
	char dir[32], path[64];
	bool keeper_is_mute;
	uint32_t sessions_n;  /* that the keeper lists; the first is alice, 5001 */
	const char *problems; /* that a reload finds */
	unsigned stops;
	bool events_on; /* the keeper was told that they are wanted */
	Msg__Disconnect last;
	char last_session[64];
} w;

static inline void send_item(struct ipc *ipc, uint32_t id, uint32_t i)
{
	static uint8_t v4[] = { 10, 0, 0, 7 }, remote[] = { 192, 0, 2, 1 }, hash[32] = { 1, 2, 3 };
	Msg__Session s;
	msg__session__init(&s);
	s.sid = 5001 + i;
	s.username = i == 0 ? (char[]){ "alice" } : (char[]){ "b\xffob" };
	s.user_agent = (char[]){ "agent\x1b[2J" };
	s.ipv4 = ipc_bytes(v4, sizeof v4);
	s.remote_ip = ipc_bytes(remote, sizeof remote);
	s.cookie_hash = ipc_bytes(hash, sizeof hash);
	s.connected = true;
	s.connected_at = s.logged_in_at = (uint64_t)time(nullptr) - 10;
	Msg__ListItem item;
	msg__list_item__init(&item);
	item.session = &s;
	assert_int_equal(ipc_send(ipc, MSG_LIST_ITEM, id, &item.base, nullptr, 0), ERR_OK);
}

static inline bool is_listed(const Msg__List *q, uint32_t i)
{
	if (*q->username != '\0')
		return i == 0 && strcmp(q->username, "alice") == 0;
	return q->sid == 0 || q->sid == 5001 + i;
}

static inline void keeper_on_list(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__List *q = (const void *)m->body;
	Msg__ListItem end;
	if (w.keeper_is_mute)
		return;
	for (uint32_t i = 0; i < w.sessions_n; i++)
		if (is_listed(q, i))
			send_item(ipc, m->id, i);
	msg__list_item__init(&end);
	end.end = true;
	assert_int_equal(ipc_send(ipc, MSG_LIST_ITEM, m->id, &end.base, nullptr, 0), ERR_OK);
}

static inline void keeper_on_disconnect(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Disconnect *q = (const void *)m->body;
	Msg__Count count;
	msg__count__init(&count);
	w.last = *q;
	snprintf(w.last_session, sizeof w.last_session, "%s", q->session);
	if (strcmp(q->session, "AQIDAA") == 0)
		count.error = (char[]){ "several" };
	count.n = strcmp(q->username, "alice") == 0 || q->sid == 5001;
	assert_int_equal(ipc_send(ipc, MSG_DISCONNECT_DONE, m->id, &count.base, nullptr, 0), ERR_OK);
}

static inline void keeper_on_events(struct ipc *, struct ipc_msg *m)
{
	w.events_on = ((const Msg__Events *)m->body)->on;
}

static inline void keeper_on_status(struct ipc *ipc, struct ipc_msg *m)
{
	Msg__KeeperStatus s;
	if (w.keeper_is_mute)
		return;
	msg__keeper_status__init(&s);
	s.active = w.sessions_n;
	s.auth_time_max_ms = 3500;
	Msg__Broken broken, *list[] = { &broken };
	msg__broken__init(&broken);
	broken.method = (char[]){ "radius" };
	broken.n = 7;
	s.broken = list;
	s.n_broken = 1;
	s.auth_broken = 7;
	assert_int_equal(ipc_send(ipc, MSG_STATUS_DONE, m->id, &s.base, nullptr, 0), ERR_OK);
}

static inline void supervisor_on_status(struct ipc *ipc, struct ipc_msg *m)
{
	Msg__Process keeper;
	msg__process__init(&keeper);
	keeper.name = (char[]){ "keeper" };
	keeper.pid = 77;
	Msg__Process *processes[] = { &keeper };
	char *features[] = { (char[]){ "steering=on" } };
	Msg__SupervisorStatus s;
	msg__supervisor_status__init(&s);
	s.n_processes = 1;
	s.processes = processes;
	s.n_features = 1;
	s.features = features;
	s.tun_name = (char[]){ "vpns0" };
	assert_int_equal(ipc_send(ipc, MSG_SUPERVISOR_STATUS_DONE, m->id, &s.base, nullptr, 0), ERR_OK);
}

static inline void supervisor_on_reload(struct ipc *ipc, struct ipc_msg *m)
{
	Msg__Done done;
	msg__done__init(&done);
	done.error = (char *)(uintptr_t)w.problems;
	assert_int_equal(ipc_send(ipc, MSG_RELOAD_DONE, m->id, &done.base, nullptr, 0), ERR_OK);
}

static inline void supervisor_on_stop(struct ipc *, struct ipc_msg *)
{
	w.stops++;
}

static inline void on_keeper_ended(struct ipc *ipc, enum ipc_end)
{
	struct control *c = ipc_owner(ipc);
	ipc_freep(&c->keeper);
	job_keeper_lost(c);
	watch_gap(c);
}

static ipc_handler *const keeper_handlers[MSG_N] = {
	[MSG_LIST] = keeper_on_list,
	[MSG_DISCONNECT] = keeper_on_disconnect,
	[MSG_STATUS] = keeper_on_status,
	[MSG_EVENTS] = keeper_on_events,
};
static ipc_handler *const supervisor_handlers[MSG_N] = {
	[MSG_SUPERVISOR_STATUS] = supervisor_on_status,
	[MSG_RELOAD] = supervisor_on_reload,
	[MSG_STOP_NOW] = supervisor_on_stop,
};
static ipc_handler *const control_handlers[MSG_N] = {
	[MSG_LIST_ITEM] = ask_on_list_item,     [MSG_DISCONNECT_DONE] = ask_on_disconnect_done,
	[MSG_STATUS_DONE] = ask_on_status_done, [MSG_EVENT] = watch_on_event,
	[MSG_RELOAD_DONE] = ask_on_reload_done, [MSG_SUPERVISOR_STATUS_DONE] = ask_on_supervisor_status_done,
};

static inline struct ipc *end_of(int fd, enum ipc_role self, enum ipc_role peer, ipc_handler *const *handlers,
				 ipc_ended *ended)
{
	struct ipc *ipc;
	struct ipc_conf conf = { .loop = w.c.loop,
				 .fd = fd,
				 .self = self,
				 .peer = peer,
				 .handlers = handlers,
				 .ended = ended,
				 .owner = &w.c };
	assert_int_equal(ipc_new(&ipc, &conf), ERR_OK);
	ipc_run(ipc);
	return ipc;
}

static inline void connect_processes(void)
{
	int k[2], s[2];
	assert_int_equal(ipc_pair(k), ERR_OK);
	assert_int_equal(ipc_pair(s), ERR_OK);
	w.c.keeper = end_of(k[0], ROLE_CONTROL, ROLE_KEEPER, control_handlers, on_keeper_ended);
	w.keeper = end_of(k[1], ROLE_KEEPER, ROLE_CONTROL, keeper_handlers, nullptr);
	w.c.supervisor = end_of(s[0], ROLE_CONTROL, ROLE_SUPERVISOR, control_handlers, nullptr);
	w.supervisor = end_of(s[1], ROLE_SUPERVISOR, ROLE_CONTROL, supervisor_handlers, nullptr);
}

static inline void make_counters(void)
{
	size_t size = stats_size(SLOTS);
	int fd = memfd_create("counters", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	w.region = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(w.region, MAP_FAILED);
	assert_int_equal(counters_map(&w.c.counters, fd, SLOTS + 1), ERR_RANGE);
	assert_int_equal(counters_map(&w.c.counters, fd, SLOTS), ERR_OK);
	close(fd);
	struct stats_session *slot = &w.region->slots[2];
	strcpy(slot->tls_cipher, "(TLS1.3)-(X)");
	strcpy(slot->dtls_cipher, "(DTLS1.2)-(PSK)-(AES-128-GCM)");
	slot->rx_bytes = 1500;
	slot->tx_bytes = 2'000'000;
	slot->mtu = 1400;
	slot->dtls_seen = slot->dtls_up = 1;
	slot->sid = 5001;
	w.region->slots_used = 3;
	w.region->c.rx_bytes = 123'456;
}

static inline void make_socket(void)
{
	strcpy(w.dir, "/tmp/test_control.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.path, sizeof w.path, "%s/occtl", w.dir);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	strcpy(at.sun_path, w.path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(serve_start(&w.c, fd), ERR_OK);
}

static inline int begin(void **)
{
	log_init("test", LOG_LEVEL_ERR, nullptr);
	w = (struct world){ .sessions_n = 2,
			    .problems = "",
			    .c = { .socket = -1, .server.fd = -1, .loop = uv_default_loop() } };
	w.vhost.name = (char *)(uintptr_t)"";
	w.vhost.dpd = 90;
	w.config = (struct config){ .vhosts = &w.vhost, .vhosts_n = 1 };
	w.c.config = &w.config;
	w.c.started_at = (uint64_t)time(nullptr) - 100;
	connect_processes();
	make_counters();
	make_socket();
	ask_facts(&w.c);
	return 0;
}

static inline int end(void **)
{
	serve_stop(&w.c);
	ipc_freep(&w.c.keeper);
	ipc_freep(&w.keeper);
	ipc_freep(&w.c.supervisor);
	ipc_freep(&w.supervisor);
	uv_run(w.c.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(w.c.loop), 0);
	counters_fini(&w.c.counters);
	munmap(w.region, stats_size(SLOTS));
	unlink(w.path);
	rmdir(w.dir);
	assert_int_equal(w.c.server.clients_n, 0);
	assert_null(w.c.jobs);
	return 0;
}
