/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a line is a request, and what is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/request.h"

static enum err parse(const char *line, struct request *r)
{
	memset(r, 0x5a, sizeof *r);
	return request_parse(r, line, strlen(line));
}

static void words_are_taken(void **)
{
	struct request r;
	assert_int_equal(parse("{\"cmd\":[\"show\",\"user\",\"a b\\\"\"],\"v\":1}", &r), ERR_OK);
	assert_int_equal(r.words_n, 3);
	assert_string_equal(r.words[0], "show");
	assert_string_equal(r.words[2], "a b\"");
	assert_int_equal(parse(" { \"v\" : 1 , \"cmd\" : [ \"help\" ] } ", &r), ERR_OK);
	assert_int_equal(r.words_n, 1);
	assert_int_equal(parse("{\"cmd\":[\"show\",\"user\",\"\u00e9\"],\"v\":1}\r", &r), ERR_OK);
	assert_string_equal(r.words[2], "\xc3\xa9");
}

static const struct {
	const char *line;
	enum err e;
} wrong[] = {
	{ "", ERR_SYNTAX },
	{ "show users", ERR_SYNTAX },
	{ "GET / HTTP/1.1", ERR_SYNTAX },
	{ "[]", ERR_SYNTAX },
	{ "null", ERR_SYNTAX },
	{ "{}", ERR_SYNTAX },
	{ "{\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[\"help\"]}", ERR_SYNTAX },
	{ "{\"cmd\":[\"help\"],\"v\":\"1\"}", ERR_SYNTAX },
	{ "{\"cmd\":[\"help\"],\"v\":1.0}", ERR_SYNTAX },
	{ "{\"cmd\":[\"help\"],\"v\":2}", ERR_UNSUPPORTED },
	{ "{\"cmd\":[\"help\"],\"v\":0}", ERR_UNSUPPORTED },
	{ "{\"cmd\":[\"help\"],\"v\":1,\"x\":0}", ERR_SYNTAX },
	{ "{\"cmd\":[\"help\"],\"v\":1,\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[\"help\"],\"v\":1}{}", ERR_SYNTAX },
	{ "{\"cmd\":[\"help\"],\"v\":1", ERR_SYNTAX },
	{ "{\"cmd\":\"help\",\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[],\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[\"\"],\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[\"show\",\"\"],\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[1],\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[[\"help\"]],\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[\"he\u0000lp\"],\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[\"\xff\xfe\"],\"v\":1}", ERR_SYNTAX },
	{ "{\"cmd\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"],\"v\":1}", ERR_RANGE },
	{ "{\"cmd\":[\"help\"],\"v\":99999999999999999999}", ERR_SYNTAX },
};

static void wrong_lines_are_refused(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct request r, before;
		memset(&before, 0x5a, sizeof before);
		print_message("%s\n", wrong[i].line);
		assert_int_equal(parse(wrong[i].line, &r), wrong[i].e);
		assert_memory_equal(&r, &before, sizeof r);
	}
}

static void a_word_has_its_limit(void **)
{
	struct request r;
	char line[REQUEST_LEN_MAX + 2], word[REQUEST_WORD_MAX + 2] = "";
	memset(word, 'x', REQUEST_WORD_MAX);
	snprintf(line, sizeof line, "{\"cmd\":[\"%s\"],\"v\":1}", word);
	assert_int_equal(parse(line, &r), ERR_OK);
	assert_int_equal(strlen(r.words[0]), REQUEST_WORD_MAX);
	word[REQUEST_WORD_MAX] = 'x';
	snprintf(line, sizeof line, "{\"cmd\":[\"%s\"],\"v\":1}", word);
	assert_int_equal(parse(line, &r), ERR_RANGE);
}

static void a_line_has_its_limit(void **)
{
	struct request r;
	char line[REQUEST_LEN_MAX + 1];
	memset(line, ' ', sizeof line);
	memcpy(line, "{\"cmd\":[\"help\"],\"v\":1}", 22);
	assert_int_equal(request_parse(&r, line, REQUEST_LEN_MAX), ERR_OK);
	assert_int_equal(request_parse(&r, line, REQUEST_LEN_MAX + 1), ERR_RANGE);
	memset(line, '[', sizeof line);
	assert_int_equal(request_parse(&r, line, REQUEST_LEN_MAX), ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_taken),
		cmocka_unit_test(wrong_lines_are_refused),
		cmocka_unit_test(a_word_has_its_limit),
		cmocka_unit_test(a_line_has_its_limit),
	};
	return cmocka_run_group_tests_name("control_request", tests, nullptr, nullptr);
}
