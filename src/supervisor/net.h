/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * net - addresses, MTU and state of the TUN device, by netlink
 *
 * Our end of the tunnel is the first host of each pool: 192.168.77.1/24, fd77::1/64.  The kernel makes the route to the
 * pool of that.
 */
#pragma once

#include "config/config.h"

struct net;

/* A netlink socket and the index of the device. */
enum err net_open(struct net **out, const char *device);
void net_free(struct net *n);
void net_freep(struct net **n);

enum err net_set_up(struct net *n, uint32_t mtu);
enum err net_add_address(struct net *n, const struct prefix *p);

/* A route into the device; gone: no longer.  One that is there already, or no longer, is fine. */
enum err net_route(struct net *n, const struct prefix *p, bool gone);

/* The first host of a pool with the pool's length; ERR_RANGE if the pool has no room for us and a client. */
enum err net_own_address(struct prefix *out, const struct prefix *pool);

/* Largest inner packet that any session can have; mtu is the option, 0 if not set. */
uint32_t net_device_mtu(uint32_t mtu);

/* All of it for the pools of all vhosts; what fails is logged. */
enum err net_configure(const struct config *c, const char *device, uint32_t mtu);
