/* SPDX-License-Identifier: GPL-3.0-or-later */
/* geodb - the prefixes of countries from a MaxMind database, by libmaxminddb; nobody else includes it */
#pragma once

#include "guard/geo.h"

/* Adds the prefixes of all countries that g speaks of.  ERR_CONFIG: g->why. */
enum err geodb_read(struct geo *g, int folder, const char *by);
