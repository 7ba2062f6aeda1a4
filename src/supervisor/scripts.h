/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scripts - connect-script, disconnect-script, host-update-script: run without delaying anybody
 *
 * Some run at once, the others wait in order; those of one key (the address of a client) never run side by side, so
 * that what a disconnect removes is not what a connect has just made.  A script that takes longer than script-timeout is killed with its whole
 * process group.  What it prints goes to the log.
 *
 * Owner:    the supervisor; a job is freed when its script has ended and the keeper was told.
 * Runs in:  the loop.
 */
#pragma once

#include <sys/types.h>

#include "config/config.h"
#include "ipc/ipc.h"

struct supervisor;
struct script_job;

constexpr unsigned SCRIPTS_AT_ONCE = 16;
constexpr unsigned SCRIPTS_WAIT_MAX = 32'768;

struct scripts {
	struct script_job *running, *head, **tail;
	unsigned running_n, waiting_n;
};

/* Does the configuration name any? */
bool scripts_are_wanted(const struct config *c);
/*
 * Run a command of the configuration by the shell, in order with others of this key; nobody waits for it.  what: for the log, static.
 * ERR_NOMEM, ERR_FULL.
 */
enum err scripts_run_command(struct supervisor *s, const char *what, const char *command, uint64_t key);
/* MSG_SCRIPT of the keeper */
void scripts_on_script(struct ipc *ipc, struct ipc_msg *m);
/* Look which have ended; call it on SIGCHLD. */
void scripts_reap(struct supervisor *s);
bool scripts_are_busy(const struct supervisor *s);
/* How much longer than usual the keeper may need to stop, for the scripts of its last sessions. */
uint64_t scripts_patience_ms(const struct supervisor *s);
/* The end: what still runs is killed. */
void scripts_fini(struct supervisor *s);
