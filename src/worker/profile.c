/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/profile.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

static const int calls[] = {
	SANDBOX_BASE_SYSCALLS,
	SCMP_SYS(accept4),
};

/* Only these options, so that no other kernel code (filters, upper-layer protocols, packet rings) is in reach. */
static const struct sandbox_rule rules[] = {
	SANDBOX_IF_EQ2(setsockopt, 1, SOL_SOCKET, 2, SO_SNDBUF),
	SANDBOX_IF_EQ2(setsockopt, 1, SOL_SOCKET, 2, SO_RCVBUF),
	SANDBOX_IF_EQ2(setsockopt, 1, SOL_SOCKET, 2, SO_KEEPALIVE),
	SANDBOX_IF_EQ2(setsockopt, 1, SOL_SOCKET, 2, SO_LINGER),
	SANDBOX_IF_EQ2(setsockopt, 1, SOL_SOCKET, 2, SO_PRIORITY),
	SANDBOX_IF_EQ2(setsockopt, 1, SOL_SOCKET, 2, SO_INCOMING_CPU),
	SANDBOX_IF_EQ2(setsockopt, 1, SOL_SOCKET, 2, SO_MAX_PACING_RATE),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_TCP, 2, TCP_NODELAY),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_TCP, 2, TCP_CORK),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_TCP, 2, TCP_QUICKACK),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_TCP, 2, TCP_KEEPIDLE),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_TCP, 2, TCP_KEEPINTVL),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_TCP, 2, TCP_KEEPCNT),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_TCP, 2, TCP_USER_TIMEOUT),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_TCP, 2, TCP_NOTSENT_LOWAT),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_IP, 2, IP_TOS),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_IP, 2, IP_MTU_DISCOVER),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_IPV6, 2, IPV6_TCLASS),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_IPV6, 2, IPV6_MTU_DISCOVER),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_UDP, 2, UDP_SEGMENT),
	SANDBOX_IF_EQ2(setsockopt, 1, IPPROTO_UDP, 2, UDP_GRO),
};

/* No core file may hold the traffic of clients. */
static const struct sandbox_limit limits[] = {
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_NPROC, 0 },
};

const struct sandbox_profile profile_worker = {
	.name = "worker",
	.syscalls = calls,
	.syscalls_n = ARRAY_LEN(calls),
	.rules = rules,
	.rules_n = ARRAY_LEN(rules),
	.limits = limits,
	.limits_n = ARRAY_LEN(limits),
};
