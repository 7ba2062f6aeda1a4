/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reload - from the text of a configuration to a generation that can be used, or to a list of what is wrong
 *
 *	CONFIG -> parse -> FILE_GET for each certificate, key and password file -> check all -> CERTS, CONFIG_DONE
 *
 * A generation is accepted whole or refused whole; the one in force is not touched before COMMIT.  Malformed lines of a
 * password file refuse a reload; to a keeper that starts they are a warning, as they are at run time: one typing error must
 * not keep everybody out after a crash.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "config/config.h"
#include "ipc/ipc.h"
#include "keeper/vault.h"

struct keeper;

/* One file that the new generation needs. */
struct reload_file {
	uint32_t id; /* of the FILE_GET; 0: answered */
	enum msgs_file kind;
	uint32_t vhost, index;
	const char *path; /* in the configuration */
	struct vault bytes; /* certificates and keys */
	struct strlist groups; /* that a password file knows, if some virtual host offers them */
	char *error;  /* nullptr: none */
};

struct reload {
	uint32_t number; /* of the generation under way; 0: none */
	uint32_t id;     /* of its CONFIG */
	bool is_first;   /* this process has no configuration yet */
	bool is_restart; /* ... but others have: a server is running that must get its keeper back */
	struct reload_file *files;
	size_t files_n, open_n; /* open: not answered yet */
	char *problems;  /* text for the administrator, a line each; nullptr: none */
};

/* MSG_CONFIG, MSG_FILE_DONE (also of password files read again at run time), MSG_COMMIT */
void reload_on_config(struct ipc *ipc, struct ipc_msg *m);
void reload_on_file(struct ipc *ipc, struct ipc_msg *m);
void reload_on_commit(struct ipc *ipc, struct ipc_msg *m);

void reload_fini(struct reload *r);
