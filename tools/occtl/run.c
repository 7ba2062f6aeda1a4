/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view.h"

/* Without less there is no pager, but there is output. */
static const char PAGER[] = "if command -v less >/dev/null 2>&1; then exec less -FX; else exec cat; fi";

static void show(FILE *out, const struct occtl *o, const char *view, const json_t *result)
{
	if (o->has_json)
		view_print_json(out, result);
	else
		view_print(out, view, result);
}

static void show_paged(const struct occtl *o, const char *view, const json_t *result)
{
	const char *chosen = getenv("PAGER");
	fflush(stdout);
	FILE *out = popen(chosen != nullptr && *chosen != '\0' ? chosen : PAGER, "w");
	if (out == nullptr) {
		show(stdout, o, view, result);
		return;
	}
	show(out, o, view, result);
	pclose(out);
}

static int show_failure(const struct occtl *o, const json_t *response)
{
	const char *error = json_string_value(json_object_get(response, "error"));
	const json_t *result = json_object_get(response, "result");
	/* a program that reads JSON gets some, also if nothing was found */
	if (o->has_json && result != nullptr)
		view_print_json(stdout, result);
	fflush(stdout);
	fputs("occtl: ", stderr);
	view_print_safe(stderr, error == nullptr ? "the server refused and gave no reason" : error, true);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

static bool is_paged(const struct occtl *o, const char *view)
{
	return o->has_pager && strcmp(view, "message") != 0 && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
}

/* {{ events }} */

static bool show_event(void *ctx, const json_t *event)
{
	const struct occtl *o = ctx;
	if (o->has_json)
		view_print_json_line(stdout, event);
	else
		view_print(stdout, "event", event);
	return fflush(stdout) == 0; /* who reads us may have left */
}

int run_command(const struct occtl *o, char *const words[], size_t words_n)
{
	if (words_n == 1 && strcmp(words[0], "reset") == 0) {
		fputs("\033c", stdout);
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	bool was_interrupted;
	json_t *response =
		link_follow(&o->link, words, words_n, show_event, (void *)(uintptr_t)o, &was_interrupted);
	if (response == nullptr)
		return EXIT_FAILURE;
	if (json_is_true(json_object_get(response, "stream"))) {
		json_decref(response);
		return was_interrupted ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	const char *view = json_string_value(json_object_get(response, "view"));
	const json_t *result = json_object_get(response, "result");
	int status = EXIT_SUCCESS;
	if (!json_is_true(json_object_get(response, "ok")) || view == nullptr || result == nullptr)
		status = show_failure(o, response);
	else if (is_paged(o, view))
		show_paged(o, view, result);
	else
		show(stdout, o, view, result);
	json_decref(response);
	return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}
