/* SPDX-License-Identifier: GPL-3.0-or-later */
/* show_more - sessions as cookies, networks behind clients, events: JSON with ocserv's field names, as show.h */
#pragma once

#include <jansson.h>

#include "control/control.h"

/* One row of show sessions.  live is not used. */
json_t *show_cookie(const struct control *c, const Msg__Session *s, const struct counters_live *live,
		    uint64_t now);
/* One row of show iroutes; nullptr: there is no network behind this client.  live and now are not used. */
json_t *show_iroutes(const struct control *c, const Msg__Session *s, const struct counters_live *live,
		     uint64_t now);
/* What has happened; nullptr: of an unknown kind. */
json_t *show_event(const struct control *c, const Msg__Event *e);
