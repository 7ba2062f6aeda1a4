/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reply - the network configuration a client gets: from the session and its vhost to a struct connect_reply */
#pragma once

#include "wire/connect.h"

struct session;

/* The lists in the reply are valid until the next call. */
void reply_fill(struct connect_reply *out, const struct session *s, const struct connect_req *req);
/* Path MTU of a TCP connection; 0 if unknown. */
uint32_t reply_path_mtu(int fd);
