/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words of an administrator against the table: abbreviations, ambiguity, arguments */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "control/cmds.h"

/* Cut at '|', so that a row reads like a command. */
static struct request request_of(const char *typed)
{
	struct request r = {};
	while (r.words_n < REQUEST_WORDS_MAX) {
		size_t len = strcspn(typed, "|");
		memcpy(r.words[r.words_n++], typed, len);
		if (typed[len] == '\0')
			break;
		typed += len + 1;
	}
	return r;
}

static const struct row {
	const char *typed;
	enum err e;
	const char *words; /* of the command that is found */
	const char *arg;
	const char *why;   /* what the refusal says */
} rows[] = {
	{ "show|status", ERR_OK, "show status", nullptr, nullptr },
	{ "sh|stat", ERR_BUSY, nullptr, nullptr, "show status, show stats" },
	{ "sh|statu", ERR_OK, "show status", nullptr, nullptr },
	{ "s|stats", ERR_OK, "show stats", nullptr, nullptr },
	{ "show|users", ERR_OK, "show users", nullptr, nullptr },
	{ "sh|us", ERR_OK, "show users", nullptr, nullptr },
	{ "sh|us|alice", ERR_OK, "show user", "alice", nullptr },
	{ "show|user|alice", ERR_OK, "show user", "alice", nullptr },
	{ "show|sessions|all", ERR_OK, "show sessions all", nullptr, nullptr },
	{ "show|sessions|valid", ERR_OK, "show sessions valid", nullptr, nullptr },
	{ "show|sessions|v", ERR_OK, "show sessions valid", nullptr, nullptr },
	{ "show|sessions", ERR_BUSY, nullptr, nullptr, "show sessions all, show sessions valid" },
	{ "show|sessions|abcdef", ERR_NOTFOUND, nullptr, nullptr, "unknown command" },
	{ "show|session|abcdef", ERR_OK, "show session", "abcdef", nullptr },
	{ "show|session|all", ERR_OK, "show session", "all", nullptr },
	{ "show|cookies|all", ERR_OK, "show cookies all", nullptr, nullptr },
	{ "show|cookie|abcdef", ERR_OK, "show cookie", "abcdef", nullptr },
	{ "terminate|session|abcdef", ERR_OK, "terminate session", "abcdef", nullptr },
	{ "terminate|s", ERR_SYNTAX, nullptr, nullptr, "terminate session SID" },
	{ "show|user", ERR_SYNTAX, nullptr, nullptr, "show user NAME" },
	{ "show|users|alice", ERR_SYNTAX, nullptr, nullptr, "show users" },
	{ "show|user|a b", ERR_OK, "show user", "a b", nullptr },
	{ "show|user|a|b", ERR_SYNTAX, nullptr, nullptr, "show user NAME" },
	{ "show|i|7", ERR_OK, "show id", "7", nullptr },
	{ "d|u|alice", ERR_OK, "disconnect user", "alice", nullptr },
	{ "disc|id|12", ERR_OK, "disconnect id", "12", nullptr },
	{ "disconnect", ERR_BUSY, nullptr, nullptr, "disconnect user NAME, disconnect id ID" },
	{ "disconnect|x|y", ERR_NOTFOUND, nullptr, nullptr, "unknown command" },
	{ "r", ERR_OK, "reload", nullptr, nullptr },
	{ "reload|now", ERR_SYNTAX, nullptr, nullptr, "reload" },
	{ "st|n", ERR_OK, "stop now", nullptr, nullptr },
	{ "stop", ERR_SYNTAX, nullptr, nullptr, "stop now" },
	{ "h", ERR_OK, "help", nullptr, nullptr },
	{ "shows|users", ERR_NOTFOUND, nullptr, nullptr, "unknown command 'shows users'" },
	{ "Show|users", ERR_NOTFOUND, nullptr, nullptr, "unknown command" },
	{ "show users", ERR_NOTFOUND, nullptr, nullptr, "unknown command" },
	{ "bogus", ERR_NOTFOUND, nullptr, nullptr, "'help' lists the commands" },
	{ "1|2|3|4|5|6|7|8", ERR_NOTFOUND, nullptr, nullptr, "unknown command" },
};

static void each_row_finds_its_command(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct request r = request_of(row->typed);
		const struct cmd *cmd = nullptr;
		const char *arg = nullptr;
		char text[512] = "";
		struct writer why = writer_of(text, sizeof text - 1);
		print_message("%s\n", row->typed);
		assert_int_equal(cmds_find(&r, &cmd, &arg, &why), row->e);
		if (row->e == ERR_OK)
			assert_string_equal(cmd->words, row->words);
		else
			assert_non_null(strstr(text, row->why));
		if (row->arg == nullptr)
			assert_null(arg);
		else
			assert_string_equal(arg, row->arg);
	}
}

/* Every command is found by its own words, and help tells all of them. */
static void table_is_consistent(void **)
{
	json_t *help = cmds_help();
	constexpr size_t ROWS = 0
#define CMD(words, arg, right, start, view, help) +1
#include "control/cmds.def"
#undef CMD
		;
	assert_int_equal(json_array_size(help), ROWS);
	for (size_t i = 0; i < json_array_size(help); i++) {
		const json_t *row = json_array_get(help, i);
		char typed[64] = "", text[512];
		struct writer w = writer_of(typed, sizeof typed - 1), why = writer_of(text, sizeof text);
		const char *words = json_string_value(json_object_get(row, "command"));
		const char *args = json_string_value(json_object_get(row, "arg"));
		writer_fmt(&w, "%s%s%s", words, *args != '\0' ? "|5" : "",
			   strchr(args, ' ') != nullptr ? "|6" : "");
		for (char *p = typed; (p = strchr(p, ' ')) != nullptr;)
			*p = '|';
		struct request r = request_of(typed);
		const struct cmd *cmd;
		const char *arg;
		assert_int_equal(cmds_find(&r, &cmd, &arg, &why), ERR_OK);
		assert_string_equal(cmd->words, words);
		assert_true(cmd->right == RIGHT_SHOW || cmd->right == RIGHT_CHANGE);
	}
	json_decref(help);
}

/* A refusal is cut, never written beyond its room. */
static void long_words_do_not_overflow_the_reason(void **)
{
	struct request r = { .words_n = REQUEST_WORDS_MAX };
	for (size_t i = 0; i < r.words_n; i++)
		memset(r.words[i], 'x', REQUEST_WORD_MAX);
	char text[64] = "";
	struct writer why = writer_of(text, sizeof text - 1);
	const struct cmd *cmd;
	const char *arg;
	assert_int_equal(cmds_find(&r, &cmd, &arg, &why), ERR_NOTFOUND);
	assert_int_equal(text[sizeof text - 1], '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_finds_its_command),
		cmocka_unit_test(table_is_consistent),
		cmocka_unit_test(long_words_do_not_overflow_the_reason),
	};
	return cmocka_run_group_tests_name("cmds", tests, nullptr, nullptr);
}
