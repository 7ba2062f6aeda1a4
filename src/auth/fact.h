/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fact - lists and bytes of a message Facts, malloc'ed as protobuf-c does, for msg__facts__free_unpacked */
#pragma once

#include "base/base.h"
#include "ipc/messages.pb-c.h"

constexpr size_t FACT_LIST_MAX = 4096; /* of routes, of groups */

/* Empty; nullptr: no memory. */
Msg__Facts *fact_new(void);
/* Append.  ERR_RANGE: the list is full; ERR_NOMEM. */
enum err fact_add_text(char ***list, size_t *n, const char *text, size_t len);
/* Instead of what was there.  ERR_NOMEM. */
enum err fact_set_bytes(ProtobufCBinaryData *to, const void *p, size_t len);
/* A network with its length, without what stands behind a blank: "192.0.2.0/24".  ERR_SYNTAX, ERR_RANGE. */
enum err fact_route(const char *text, char *out, size_t cap);
bool fact_has_group(const Msg__Facts *f, const char *name);
