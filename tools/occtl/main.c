/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * occtl - shows and steers a running server
 *
 * Knows no command: words are sent to the server as they were typed, and it answers with the result and the name of the view
 * to show it in.  Runs with the rights of whoever calls it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "run.h"
#include "shell.h"

static const char DEFAULT_SOCKET[] = "/var/run/occtl.socket";

static const char usage[] =
	"usage: occtl [OPTION...] [COMMAND...]\n"
	"\n"
	"  -s, --socket-file FILE  socket of the server (occtl-socket-file); default /var/run/occtl.socket\n"
	"  -j, --json              answers as JSON\n"
	"  -n, --no-pager          never start a pager (PAGER, else less)\n"
	"      --debug             show what is sent and received\n"
	"  -h, --help              this text\n"
	"  -v, --version           version\n"
	"\n"
	"Without COMMAND commands are read from the terminal. 'occtl help' lists the commands of a running server;\n"
	"each word may be abbreviated. Exit status: 0 done, 1 not done.\n";

static const struct option options[] = {
	{ "socket-file", required_argument, nullptr, 's' },
	{ "json", no_argument, nullptr, 'j' },
	{ "no-pager", no_argument, nullptr, 'n' },
	{ "debug", no_argument, nullptr, 'd' },
	{ "help", no_argument, nullptr, 'h' },
	{ "version", no_argument, nullptr, 'v' },
	{},
};

/* -1: go on; else the exit status */
static int take_options(struct occtl *o, int argc, char **argv)
{
	for (int c; (c = getopt_long(argc, argv, "s:jnhv", options, nullptr)) != -1;) {
		switch (c) {
		case 's': o->link.socket = optarg; break;
		case 'j': o->has_json = true; break;
		case 'n': o->has_pager = false; break;
		case 'd': o->link.has_debug = true; break;
		case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
		case 'v': puts("occtl (ocserv-modern) " OCSERV_MODERN_VERSION); return EXIT_SUCCESS;
		default: fputs("'occtl --help' lists the options\n", stderr); return EXIT_FAILURE;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct occtl o = { .link = { .socket = DEFAULT_SOCKET }, .has_pager = true };
	signal(SIGPIPE, SIG_IGN); /* a pager may be left early */
	int status = take_options(&o, argc, argv);
	if (status >= 0)
		return status;
	if (optind == argc)
		return shell_run(&o);
	return run_command(&o, argv + optind, (size_t)(argc - optind));
}
