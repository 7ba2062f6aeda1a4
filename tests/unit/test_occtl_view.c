/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What occtl prints, and how it cuts a typed line; tools are programs, so their files are part of this test */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../tools/occtl/table.c"
#include "../tools/occtl/view.c"
#include "../tools/occtl/view_guard.c"
#include "../tools/occtl/words.c"

/* What is printed of that JSON, for free(). */
static char *printed(const char *view, const char *json)
{
	char *text = nullptr;
	size_t len;
	json_error_t error;
	json_t *result = json_loads(json, JSON_DECODE_ANY, &error);
	assert_non_null(result);
	FILE *f = open_memstream(&text, &len);
	assert_non_null(f);
	view_print(f, view, result);
	fclose(f);
	json_decref(result);
	return text;
}

static void assert_printed(const char *view, const char *json, const char *expected)
{
	OWNED(base_freep) char *text = printed(view, json);
	assert_string_equal(text, expected);
}

static void users_are_an_aligned_table(void **)
{
	assert_printed("users", "[]", "id  user  vhost  ip  vpn-ip  device  since  dtls-cipher  status\n");
	assert_printed(
		"users",
		"[{\"ID\":7,\"Username\":\"alice\",\"vhost\":\"default\",\"Remote IP\":\"192.0.2.1\","
		"\"IPv4\":\"10.0.0.7\",\"Device\":\"vpns\",\"_Last connected at\":\"4s\",\"State\":\"connected\","
		"\"DTLS cipher\":\"(DTLS1.2)-(PSK)-(AES-256-GCM)\"},"
		"{\"ID\":1000,\"Username\":\"jos\\u00e9\",\"IPv6\":\"fd00::7\"}]",
		"  id   user    vhost         ip    vpn-ip  device  since    dtls-cipher     status\n"
		"   7  alice  default  192.0.2.1  10.0.0.7    vpns     4s  (AES-256-GCM)  connected\n"
		"1000   jos\xc3\xa9                       fd00::7                     (no-dtls)           \n");
}

static void absent_fields_leave_no_hole(void **)
{
	assert_printed("user", "[]", "");
	assert_printed("user",
		       "[{\"ID\":7,\"Groupname\":\"staff\",\"RX\":\"9\",\"_RX\":\"9 bytes\",\"NBNS\":[]}]",
		       "\tID: 7\n\tGroupname: staff\n\tRX: 9 (9 bytes)\n\n\n");
	assert_printed("user",
		       "[{\"Username\":\"a\",\"Groupname\":\"g\",\"DNS\":[\"10.0.0.1\",\"10.0.0.2\"],"
		       "\"Restricted to routes\":\"False\"}]",
		       "\tUsername: a   Groupname: g\n\n"
		       "\tDNS: 10.0.0.1\n\t\t10.0.0.2\n\tRestricted to routes: False\n\n");
}

/* A client chooses its agent and host name: neither may write a line or steer the terminal of an administrator. */
static void control_characters_are_not_printed(void **)
{
	assert_printed("user", "[{\"User-Agent\":\"x\\u001b[2J\\nID: 1\\u007f\\u009b3m\\u00e9\"}]",
		       "\tUser-Agent: x?[2J?ID: 1??3m\xc3\xa9\n\n\n");
	OWNED(base_freep) char *users = printed("users", "[{\"Username\":\"\\u001b]0;x\\u0007\"}]");
	assert_null(strchr(users, '\x1b'));
	assert_printed("message", "{\"message\":\"two\\nlines\\u001b\"}", "two\nlines?\n");
}

static void stats_have_a_column_a_worker(void **)
{
	assert_printed("stats",
		       "{\"total\":{\"rx_bytes\":30},\"workers\":[{\"rx_bytes\":10},{\"rx_bytes\":20}]}",
		       " counter  total  worker0  worker1\nrx_bytes     30       10       20\n");
}

static void status_shows_processes(void **)
{
	OWNED(base_freep) char *text = printed(
		"status", "{\"Status\":\"online\",\"Up since\":\"then\",\"_Up since\":\"4s\",\"Processes\":"
			  "[{\"name\":\"keeper\",\"pid\":7,\"restarts\":1,\"ready\":false}],"
			  "\"Features\":[\"bpf=on\"]}");
	assert_non_null(strstr(text, "General info:\n\tStatus: online\n\tUp since: then (4s)\n"));
	assert_non_null(strstr(text, "\tkeeper: pid 7, restarts 1, starting\n"));
	assert_non_null(strstr(text, "Features:\n\tbpf=on\n"));
}

static void an_unknown_view_is_json(void **)
{
	OWNED(base_freep) char *text = printed("future", "{\"a\":[1,\"\\u001b\"]}");
	json_t *again = json_loads(text, JSON_REJECT_DUPLICATES, nullptr);
	assert_non_null(again);
	assert_null(strchr(text, '\x1b'));
	json_decref(again);
}

/* A server of another version must not crash its occtl. */
static void an_unexpected_shape_is_survived(void **)
{
	static const char *const shapes[] = { "null",
					      "1",
					      "\"x\"",
					      "[1,null,[]]",
					      "{}",
					      "{\"total\":[],\"workers\":{}}",
					      "{\"Processes\":{},\"Features\":[{}]}" };
	static const char *const names[] = { "status", "users", "user", "stats", "help", "message" };
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		for (size_t j = 0; j < ARRAY_LEN(names); j++)
			free(printed(names[j], shapes[i]));
}

static void a_line_is_cut_into_words(void **)
{
	static const struct {
		const char *line;
		size_t n;
		const char *words[4];
	} rows[] = {
		{ "", 0, {} },
		{ " \t\r\n", 0, {} },
		{ "show users\n", 2, { "show", "users" } },
		{ "  show   user \"a b\"  ", 3, { "show", "user", "a b" } },
		{ "show user \"open", 3, { "show", "user", "open" } },
		{ "\"\"", 1, { "" } },
		{ "a\"b c", 2, { "a\"b", "c" } },
		{ "1 2 3 4 5", 5, { "1", "2", "3", "4" } },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[64], *words[4];
		strcpy(line, rows[i].line);
		assert_int_equal(words_cut(line, words, ARRAY_LEN(words)), rows[i].n);
		for (size_t j = 0; j < MIN(rows[i].n, ARRAY_LEN(words)); j++)
			assert_string_equal(words[j], rows[i].words[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_are_an_aligned_table),
		cmocka_unit_test(absent_fields_leave_no_hole),
		cmocka_unit_test(control_characters_are_not_printed),
		cmocka_unit_test(stats_have_a_column_a_worker),
		cmocka_unit_test(status_shows_processes),
		cmocka_unit_test(an_unknown_view_is_json),
		cmocka_unit_test(an_unexpected_shape_is_survived),
		cmocka_unit_test(a_line_is_cut_into_words),
	};
	return cmocka_run_group_tests_name("occtl_view", tests, nullptr, nullptr);
}
