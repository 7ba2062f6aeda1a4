/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hook - one program at one network interface
 *
 * Held by a descriptor, so that the kernel takes the program away when the supervisor ends, however it ends.  Only clsact, of kernels
 * before 6.6, has no such descriptor: there the program goes with hook_drop, or with its device.
 *
 * Owner:  the supervisor.  Needs CAP_BPF and CAP_NET_ADMIN.
 * Never:  takes the place of a program that is not ours.
 */
#pragma once

#include "base/base.h"

enum hook_kind : uint8_t {
	HOOK_NONE,
	HOOK_NATIVE,  /* XDP in the driver */
	HOOK_GENERIC, /* XDP behind it */
	HOOK_TCX,
	HOOK_CLSACT,
};

struct hook {
	enum hook_kind kind;
	int link;         /* -1: none */
	unsigned ifindex;
	bool is_egress;
	char why[96];     /* HOOK_NONE: the reason */
};

/* "native", "generic", "tcx", "clsact", "off" */
const char *hook_text(enum hook_kind kind);

/* may_native, may_generic: tried in this order.  ERR_EXISTS: another program is there.  Any error: h->why tells it. */
enum err hook_xdp(struct hook *h, int prog, unsigned ifindex, bool may_native, bool may_generic);
/* TCX, else clsact. */
enum err hook_tc(struct hook *h, int prog, unsigned ifindex, bool is_egress);
/* As hook_tc where there is no TCX: before Linux 6.6. */
enum err hook_clsact(struct hook *h, int prog, unsigned ifindex, bool is_egress);
/* false: the interface is gone, or somebody took the program away. */
bool hook_is_there(const struct hook *h);
/* Harmless on a zeroed or dropped one. */
void hook_drop(struct hook *h);
