/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

/* the headers of an older kernel lack them */
constexpr int ATTACH_TCX_INGRESS = 46, ATTACH_TCX_EGRESS = 47;
constexpr uint32_t TC_OURS = 0x6f63; /* handle and priority of our filter */

const char *hook_text(enum hook_kind kind)
{
	static const char *const texts[] = {
		[HOOK_NONE] = "off", [HOOK_NATIVE] = "native", [HOOK_GENERIC] = "generic",
		[HOOK_TCX] = "tcx",  [HOOK_CLSACT] = "clsact",
	};
	return texts[kind];
}

static enum err explain(struct hook *h, const char *what, int error)
{
	bool is_taken = error == EBUSY || error == EEXIST;
	snprintf(h->why, sizeof h->why, "%s: %s", what,
		 is_taken ? "another program is attached there" : strerror(error));
	return is_taken ? ERR_EXISTS : ERR_SYS;
}

static int link_of(int prog, unsigned ifindex, int type, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(prog, (int)ifindex, (enum bpf_attach_type)type, &opts);
	if (fd < 0 && fd != -1) /* libbpf 1.x tells the error in both ways */
		errno = -fd;
	return fd;
}

enum err hook_xdp(struct hook *h, int prog, unsigned ifindex, bool may_native, bool may_generic)
{
	*h = (struct hook){ .link = -1, .ifindex = ifindex };
	const struct {
		bool may;
		enum hook_kind kind;
		uint32_t flags;
	} ways[] = {
		{ may_native, HOOK_NATIVE, XDP_FLAGS_DRV_MODE },
		{ may_generic, HOOK_GENERIC, XDP_FLAGS_SKB_MODE },
	};
	enum err e = ERR_UNSUPPORTED;
	for (size_t i = 0; i < ARRAY_LEN(ways) && e != ERR_EXISTS; i++) {
		if (!ways[i].may)
			continue;
		h->link = link_of(prog, ifindex, BPF_XDP, ways[i].flags);
		if (h->link >= 0) {
			h->kind = ways[i].kind;
			return ERR_OK;
		}
		e = explain(h, hook_text(ways[i].kind), errno);
	}
	h->link = -1;
	return e;
}

enum err hook_clsact(struct hook *h, int prog, unsigned ifindex, bool is_egress)
{
	*h = (struct hook){ .link = -1, .ifindex = ifindex, .is_egress = is_egress };
	LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = (int)h->ifindex,
		    .attach_point = h->is_egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog, .handle = TC_OURS, .priority = TC_OURS,
		    .flags = BPF_TC_F_REPLACE); /* one that we left behind */
	int failed = bpf_tc_hook_create(&at);
	if (failed != 0 && failed != -EEXIST)
		return explain(h, "clsact", -failed);
	failed = bpf_tc_attach(&at, &opts);
	if (failed != 0)
		return explain(h, "clsact", -failed);
	h->kind = HOOK_CLSACT;
	return ERR_OK;
}

enum err hook_tc(struct hook *h, int prog, unsigned ifindex, bool is_egress)
{
	*h = (struct hook){ .ifindex = ifindex, .is_egress = is_egress };
	h->link = link_of(prog, ifindex, is_egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS, 0);
	if (h->link >= 0) {
		h->kind = HOOK_TCX;
		return ERR_OK;
	}
	return hook_clsact(h, prog, ifindex, is_egress);
}

bool hook_is_there(const struct hook *h)
{
	if (h->link < 0)
		return h->kind == HOOK_CLSACT;
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof info;
	/* at the same place for XDP and TCX; 0 when the device is gone */
	return bpf_obj_get_info_by_fd(h->link, &info, &len) == 0 && info.xdp.ifindex == h->ifindex;
}

void hook_drop(struct hook *h)
{
	if (h->kind == HOOK_NONE)
		return;
	if (h->kind == HOOK_CLSACT) {
		LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = (int)h->ifindex,
			    .attach_point = h->is_egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_OURS, .priority = TC_OURS);
		bpf_tc_detach(&at, &opts);
	}
	base_closep(&h->link);
	*h = (struct hook){ .link = -1 };
}
