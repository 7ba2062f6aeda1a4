/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/steering.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* The build without eBPF has neither skeletons nor libbpf. */
#if OCSERV_BPF

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "bpf/shared.h"
#include "bpf/steer_tun.skel.h"
#include "bpf/steer_udp.skel.h"

static_assert(LISTEN_WORKERS_MAX <= STEER_WORKERS_MAX, "each worker has a place in the map of sockets");

struct steering {
	struct steer_tun *tun;
	size_t udp_n;
	struct steer_udp *udp[LISTEN_GROUPS_MAX]; /* one for each address; the first has the shared maps */
};

[[gnu::format(printf, 2, 0)]] static int print_debug(enum libbpf_print_level level, const char *fmt,
						     va_list ap)
{
	char text[512];
	if (level == LIBBPF_DEBUG || !log_has(LOG_LEVEL_DEBUG) || vsnprintf(text, sizeof text, fmt, ap) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	log_debug("bpf.text %s", text);
	return 0;
}

static enum err failed(const char *what)
{
	log_notice(
		"bpf.off %s: %s; packets are handed over between workers instead (bpf=false silences this)",
		what, strerror(errno));
	return ERR_UNSUPPORTED;
}

/* {{ TUN }} */

void steering_prefixes(uint8_t *out, const struct config *c)
{
	size_t n = 0;
	for (size_t i = 0; i < c->vhosts_n && n < STEER_PREFIXES_MAX; i++) {
		uint32_t len = c->vhosts[i].ipv6_subnet_prefix;
		bool is_new = len > 0 && len < 128;
		for (size_t j = 0; j < n; j++)
			is_new &= out[j] != len;
		if (is_new)
			out[n++] = (uint8_t)len;
	}
}

static enum err load_tun(struct steering *s, const struct config *c)
{
	s->tun = steer_tun__open();
	if (s->tun == nullptr)
		return failed("steer_tun");
	steering_prefixes(s->tun->rodata->prefix_len, c);
	return steer_tun__load(s->tun) == 0 ? ERR_OK : failed("steer_tun");
}

static enum err attach_tun(const struct steering *s, const struct tun *t)
{
	int prog = bpf_program__fd(s->tun->progs.steer_tun);
	return ioctl(t->fds[0], TUNSETSTEERINGEBPF, &prog) == 0 ? ERR_OK : failed("TUNSETSTEERINGEBPF");
}

/* {{ UDP }} */

static enum err load_udp(struct steering *s)
{
	struct steer_udp *skel = s->udp[s->udp_n] = steer_udp__open();
	if (skel == nullptr)
		return failed("steer_udp");
	s->udp_n++;
	if (s->udp_n > 1) {
		const struct steer_udp *first = s->udp[0];
		if (bpf_map__reuse_fd(skel->maps.app_ids, bpf_map__fd(first->maps.app_ids)) != 0 ||
		    bpf_map__reuse_fd(skel->maps.flows, bpf_map__fd(first->maps.flows)) != 0)
			return failed("steer_udp maps");
	}
	return steer_udp__load(skel) == 0 ? ERR_OK : failed("steer_udp");
}

static enum err attach_udp(const struct steer_udp *skel, const struct listen_group *g, unsigned workers_n)
{
	int sockets = bpf_map__fd(skel->maps.sockets);
	for (uint32_t i = 0; i < workers_n; i++) {
		uint64_t fd = (uint64_t)g->fds[i];
		if (bpf_map_update_elem(sockets, &i, &fd, BPF_ANY) != 0)
			return failed("steer_udp sockets");
	}
	int prog = bpf_program__fd(skel->progs.steer_udp);
	if (setsockopt(g->fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &prog, sizeof prog) != 0)
		return failed("SO_ATTACH_REUSEPORT_EBPF");
	return ERR_OK;
}

static enum err steer_groups(struct steering *s, const struct listen *l)
{
	TRY(load_udp(s)); /* also without UDP: the keeper gets both maps */
	bool first_is_used = false;
	for (size_t i = 0; i < l->groups_n; i++) {
		const struct listen_group *g = &l->groups[i];
		if (!g->is_udp || g->is_shared)
			continue;
		if (first_is_used)
			TRY(load_udp(s));
		first_is_used = true;
		TRY(attach_udp(s->udp[s->udp_n - 1], g, l->workers_n));
	}
	return ERR_OK;
}

/* {{ public }} */

enum err steering_new(struct steering **out, const struct config *c, const struct listen *l,
		      const struct tun *t)
{
	libbpf_set_print(print_debug);
	struct steering *s OWNED(steering_freep) = calloc(1, sizeof *s);
	if (s == nullptr)
		return ERR_NOMEM;
	TRY(load_tun(s, c));
	TRY(steer_groups(s, l));
	TRY(attach_tun(s, t));
	*out = TAKE(s);
	return ERR_OK;
}

void steering_free(struct steering *s)
{
	if (s == nullptr)
		return;
	steer_tun__destroy(s->tun);
	for (size_t i = 0; i < s->udp_n; i++)
		steer_udp__destroy(s->udp[i]);
	free(s);
}

void steering_maps(const struct steering *s, int out[static STEERING_MAPS_N])
{
	out[0] = bpf_map__fd(s->tun->maps.inner);
	out[1] = bpf_map__fd(s->udp[0]->maps.app_ids);
}

#else

enum err steering_new(struct steering **out, const struct config *c, const struct listen *l,
		      const struct tun *t)
{
	(void)out, (void)c, (void)l, (void)t;
	log_notice("bpf.off this build has no eBPF");
	return ERR_UNSUPPORTED;
}

void steering_free(struct steering *s)
{
	(void)s;
}

void steering_maps(const struct steering *s, int out[static STEERING_MAPS_N])
{
	(void)s;
	out[0] = out[1] = -1;
}

#endif

void steering_freep(struct steering **s)
{
	steering_free(*s);
	*s = nullptr;
}
