/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius_facts - attributes of an Access-Accept as facts of the user
 *
 * Values come from a server that we trust with our users but not with our memory: each is checked, what is malformed is
 * left out and told.
 *
 * Runs in:  a child of the auth process.
 */
#pragma once

#include "base/base.h"
#include "ipc/messages.pb-c.h"
#include "wire/radius.h"

/* Everything malloc'ed by protobuf-c's rules: msg__facts__free_unpacked.  separator: of groups in one Class.
 * with_groups: Class names groups ("OU=a;b").  ERR_NOMEM. */
enum err radius_facts_read(Msg__Facts **out, const struct radius_answer *a, bool with_groups, char separator);

/* Groups of one Class, appended.  Text without "OU=" is a single group. */
enum err radius_facts_groups(Msg__Facts *f, const char *text, size_t len, char separator);
