/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ocserv-modern-worker - faces the network; may do nothing else
 *
 * Descriptor 3 is the channel to the supervisor, 2 the log.  The sandbox closes in on_go (orders.c).
 */
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/table.h"
#include "fips/fips.h"
#include "worker/orders.h"
#include "worker/session.h"
#include "worker/tx.h"

constexpr int SUPERVISOR_FD = 3;

static void on_supervisor_gone(struct ipc *, enum ipc_end)
{
	exit(EXIT_FAILURE); /* without it nobody may serve */
}

static void close_handle(uv_handle_t *handle, void *)
{
	if (!uv_is_closing(handle))
		uv_close(handle, nullptr);
}

/* Let closing handles finish and give everything back, so that a leak checker sees only leaks. */
static void wind_up(struct worker *w)
{
	struct conn *c, *next;
	DL_FOREACH_SAFE(w->conns, c, next) {
		conn_close(c);
	}
	uv_timer_stop(&w->tick);
	uv_prepare_stop(&w->turn);
	if (w->serving) {
		udp_fini(w);
		tx_fini(w);
		steer_fini(w);
	}
	dtls_listener_free(w);
	ipc_freep(&w->keeper);
	ipc_freep(&w->supervisor);
	farewell_fini(&w->farewells);
	uv_walk(&w->loop, close_handle, nullptr);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	uv_loop_close(&w->loop);
	generation_fini(&w->gen);
	generation_fini(&w->next);
	tls_live_fini(&w->tls_live);
	free(w->listeners);
	free(w->udp.sockets);
	free(w->steer.siblings);
	fips_end();
	wolfSSL_Cleanup();
}

int main(void)
{
	log_init("worker", LOG_LEVEL_INFO, nullptr);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* of a terminal: for the supervisor, who lets clients know */
	struct worker *w = calloc(1, sizeof *w);
	if (w == nullptr || uv_loop_init(&w->loop) != 0 || uv_timer_init(&w->loop, &w->tick) != 0 ||
	    uv_prepare_init(&w->loop, &w->turn) != 0 || wolfSSL_Init() != WOLFSSL_SUCCESS)
		return EXIT_FAILURE;
	w->tun.fd = -1;
	struct ipc_conf conf = { .loop = &w->loop,
				 .fd = SUPERVISOR_FD,
				 .self = ROLE_WORKER,
				 .peer = ROLE_SUPERVISOR,
				 .handlers = orders,
				 .ended = on_supervisor_gone,
				 .owner = w };
	if (ipc_new(&w->supervisor, &conf) != ERR_OK)
		return EXIT_FAILURE;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	wind_up(w);
	free(w);
	return EXIT_SUCCESS;
}
