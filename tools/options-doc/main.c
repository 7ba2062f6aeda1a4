/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * options-doc - print the reference of options: "options-doc markdown" for docs/options.md, "options-doc man" for
 * docs/man/ocserv.conf.5
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int main(int argc, char **argv)
{
	const char *form = argc == 2 ? argv[1] : "";
	if (strcmp(form, "markdown") == 0)
		config_print_markdown(stdout);
	else if (strcmp(form, "man") == 0)
		config_print_man(stdout);
	else {
		fputs("usage: options-doc markdown|man\n", stderr);
		return EXIT_FAILURE;
	}
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
