/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * show - what the server knows, as JSON with ocserv's field names (dashboards parse them)
 *
 * Fields that begin with '_' repeat the one without as people read it; raw_ fields are plain numbers.
 * Cookies are never shown: this process has none.
 */
#pragma once

#include <jansson.h>

#include "control/control.h"

/* A string that may hold anything: bytes that are no UTF-8 become '?'.  nullptr only without memory. */
json_t *show_text(const char *s);

/* One session; live nullptr: no worker has it.  now: unix time. */
json_t *show_session(const struct control *c, const Msg__Session *s, const struct counters_live *live,
		     uint64_t now);

/* The options of a session that has some of its own, for config_user_free; nullptr: those of its virtual host. */
struct vhost *show_own(const struct control *c, const Msg__Session *s);

/* Name, number and state of the processes, and which layers are up. */
json_t *show_processes(const Msg__SupervisorStatus *s);

/* processes: from show_processes, not taken. */
json_t *show_status(const struct control *c, const Msg__KeeperStatus *k, json_t *processes,
		    const struct counters_index *ix, uint64_t now);

/* {"total":{…},"workers":[{…}]} with the names of stats.def */
json_t *show_stats(const struct counters *c);
