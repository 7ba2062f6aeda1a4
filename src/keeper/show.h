/* SPDX-License-Identifier: GPL-3.0-or-later */
/* show - values of others in log lines: a name cannot close its quotes, an address is readable */
#pragma once

#include "base/addr.h"
#include "config/config.h"

constexpr size_t SHOW_MAX = 128;

struct show {
	char text[SHOW_MAX];
};

/* The text, cut to fit, with quotes and backslashes replaced; "" for nullptr.  Use: show_name(x).text */
struct show show_name(const char *name);
/* The address; "-" if it is not set. */
struct show show_addr(const struct addr *a);
struct show show_prefix(const struct prefix *p);
