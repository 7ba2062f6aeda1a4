/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * settings - the configuration, loaded when the supervisor says CONFIG and used when it says COMMIT
 *
 * Between the two, every process has a chance to refuse it; so either all use the new one or none.
 */
#pragma once

#include "control/control.h"

void settings_on_config(struct ipc *ipc, struct ipc_msg *m);
void settings_on_commit(struct ipc *ipc, struct ipc_msg *m);
