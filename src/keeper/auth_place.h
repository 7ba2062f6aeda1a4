/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_place - which method's turn it is in a login
 *
 * Way 0 demands all methods of auth in their order; each method of enable-auth is a way of its own after it.
 *
 * Runs in:  the keeper; plain functions over an immutable configuration.
 */
#pragma once

#include "config/config.h"

struct auth_place {
	uint8_t way;
	uint8_t pos; /* in the way */
};

bool auth_place_has_way(const struct vhost *v, size_t way);
/* False: the way is walked to its end, or there is no such way. */
bool auth_place_is_method(const struct vhost *v, struct auth_place at);
/* Its number for config_vhost_method; UINT32_MAX, which is nobody's, if it is no method. */
uint32_t auth_place_method(const struct vhost *v, struct auth_place at);
