/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "complete.h"
#include "words.h"

static bool is_exit(const char *word)
{
	return strcmp(word, "exit") == 0 || strcmp(word, "quit") == 0;
}

/* false: leave the shell */
static bool run_line(const struct occtl *o, char *line, int *status)
{
	char *words[LINK_WORDS_MAX];
	size_t n = words_cut(line, words, ARRAY_LEN(words));
	if (n == 0)
		return true;
	if (is_exit(words[0]))
		return false;
	if (strcmp(words[0], "?") == 0)
		words[0] = (char *)(uintptr_t)"help";
	*status = run_command(o, words, n);
	return true;
}

static char *read_terminal(void)
{
	char *line = readline("> ");
	if (line != nullptr && *line != '\0')
		add_history(line);
	return line;
}

/* No prompt and no echo into the output of a program that pipes commands in. */
static char *read_pipe(void)
{
	char *line = nullptr;
	size_t cap = 0;
	if (getline(&line, &cap, stdin) >= 0)
		return line;
	free(line);
	return nullptr;
}

int shell_run(const struct occtl *o)
{
	bool on_terminal = isatty(STDIN_FILENO);
	int status = EXIT_SUCCESS;
	if (on_terminal) {
		complete_init(o);
		puts("occtl of ocserv-modern " OCSERV_MODERN_VERSION
		     "; 'help' lists the commands, 'exit' leaves");
	}
	for (;;) {
		OWNED(base_freep) char *line = on_terminal ? read_terminal() : read_pipe();
		if (line == nullptr || !run_line(o, line, &status))
			return status;
	}
}
