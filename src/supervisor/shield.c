/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/shield.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* The build without eBPF has no skeletons: there the lists are kept, and no program asks them. */
#if OCSERV_BPF

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sys/random.h>

#include "bpf/guard_tun.skel.h"
#include "bpf/guard_xdp.skel.h"
#include "bpf/shared.h"
#include "supervisor/hook.h"
#include "supervisor/ours.h"
#include "supervisor/steering.h"
#include "supervisor/syncookies.h"

constexpr size_t DOORS_MAX = 16;
constexpr uint64_t SECOND_NS = 1'000'000'000;
constexpr uint64_t BURST_MIN = 10;
constexpr uint64_t HELLO_RATE = 5,
		   HELLO_BURST = 20; /* of one id: a client sends two, and repeats them each second */
constexpr unsigned SLOW_TICKS = 10;

/* An interface that guard_xdp stands at. */
struct door {
	char name[OURS_NAME];
	struct hook in, out;
};

struct shield {
	struct bridge bridge;
	const struct listen *listen;
	struct guard_xdp *xdp;  /* nullptr: off, see why_xdp */
	struct guard_tun *tun;  /* nullptr: off, see why_tun */
	size_t doors_n;
	struct door doors[DOORS_MAX];
	struct hook tun_hook;
	struct ours ours;
	struct syncookies syncookies;
	uint32_t syncookies_rate;
	unsigned ticks, sweep_in; /* sweep_in 0: nothing to sweep */
	int cpus;
	char why_xdp[128], why_tun[128];
	char text_xdp[256], text_tun[160];
};

/* {{ settings }} */

static struct guard_rate rate_of(uint64_t per_second, uint64_t burst)
{
	if (per_second == 0)
		return (struct guard_rate){ 0 };
	uint64_t cost = MAX(SECOND_NS / per_second, 1u);
	return (struct guard_rate){ cost, (MAX(burst, BURST_MIN) - 1) * cost };
}

static void set_rates(struct guard_settings *g, const struct config *c)
{
	g->syn = rate_of(c->guard_syn_rate, c->guard_syn_rate);
	g->udp = rate_of(c->guard_udp_rate, c->guard_udp_rate);
	g->syn_total = rate_of(c->guard_syn_total, c->guard_syn_total);
	g->udp_total = rate_of(c->guard_udp_total, c->guard_udp_total);
	g->hello = rate_of(HELLO_RATE, HELLO_BURST);
}

void shield_set(struct shield *s, const struct config *c)
{
	s->syncookies_rate = c->guard_syncookies_rate;
	if (s->xdp != nullptr)
		set_rates(&s->xdp->bss->settings, c);
	if (bridge_protect(&s->bridge, c->guard_protected.v, c->guard_protected.n) != ERR_OK)
		log_warn("guard.protected: not all of guard-protected could be entered");
}

/* {{ at the network card }} */

static enum err off(char why[static 128], const char *text)
{
	snprintf(why, 128, "%s", text);
	return ERR_UNSUPPORTED;
}

static enum err failed(char why[static 128], const char *what)
{
	snprintf(why, 128, "%s: %s%s", what, strerror(errno),
		 errno == EPERM ? "; it needs CAP_BPF and CAP_NET_ADMIN" : "");
	return ERR_SYS;
}

static enum err load_xdp(struct shield *s, const struct steering *steering)
{
	int maps[STEERING_MAPS_N];
	steering_maps(steering, maps);
	s->xdp = guard_xdp__open();
	if (s->xdp == nullptr)
		return failed(s->why_xdp, "guard_xdp");
	struct guard_settings *g = &s->xdp->bss->settings;
	if (bpf_map__reuse_fd(s->xdp->maps.app_ids, maps[1]) != 0 || guard_xdp__load(s->xdp) != 0) {
		enum err e = failed(s->why_xdp, "the kernel does not load guard_xdp");
		guard_xdp__destroy(s->xdp);
		s->xdp = nullptr;
		return e;
	}
	g = &s->xdp->bss->settings; /* the kernel's memory from now on */
	if (getrandom(&g->seed, sizeof g->seed, 0) != (ssize_t)sizeof g->seed)
		g->seed = (uint32_t)clock_now().ns;
	if (ours_ports(s->listen, g) != ERR_OK)
		log_warn("guard.ports: only the first %d ports are guarded", GUARD_PORTS_MAX);
	g->workers_n = s->listen->workers_n;
	ours_init(&s->ours, s->listen, bpf_map__fd(s->xdp->maps.ours));
	if (ours_update(&s->ours) != ERR_OK)
		log_warn("guard.addresses: not all of our addresses are guarded");
	return ERR_OK;
}

static void open_door(struct shield *s, const char *name, uint32_t mode)
{
	struct door *d = &s->doors[s->doors_n++];
	unsigned index = if_nametoindex(name);
	snprintf(d->name, sizeof d->name, "%s", name);
	if (index == 0) {
		snprintf(d->in.why, sizeof d->in.why, "no such interface");
		d->in.link = d->out.link = -1;
	} else if (hook_xdp(&d->in, bpf_program__fd(s->xdp->progs.guard_xdp), index,
			    mode != GUARD_XDP_GENERIC, mode != GUARD_XDP_NATIVE) == ERR_OK) {
		if (hook_tc(&d->out, bpf_program__fd(s->xdp->progs.guard_learn), index, true) != ERR_OK)
			log_warn(
				"guard.learn interface=%s: %s; clients whose address changes stand under guard-udp-rate",
				name, d->out.why);
		log_info("guard.xdp interface=%s mode=%s", name, hook_text(d->in.kind));
		return;
	}
	log_warn(
		"guard.xdp_off interface=%s: %s; correct guard-interfaces or guard-xdp; the server goes on without it there",
		name, d->in.why);
}

static void open_doors(struct shield *s, const struct config *c, const char *tun_name)
{
	for (size_t i = 0; i < c->guard_interfaces.n && s->doors_n < DOORS_MAX; i++) {
		const char *name = c->guard_interfaces.v[i];
		char found[DOORS_MAX][OURS_NAME];
		if (strcmp(name, "auto") != 0) {
			open_door(s, name, c->guard_xdp);
			continue;
		}
		size_t n = ours_interfaces(s->listen, tun_name, found, DOORS_MAX);
		for (size_t j = 0; j < n && s->doors_n < DOORS_MAX; j++)
			open_door(s, found[j], c->guard_xdp);
	}
}

static size_t open_n(const struct shield *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->doors_n; i++)
		n += hook_is_there(&s->doors[i].in);
	return n;
}

static enum err start_xdp(struct shield *s, const struct config *c, const struct tun *tun,
			  const struct steering *steering)
{
	if (c->guard_xdp == GUARD_XDP_OFF)
		return off(s->why_xdp, "guard-xdp = off");
	if (c->guard_interfaces.n == 0)
		return off(s->why_xdp, "guard-interfaces names none");
	if (!c->bpf)
		return off(s->why_xdp, "bpf = false");
	if (steering == nullptr)
		return off(s->why_xdp, "eBPF cannot be used here");
	TRY(load_xdp(s, steering));
	open_doors(s, c, tun->name);
	return open_n(s) > 0 ? ERR_OK : off(s->why_xdp, "no interface takes it");
}

/* {{ at the TUN device }} */

static enum err load_tun(struct shield *s, const struct config *c, const struct steering *steering)
{
	int maps[STEERING_MAPS_N];
	steering_maps(steering, maps);
	s->tun = guard_tun__open();
	if (s->tun == nullptr)
		return failed(s->why_tun, "guard_tun");
	steering_prefixes(s->tun->rodata->prefix_len, c);
	if (bpf_map__reuse_fd(s->tun->maps.inner, maps[0]) == 0 && guard_tun__load(s->tun) == 0)
		return ERR_OK;
	enum err e = failed(s->why_tun, "the kernel does not load guard_tun");
	guard_tun__destroy(s->tun);
	s->tun = nullptr;
	return e;
}

static enum err start_tun(struct shield *s, const struct config *c, const struct tun *tun,
			  const struct steering *steering)
{
	if (!c->guard_inner)
		return off(s->why_tun, "guard-inner = false");
	if (!c->bpf)
		return off(s->why_tun, "bpf = false");
	if (steering == nullptr)
		return off(s->why_tun, "eBPF cannot be used here");
	TRY(load_tun(s, c, steering));
	if (hook_tc(&s->tun_hook, bpf_program__fd(s->tun->progs.guard_tun), if_nametoindex(tun->name),
		    false) == ERR_OK)
		return ERR_OK;
	return off(s->why_tun, s->tun_hook.why);
}

enum err shield_iroute(struct shield *s, const struct prefix *p, bool gone)
{
	struct guard_net key = { .len = p->family == AF_INET ? p->len + 96u : p->len };
	uint32_t one = 1;
	if (s->tun == nullptr)
		return ERR_OK;
	if (p->family == AF_INET) {
		key.addr[10] = key.addr[11] = 0xff;
		memcpy(key.addr + 12, p->addr, 4);
	} else {
		memcpy(key.addr, p->addr, 16);
	}
	int map = bpf_map__fd(s->tun->maps.nets);
	int result = gone ? bpf_map_delete_elem(map, &key) : bpf_map_update_elem(map, &key, &one, BPF_ANY);
	return result == 0 || (gone && errno == ENOENT) ? ERR_OK : ERR_SYS;
}

/* {{ what is told }} */

static void tell_off(const char *layer, const char *why, bool is_wished)
{
	if (is_wished)
		log_notice("guard.off layer=%s: %s", layer, why);
}

static void text_of_doors(struct shield *s)
{
	size_t at = (size_t)snprintf(s->text_xdp, sizeof s->text_xdp, "guard-xdp=");
	for (size_t i = 0; i < s->doors_n && at < sizeof s->text_xdp; i++) {
		const struct door *d = &s->doors[i];
		bool is_there = hook_is_there(&d->in);
		const char *why = d->in.kind == HOOK_NONE ? d->in.why : "taken away";
		at += (size_t)snprintf(s->text_xdp + at, sizeof s->text_xdp - at, "%s%s:%s%s%s%s",
				       i > 0 ? " " : "", d->name, is_there ? hook_text(d->in.kind) : "off",
				       is_there ? "" : " (", is_there ? "" : why, is_there ? "" : ")");
	}
}

void shield_text(struct shield *s, char *out[static SHIELD_LAYERS_N])
{
	out[0] = s->text_xdp;
	out[1] = s->text_tun;
	if (s->doors_n > 0)
		text_of_doors(s);
	else
		snprintf(s->text_xdp, sizeof s->text_xdp, "guard-xdp=off (%s)", s->why_xdp);
	if (hook_is_there(&s->tun_hook))
		snprintf(s->text_tun, sizeof s->text_tun, "guard-inner=%s", hook_text(s->tun_hook.kind));
	else
		snprintf(s->text_tun, sizeof s->text_tun, "guard-inner=off (%s)",
			 s->tun_hook.kind == HOOK_NONE ? s->why_tun : "taken away");
}

static uint64_t sum(const struct shield *s, const struct bpf_map *map, uint32_t what)
{
	uint64_t total = 0;
	uint64_t *each OWNED(base_freep) = calloc((size_t)s->cpus, sizeof *each);
	if (each == nullptr || bpf_map_lookup_elem(bpf_map__fd(map), &what, each) != 0)
		return 0;
	for (int i = 0; i < s->cpus; i++)
		total += each[i];
	return total;
}

size_t shield_counts(const struct shield *s, struct shield_count out[static SHIELD_COUNTS_N])
{
	static const char *const names[] = {
#define GUARD_COUNT(name, help) #name,
#include "bpf/guard.def"
#undef GUARD_COUNT
	};
	if ((s->xdp == nullptr && s->tun == nullptr) || s->cpus <= 0)
		return 0;
	for (uint32_t i = 0; i < SHIELD_COUNTS_N; i++)
		out[i] = (struct shield_count){
			names[i], (s->xdp != nullptr ? sum(s, s->xdp->maps.counts, i) : 0) +
					  (s->tun != nullptr ? sum(s, s->tun->maps.counts, i) : 0)
		};
	return SHIELD_COUNTS_N;
}

/* {{ life }} */

struct shield *shield_new(const struct config *c, const struct listen *listen, const struct tun *tun,
			  const struct steering *steering)
{
	struct shield *s = calloc(1, sizeof *s);
	if (s == nullptr)
		return nullptr;
	s->listen = listen;
	s->tun_hook.link = -1;
	s->cpus = libbpf_num_possible_cpus();
	syncookies_init(&s->syncookies);
	if (start_xdp(s, c, tun, steering) != ERR_OK)
		tell_off("guard-xdp", s->why_xdp, c->guard_interfaces.n > 0);
	if (start_tun(s, c, tun, steering) != ERR_OK)
		tell_off("guard-inner", s->why_tun, c->guard_inner && c->bpf);
	bridge_init(&s->bridge, s->xdp != nullptr ? bpf_map__fd(s->xdp->maps.list4) : -1,
		    s->xdp != nullptr ? bpf_map__fd(s->xdp->maps.list6) : -1);
	shield_set(s, c);
	return s;
}

void shield_free(struct shield *s)
{
	if (s == nullptr)
		return;
	syncookies_fini(&s->syncookies);
	for (size_t i = 0; i < s->doors_n; i++) {
		hook_drop(&s->doors[i].in);
		hook_drop(&s->doors[i].out);
	}
	hook_drop(&s->tun_hook);
	bridge_fini(&s->bridge);
	guard_xdp__destroy(s->xdp);
	guard_tun__destroy(s->tun);
	free(s);
}

void shield_reconcile(struct shield *s)
{
	bridge_mark(&s->bridge);
	s->sweep_in = SLOW_TICKS;
}

bool shield_has_lists(const struct shield *s)
{
	return s->xdp != nullptr;
}

void shield_tick(struct shield *s)
{
	struct mono now = clock_now();
	if (s->sweep_in > 0 && --s->sweep_in == 0)
		bridge_sweep(&s->bridge);
	if (s->xdp != nullptr)
		syncookies_feed(&s->syncookies, sum(s, s->xdp->maps.counts, GUARD_COUNT_syn),
				s->syncookies_rate, now);
	if (++s->ticks % SLOW_TICKS != 0)
		return;
	bridge_expire(&s->bridge, now);
	if (s->xdp != nullptr && ours_update(&s->ours) != ERR_OK)
		log_debug("guard.addresses: not all are entered");
}

#else

struct shield {
	struct bridge bridge;
};

static char none_xdp[] = "guard-xdp=off (this build has no eBPF)",
	    none_tun[] = "guard-inner=off (this build has no eBPF)";

struct shield *shield_new(const struct config *c, const struct listen *listen, const struct tun *tun,
			  const struct steering *steering)
{
	(void)listen, (void)tun, (void)steering;
	struct shield *s = calloc(1, sizeof *s);
	if (s == nullptr)
		return nullptr;
	bridge_init(&s->bridge, -1, -1);
	shield_set(s, c);
	return s;
}

void shield_free(struct shield *s)
{
	if (s != nullptr)
		bridge_fini(&s->bridge);
	free(s);
}

void shield_set(struct shield *s, const struct config *c)
{
	if (bridge_protect(&s->bridge, c->guard_protected.v, c->guard_protected.n) != ERR_OK)
		log_warn("guard.protected: not all of guard-protected could be entered");
}

void shield_reconcile(struct shield *s)
{
	(void)s;
}

bool shield_has_lists(const struct shield *s)
{
	(void)s;
	return false;
}

void shield_tick(struct shield *s)
{
	bridge_expire(&s->bridge, clock_now());
}

enum err shield_iroute(struct shield *s, const struct prefix *p, bool gone)
{
	(void)s, (void)p, (void)gone;
	return ERR_OK;
}

void shield_text(struct shield *s, char *out[static SHIELD_LAYERS_N])
{
	(void)s;
	out[0] = none_xdp;
	out[1] = none_tun;
}

size_t shield_counts(const struct shield *s, struct shield_count out[static SHIELD_COUNTS_N])
{
	(void)s, (void)out;
	return 0;
}

#endif

struct bridge *shield_bridge(struct shield *s)
{
	return &s->bridge;
}

void shield_freep(struct shield **s)
{
	shield_free(*s);
	*s = nullptr;
}
