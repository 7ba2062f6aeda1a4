/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmds - finds the command that an administrator meant
 *
 * The table is cmds.def; occtl has none of its own and asks for it with "help".
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "control/request.h"

struct job;
typedef void cmds_start(struct job *job);

enum cmds_right : uint8_t { RIGHT_SHOW = 1, RIGHT_CHANGE = 2 };

struct cmd {
	const char *words;
	const char *arg; /* its name, or two with a blank between them; "" if there is none */
	enum cmds_right right;
	cmds_start *start;
	const char *view; /* how occtl shows the result */
	const char *help;
};

/* ERR_NOTFOUND: no such command; ERR_BUSY: several fit; ERR_SYNTAX: argument missing or too many.  why then says so.
 * *arg points into r at the first argument, nullptr if the command takes none. */
enum err cmds_find(const struct request *r, const struct cmd **cmd, const char **arg, struct writer *why);

/* The table as an array of objects; nullptr without memory. */
json_t *cmds_help(void);
