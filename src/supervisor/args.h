/* SPDX-License-Identifier: GPL-3.0-or-later */
/* args - the command line of the server; the same words as ocserv's */
#pragma once

#include "base/base.h"

struct args {
	const char *config; /* file; absolute after args_parse */
	const char *pid_file; /* nullptr: not given */
	int debug;          /* -1: not given */
	int facility;       /* of syslog; -1: not given */
	bool foreground;
	bool test_only;
	bool log_stderr;
	bool log_syslog;
	bool no_chdir;
	bool traceable;
};

constexpr int ARGS_GO_ON = -1;

/* ARGS_GO_ON, or the status to exit with at once (help, version, a wrong word: already told). */
int args_parse(struct args *out, int argc, char **argv);
