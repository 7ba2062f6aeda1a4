/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules - what single options demand of their text beyond its type, and the merge of ipv4-network with ipv4-netmask */
#pragma once

#include "config/parse.h"
#include "config/value.h"

/* Called before the type parses.  ERR_SYNTAX comes with why. */
enum err config_rules_check(enum config_option_id id, const char *text, struct config_why *why);

/* Give ipv4_network of the vhost the length that ipv4-netmask tells, and drop host bits of both networks. */
enum err config_rules_merge_masks(struct config_parse *p, size_t vhost);
