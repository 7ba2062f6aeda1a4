/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * firewall_text - the commands of nftables that hold a session to what it may reach: the rules of worker/acl.c, said again
 *
 *   table inet ocserv_modern_DEVICE
 *     forward, input   what comes from the device -> check
 *     check            source address -> s_SID of its session; unknown ones pass
 *     isolated         drops what would go back into the device, to another client
 *     s_SID            isolated, if it is so; name servers pass; ports -> p_SID or drop
 *     p_SID            routes
 *
 * Never:  writes a byte that is not a number or a name of its own, so no name of a user can become a command.
 */
#pragma once

#include <stdio.h>

#include "ipc/messages.pb-c.h"

constexpr size_t FIREWALL_TABLE_MAX = 64;

/* The name of the table of a device. */
void firewall_text_table(char out[static FIREWALL_TABLE_MAX], const char *device);
/* Are all addresses and ports what they must be? */
bool firewall_text_is_right(const Msg__Firewall *m);
void firewall_text_make(FILE *out, const char *table, const char *device);
/* Works also if there is none. */
void firewall_text_remove(FILE *out, const char *table);
void firewall_text_add(FILE *out, const char *table, const Msg__Firewall *m);
void firewall_text_delete(FILE *out, const char *table, const Msg__Firewall *m);
