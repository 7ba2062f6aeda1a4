/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_place - which method's turn it is in a login
 *
 * Way 0 demands all methods of auth in their order, but a certificate before the others, as it needs no answer; each method of enable-auth is a way of its own after it.
 *
 * Runs in:  the keeper; plain functions over an immutable configuration.
 */
#pragma once

#include "config/config.h"

struct auth_place {
	uint8_t way;
	uint8_t pos; /* in the way */
};

/* What a request shows beside name and password; bits. */
enum auth_shows : uint8_t {
	AUTH_SHOWS_CERT = 1 << 0,
	AUTH_SHOWS_BEARER = 1 << 1,  /* and nothing else: other ways are none for it */
	AUTH_SHOWS_BROWSER = 1 << 2, /* it could get one, and brings nothing else */
};

bool auth_place_has_way(const struct vhost *v, size_t way);
/* False: the way is walked to its end, or there is no such way. */
bool auth_place_is_method(const struct vhost *v, struct auth_place at);
/* The first way from this one on that may be tried: one that begins with a certificate, a token
 * or a browser only if it was shown. */
bool auth_place_find_way(const struct vhost *v, size_t from, uint8_t shows, uint8_t *way);
/* The first way that begins with a token of HTTP Negotiate; auth_place_find_way finds none of these. */
bool auth_place_find_token(const struct vhost *v, uint8_t *way);
/* Does this way begin with a sign-on in a browser? */
bool auth_place_wants_browser(const struct vhost *v, size_t way);
/* The first way that begins with a certificate, whatever comes before it. */
bool auth_place_find_certificate(const struct vhost *v, uint8_t *way);
/* Its number for config_vhost_method; UINT32_MAX, which is nobody's, if it is no method. */
uint32_t auth_place_method(const struct vhost *v, struct auth_place at);
/* Its name; "none". */
const char *auth_place_name(const struct vhost *v, struct auth_place at);
/* The internal name of a group chosen by name or label; "" for "no particular one".  A name that is not in the
 * configuration stays as it is: whether the user may have it is for the back end to say. */
const char *auth_place_group(const struct vhost *v, const char *chosen);
