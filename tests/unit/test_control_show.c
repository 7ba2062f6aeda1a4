/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each command answers, field by field */
#include "unit/test_control_client.h"

static void users_are_joined_with_their_counters(void **)
{
	json_t *answer = ask("{\"cmd\":[\"show\",\"users\"],\"v\":1}\n");
	const json_t *list = json_object_get(answer, "result");
	assert_string_equal(text(answer, "view"), "users");
	assert_int_equal(json_array_size(list), 2);
	const json_t *alice = json_array_get(list, 0);
	assert_int_equal(json_integer_value(json_object_get(alice, "ID")), 5001);
	assert_string_equal(text(alice, "Username"), "alice");
	assert_string_equal(text(alice, "Groupname"), "(none)");
	assert_string_equal(text(alice, "State"), "connected");
	assert_string_equal(text(alice, "vhost"), "default");
	assert_string_equal(text(alice, "Device"), "vpns0");
	assert_string_equal(text(alice, "MTU"), "1400");
	assert_string_equal(text(alice, "Remote IP"), "192.0.2.1");
	assert_string_equal(text(alice, "IPv4"), "10.0.0.7");
	assert_string_equal(text(alice, "IPv6"), "(absent)");
	assert_string_equal(text(alice, "RX"), "1500");
	assert_string_equal(text(alice, "_TX"), "2.0 MB");
	assert_string_equal(text(alice, "DPD"), "90");
	assert_string_equal(text(alice, "TLS ciphersuite"), "(TLS1.3)-(X)");
	assert_string_equal(text(alice, "DTLS cipher"), "(DTLS1.2)-(PSK)-(AES-128-GCM)");
	assert_string_equal(text(alice, "Session"), "AQIDAA");
	assert_string_equal(text(alice, "_Last connected at"), "10s");
	json_decref(answer);
}

/* Another session is in no slot: no counters of alice for it; its name is no UTF-8 and still makes JSON. */
static void a_session_without_worker_has_no_foreign_counters(void **)
{
	json_t *answer = ask("{\"cmd\":[\"show\",\"id\",\"5002\"],\"v\":1}\n");
	const json_t *bob = json_array_get(json_object_get(answer, "result"), 0);
	assert_string_equal(text(bob, "Username"), "b?ob");
	assert_string_equal(text(bob, "RX"), "0");
	assert_string_equal(text(bob, "TLS ciphersuite"), "(absent)");
	json_decref(answer);
}

/* What a client calls itself reaches no terminal as it is. */
static void answers_are_plain_ascii(void **)
{
	int fd = dial();
	say(fd, "{\"cmd\":[\"show\",\"users\"],\"v\":1}\n");
	char *line = hear(fd);
	assert_non_null(line);
	for (const char *p = line; p[1] != '\0'; p++)
		assert_true(*p >= 0x20 && *p < 0x7f);
	close(fd);
}

static void status_has_the_fields_of_ocserv(void **)
{
	static const char *const keys[] = {
		"Status",
		"Server PID",
		"Sec-mod PID",
		"Sec-mod instance count",
		"Up since",
		"raw_up_since",
		"uptime",
		"Active sessions",
		"Total sessions",
		"Total authentication failures",
		"IPs in ban list",
		"TLS DB entries",
		"Sec-mod client entries",
		"Last stats reset",
		"Sessions handled",
		"Timed out sessions",
		"Timed out (idle) sessions",
		"Closed due to error sessions",
		"Authentication failures",
		"Average auth time",
		"Max auth time",
		"Average session time",
		"Max session time",
		"Min MTU",
		"Max MTU",
		"RX",
		"raw_rx",
		"TX",
		"raw_tx",
	};
	json_t *answer = ask("{\"cmd\":[\"show\",\"status\"],\"v\":1}\n");
	const json_t *status = json_object_get(answer, "result");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		print_message("%s\n", keys[i]);
		assert_non_null(json_object_get(status, keys[i]));
	}
	assert_int_equal(json_integer_value(json_object_get(status, "Sec-mod PID")), 77);
	assert_int_equal(json_integer_value(json_object_get(status, "raw_rx")), 123'456);
	assert_int_equal(json_integer_value(json_object_get(status, "Min MTU")), 1400);
	assert_string_equal(text(status, "Max auth time"), "3s");
	assert_string_equal(text(status, "_Up since"), "1m:40s");
	const json_t *auth = json_object_get(status, "Authentication");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(auth, "Broken methods"), "radius")), 7);
	assert_null(json_object_get(status, "Median latency")); /* not measured, so not claimed */
	json_decref(answer);
}

static void stats_have_each_worker_and_the_sum(void **)
{
	json_t *answer = ask("{\"cmd\":[\"show\",\"stats\"],\"v\":1}\n");
	const json_t *result = json_object_get(answer, "result");
	const json_t *total = json_object_get(result, "total");
	assert_int_equal(json_array_size(json_object_get(result, "workers")), 1);
	assert_int_equal(json_integer_value(json_object_get(total, "rx_bytes")), 123'456);
	assert_non_null(json_object_get(total, "handover_out"));
	json_decref(answer);
}

static void nobody_of_that_name_is_an_error_with_an_empty_list(void **)
{
	json_t *answer = ask("{\"cmd\":[\"show\",\"user\",\"nobody\"],\"v\":1}\n");
	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_true(json_is_array(json_object_get(answer, "result")));
	json_decref(answer);
	assert_fails("{\"cmd\":[\"show\",\"id\",\"9\"],\"v\":1}\n", "no session has id '9'");
	assert_fails("{\"cmd\":[\"show\",\"id\",\"x9\"],\"v\":1}\n", "is no ID");
	assert_fails("{\"cmd\":[\"show\",\"id\",\"-1\"],\"v\":1}\n", "is no ID");
	assert_fails("{\"cmd\":[\"show\",\"id\",\"0\"],\"v\":1}\n", "is no ID");
	assert_fails("{\"cmd\":[\"show\",\"id\",\"99999999999999999999\"],\"v\":1}\n", "is no ID");
}

static void disconnect_tells_whether_it_did(void **)
{
	assert_message("{\"cmd\":[\"disconnect\",\"user\",\"alice\"],\"v\":1}\n",
		       "user 'alice' was disconnected");
	assert_message("{\"cmd\":[\"disconnect\",\"id\",\"5001\"],\"v\":1}\n", "id '5001' was disconnected");
	assert_fails("{\"cmd\":[\"disconnect\",\"user\",\"nobody\"],\"v\":1}\n", "not connected");
}

static void terminate_is_no_disconnect(void **)
{
	assert_message("{\"cmd\":[\"terminate\",\"user\",\"alice\"],\"v\":1}\n",
		       "user 'alice' was terminated");
	assert_true(w.last.terminate);
	assert_message("{\"cmd\":[\"disconnect\",\"user\",\"alice\"],\"v\":1}\n",
		       "user 'alice' was disconnected");
	assert_false(w.last.terminate);
	assert_fails("{\"cmd\":[\"terminate\",\"session\",\"abcdef\"],\"v\":1}\n", "there is none");
	assert_string_equal(w.last_session, "abcdef");
	assert_fails("{\"cmd\":[\"terminate\",\"session\",\"AQIDAA\"],\"v\":1}\n", "several");
	assert_fails("{\"cmd\":[\"terminate\",\"id\",\"x\"],\"v\":1}\n", "is no ID");
}

static void sessions_have_the_fields_of_ocserv(void **)
{
	static const char *const keys[] = { "Session",    "Full session", "Created",         "State",
					    "Username",   "Groupname",    "vhost",           "Location",
					    "User-Agent", "Remote IP",    "session_is_open", "tls_auth_ok",
					    "in_use" };
	json_t *answer = ask("{\"cmd\":[\"show\",\"sessions\",\"all\"],\"v\":1}\n");
	assert_string_equal(text(answer, "view"), "sessions");
	const json_t *alice = json_array_get(json_object_get(answer, "result"), 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		print_message("%s\n", keys[i]);
		assert_non_null(json_object_get(alice, keys[i]));
	}
	assert_string_equal(text(alice, "State"), "authenticated");
	assert_int_equal(json_integer_value(json_object_get(alice, "in_use")), 1);
	json_decref(answer);
	answer = ask("{\"cmd\":[\"show\",\"iroutes\"],\"v\":1}\n"); /* nobody has one */
	assert_int_equal(json_array_size(json_object_get(answer, "result")), 0);
	json_decref(answer);
}

static void reload_passes_the_problems_on(void **)
{
	assert_message("{\"cmd\":[\"reload\"],\"v\":1}\n", "the configuration was reloaded");
	w.problems = "ocserv.conf:3: error: unknown option\nocserv.conf:9: error: out of range";
	assert_fails("{\"cmd\":[\"reload\"],\"v\":1}\n", "ocserv.conf:9: error: out of range");
}

static void stop_reaches_the_supervisor(void **)
{
	assert_message("{\"cmd\":[\"stop\",\"now\"],\"v\":1}\n", "the server is stopping");
	turn(4);
	assert_int_equal(w.stops, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(users_are_joined_with_their_counters),
		TEST(a_session_without_worker_has_no_foreign_counters),
		TEST(answers_are_plain_ascii),
		TEST(status_has_the_fields_of_ocserv),
		TEST(stats_have_each_worker_and_the_sum),
		TEST(nobody_of_that_name_is_an_error_with_an_empty_list),
		TEST(disconnect_tells_whether_it_did),
		TEST(terminate_is_no_disconnect),
		TEST(sessions_have_the_fields_of_ocserv),
		TEST(reload_passes_the_problems_on),
		TEST(stop_reaches_the_supervisor),
	};
	return cmocka_run_group_tests_name("control_show", tests, nullptr, nullptr);
}
