/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * user - what the files of a user and of his group make of a virtual host
 *
 * As in ocserv 1.1.6 (observed): the user's options come before the group's, the group's before the virtual host's.  The lists of
 * group and user are joined, the group's first, and replace the virtual host's list of that option.
 *
 * Runs in:  keeper and worker, each for itself from the same texts.
 * Never:    touches a file.
 */
#pragma once

#include "config/config.h"

/* Of all texts of one user: they travel in one message with the rest of a session. */
constexpr size_t CONFIG_USER_TEXT_MAX = 48 * 1024;

struct config_user_text {
	const char *file; /* for messages */
	const char *text;
	size_t len;
	bool is_alone; /* its lists replace those of the texts before it, too */
};

/* A virtual host of one session: a copy of base with the texts in their order, the group's first.  ERR_CONFIG: the report tells why
 * and *out is not written.  Free with config_user_free. */
enum err config_user_make(struct vhost **out, const struct vhost *base, const struct config_user_text *texts,
			  size_t n, struct config_report *report);
void config_user_free(struct vhost *v);
void config_user_freep(struct vhost **v);

/* May the name of a user or group be that of a file?  Neither a path, nor hidden, nor with control characters. */
bool config_user_is_file_name(const char *name);

/* restrict-user-to-ports */
constexpr size_t CONFIG_PORTS_MAX = 64;

struct config_port {
	uint8_t protocol; /* of the IP header */
	uint16_t port; /* 0: all, or the protocol has none */
};
struct config_ports {
	bool is_deny; /* !(...) */
	size_t n;
	struct config_port v[CONFIG_PORTS_MAX];
};
/* "tcp(443), udp(53), icmp()" or "!(tcp(25))".  ERR_SYNTAX, ERR_RANGE. */
enum err config_ports_parse(const char *text, struct config_ports *out);
/* The name of a protocol of such a list. */
const char *config_ports_name(uint8_t protocol);
