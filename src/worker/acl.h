/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * acl - where a client may send: restrict-user-to-routes, restrict-user-to-ports, isolate-clients
 *
 * What ocserv's firewall script does with a client's packets (observed with 1.1.6), without its state: port 53 of the client's name servers is
 * always open; then the ports; then neither no-routes nor anything outside of the routes.  Packets to the client are not
 * judged: to an answer the client's next packet is.
 *
 * A list of networks becomes sorted ranges, so that thousands cost a few comparisons.
 *
 * Owner:    the session; nullptr for those without rules.
 * Runs in:  the worker; pure.
 */
#pragma once

#include "config/config.h"
#include "wire/ip.h"

struct acl;

enum acl_place { ACL_ELSEWHERE, ACL_SERVER, ACL_POOL };

/* *out is nullptr if v has no rules.  c has the pools of all.  ERR_NOMEM; ERR_CONFIG: its ports cannot be read. */
enum err acl_new(struct acl **out, const struct vhost *v, const struct config *c);
void acl_free(struct acl *a);

/* May the client send this packet? */
bool acl_permits(const struct acl *a, const struct ip_packet *k);

/* isolate-clients: is it on, and where does a packet go?  ACL_SERVER: our own end of a pool; ACL_POOL: any other address of one.
 * Who has an address elsewhere, or a network behind it, the worker knows (steer.h). */
bool acl_isolates(const struct acl *a);
enum acl_place acl_place_of(const struct acl *a, const struct ip_packet *k);
