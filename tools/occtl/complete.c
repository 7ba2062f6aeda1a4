/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "words.h"

/* readline calls back without an argument: the one place for what its callbacks need */
static struct {
	const struct occtl *occtl;
	json_t *choices; /* of the word under the cursor */
	size_t at;
} now;

static const char *const local[] = { "exit", "quit" };

static json_t *ask(char *const words[], size_t n)
{
	/* a missing server is told when a command runs, not at each TAB */
	const struct link quiet = { .socket = now.occtl->link.socket, .is_quiet = true };
	json_t *response = link_ask(&quiet, words, n);
	json_t *result = json_incref(json_object_get(response, "result"));
	json_decref(response);
	return result;
}

static void add(const char *text, size_t len)
{
	json_t *word = json_stringn(text, len);
	for (size_t i = 0; i < json_array_size(now.choices); i++) {
		if (json_equal(json_array_get(now.choices, i), word)) {
			json_decref(word);
			return;
		}
	}
	json_array_append_new(now.choices, word);
}

/* Names or numbers of those who are connected */
static void add_arguments(const char *arg)
{
	json_t *users = ask((char *const[]){ (char[]){ "show" }, (char[]){ "users" } }, 2);
	for (size_t i = 0; i < json_array_size(users); i++) {
		const json_t *u = json_array_get(users, i);
		const char *name = json_string_value(json_object_get(u, "Username"));
		char id[32];
		snprintf(id, sizeof id, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(json_object_get(u, "ID")));
		if (strcmp(arg, "ID") == 0)
			add(id, strlen(id));
		else if (name != nullptr)
			add(name, strlen(name));
	}
	json_decref(users);
}

/* The rest of command after the words typed so far, "" if all are there; nullptr if they do not fit. */
static const char *rest_of(const char *command, char *const typed[], size_t typed_n)
{
	for (size_t i = 0; i < typed_n; i++) {
		size_t len = strcspn(command, " ");
		if (len == 0 || strncmp(command, typed[i], strlen(typed[i])) != 0 || strlen(typed[i]) > len)
			return nullptr;
		command += len;
		command += strspn(command, " ");
	}
	return command;
}

static void add_commands(char *const typed[], size_t typed_n)
{
	json_t *help = ask((char *const[]){ (char[]){ "help" } }, 1);
	for (size_t i = 0; i < json_array_size(help); i++) {
		const json_t *c = json_array_get(help, i);
		const char *command = json_string_value(json_object_get(c, "command"));
		const char *arg = json_string_value(json_object_get(c, "arg"));
		const char *rest = command == nullptr ? nullptr : rest_of(command, typed, typed_n);
		if (rest != nullptr && *rest != '\0')
			add(rest, strcspn(rest, " "));
		else if (rest != nullptr && arg != nullptr && *arg != '\0')
			add_arguments(arg);
	}
	json_decref(help);
	for (size_t i = 0; typed_n == 0 && i < ARRAY_LEN(local); i++)
		add(local[i], strlen(local[i]));
}

static char *next_match(const char *text, int state)
{
	if (state == 0)
		now.at = 0;
	while (now.at < json_array_size(now.choices)) {
		const char *word = json_string_value(json_array_get(now.choices, now.at++));
		if (strncmp(word, text, strlen(text)) == 0)
			return strdup(word);
	}
	return nullptr;
}

static char **complete(const char *text, int start, int)
{
	char *typed[LINK_WORDS_MAX];
	OWNED(base_freep) char *before = strndup(rl_line_buffer, (size_t)start);
	rl_attempted_completion_over = 1; /* never file names */
	if (before == nullptr)
		return nullptr;
	size_t n = words_cut(before, typed, ARRAY_LEN(typed));
	if (n > ARRAY_LEN(typed))
		return nullptr;
	now.choices = json_array();
	add_commands(typed, n);
	char **matches = rl_completion_matches(text, next_match);
	json_decref(TAKE(now.choices));
	return matches;
}

void complete_init(const struct occtl *o)
{
	now.occtl = o;
	rl_readline_name = "occtl";
	rl_attempted_completion_function = complete;
}
