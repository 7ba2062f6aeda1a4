/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reload - a new generation of configuration and certificates: in force for all processes, or for none
 *
 *   read and parse -> CONFIG to the keeper -> CERTS, CONFIG_DONE -> CONFIG, CERTS to workers and control -> CONFIG_DONE of all
 *   -> COMMIT to all.  A refusal, a death or silence on the way: the old generation stays.
 *
 * One at a time; a wish that comes meanwhile, or while a process is down, waits.
 */
#pragma once

#include "supervisor/supervisor.h"

constexpr uint64_t RELOAD_PATIENCE_MS = 30'000;

/* asker: control that gets RELOAD_DONE with this id, or nullptr. */
void reload_want(struct supervisor *s, const struct child *asker, uint32_t id);
/* Begin what is wanted, if it can be now. */
void reload_advance(struct supervisor *s);
void reload_config_done(struct child *c, const Msg__ConfigDone *m);
void reload_certs(struct child *keeper, const Msg__Certs *certs);
void reload_child_died(struct supervisor *s, const struct child *c);
/* The keeper started again and found other certificates than the workers have. */
void reload_want_certs(struct supervisor *s);
