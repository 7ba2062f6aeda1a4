/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_metrics - requests for metrics, lines of a page, and that every number of the keeper is shown */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/messages.pb-c.h"
#include "metrics/page.h"
#include "metrics/scrape.h"

/* {{ requests }} */

static enum err parse(struct scrape *s, unsigned *status, const char *text)
{
	return scrape_parse(s, status, text, strlen(text));
}

static void a_request_of_prometheus_is_understood(void **)
{
	struct scrape s;
	unsigned status;
	assert_int_equal(parse(&s, &status,
			       "GET /metrics HTTP/1.1\r\nHost: a\r\n"
			       "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n\r\n"),
			 ERR_OK);
	assert_int_equal(s.what, SCRAPE_METRICS);
	assert_true(s.wants_openmetrics);
	assert_false(s.is_head);
}

static void other_good_requests(void **)
{
	struct scrape s;
	unsigned status;
	assert_int_equal(parse(&s, &status, "HEAD /health HTTP/1.0\r\n\r\n"), ERR_OK);
	assert_int_equal(s.what, SCRAPE_HEALTH);
	assert_true(s.is_head);
	assert_int_equal(parse(&s, &status, "GET /metrics?name=x HTTP/1.1\r\nAccept: */*\r\n\r\n"), ERR_OK);
	assert_int_equal(s.what, SCRAPE_METRICS);
	assert_false(s.wants_openmetrics);
	/* of another header it means nothing */
	assert_int_equal(
		parse(&s, &status, "GET /metrics HTTP/1.1\r\nX: application/openmetrics-text\r\n\r\n"),
		ERR_OK);
	assert_false(s.wants_openmetrics);
}

static void what_is_refused(void **)
{
	static const struct {
		const char *text;
		unsigned status;
	} rows[] = {
		{ "\r\n\r\n", 400 },
		{ "GET\r\n\r\n", 400 },
		{ "GET /metrics\r\n\r\n", 400 },
		{ "GET /metrics HTTP/1.1 x\r\n\r\n", 400 },
		{ "GET  /metrics HTTP/1.1\r\n\r\n", 400 },
		{ " GET /metrics HTTP/1.1\r\n\r\n", 400 },
		{ "GET /metrics HTTP\r\n\r\n", 400 },
		{ "GET /metrics http/1.1\r\n\r\n", 400 },
		{ "GET /metrics HTTP/1.1\nX: y\r\n\r\n", 400 },
		{ "GET /metrics HTTP/1.1\r\nX: a\rb\r\n\r\n", 400 },
		{ "GET /metrics HTTP/1.1\r\nX: \x01\r\n\r\n", 400 },
		{ "GET /met\trics HTTP/1.1\r\n\r\n", 404 },
		{ "GET /metrics HTTP/2.0\r\n\r\n", 505 },
		{ "GET /metrics HTTP/0.9\r\n\r\n", 505 },
		{ "POST /metrics HTTP/1.1\r\n\r\n", 405 },
		{ "get /metrics HTTP/1.1\r\n\r\n", 405 },
		{ "DELETE /health HTTP/1.1\r\n\r\n", 405 },
		{ "GET / HTTP/1.1\r\n\r\n", 404 },
		{ "GET /metricsx HTTP/1.1\r\n\r\n", 404 },
		{ "GET /metrics/ HTTP/1.1\r\n\r\n", 404 },
		{ "GET /../metrics HTTP/1.1\r\n\r\n", 404 },
		{ "GET http://a/metrics HTTP/1.1\r\n\r\n", 404 },
		{ "GET ?/metrics HTTP/1.1\r\n\r\n", 404 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scrape s;
		unsigned status = 0;
		if (parse(&s, &status, rows[i].text) != ERR_PROTO || status != rows[i].status)
			fail_msg("row %zu: status %u", i, status);
	}
}

static void a_head_comes_in_pieces_and_has_an_end(void **)
{
	static const char whole[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
	struct scrape s;
	unsigned status;
	for (size_t n = 0; n < sizeof whole - 1; n++)
		assert_int_equal(scrape_parse(&s, &status, whole, n), ERR_SHORT);
	static char endless[SCRAPE_HEAD_MAX];
	memset(endless, 'a', sizeof endless);
	assert_int_equal(scrape_parse(&s, &status, endless, sizeof endless - 1), ERR_SHORT);
	assert_int_equal(scrape_parse(&s, &status, endless, sizeof endless), ERR_PROTO);
	assert_int_equal(status, 431);
	static const char nul[] = "GET /metrics\0 HTTP/1.1\r\n\r\n";
	assert_int_equal(scrape_parse(&s, &status, nul, sizeof nul - 1), ERR_PROTO);
	assert_int_equal(status, 400);
}

/* {{ pages }} */

static char *page_of(bool is_openmetrics)
{
	struct page p;
	struct page_labels l = {};
	char *text;
	size_t len;
	assert_int_equal(page_begin(&p, is_openmetrics), ERR_OK);
	page_family(&p, PAGE_COUNTER, "a_", "b", "Help \"me\"");
	page_label(&l, "x", "q\"\\\n\xff");
	page_label_number(&l, "n", 7);
	page_sample(&p, &l, 3);
	page_family(&p, PAGE_GAUGE, "a_", "g", "G");
	page_sample(&p, nullptr, UINT64_MAX);
	page_family(&p, PAGE_COUNTER, "a_", "cpu_seconds", "C");
	page_seconds(&p, nullptr, 1'000'000'002);
	assert_int_equal(page_end(&p, &text, &len), ERR_OK);
	assert_int_equal(strlen(text), len);
	return text;
}

static void both_formats(void **)
{
	char *om = page_of(true), *old = page_of(false);
	assert_string_equal(om, "# HELP a_b Help 'me'\n# TYPE a_b counter\n"
				"a_b_total{x=\"q\\\"\\\\\\n?\",n=\"7\"} 3\n"
				"# HELP a_g G\n# TYPE a_g gauge\na_g 18446744073709551615\n"
				"# HELP a_cpu_seconds C\n# TYPE a_cpu_seconds counter\n"
				"a_cpu_seconds_total 1.000000002\n# EOF\n");
	assert_non_null(strstr(old, "# TYPE a_b_total counter\n"));
	assert_null(strstr(old, "EOF"));
	free(om);
	free(old);
}

static void a_histogram_counts_up(void **)
{
	struct page p;
	struct stats_hist h = {};
	char *text;
	size_t len;
	static const uint64_t times[] = { 0, 1'000, 1'001, 2'000, 2'001, 17'000'000'000 };
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		stats_hist_add(&h, times[i]);
	uint64_t n[STATS_BOUNDS_N + 1];
	for (size_t i = 0; i <= STATS_BOUNDS_N; i++)
		n[i] = stats_read(&h.n[i]);
	assert_int_equal(n[0], 2);
	assert_int_equal(n[1], 2);
	assert_int_equal(n[2], 1);
	assert_int_equal(n[STATS_BOUNDS_N], 1);
	assert_int_equal(page_begin(&p, true), ERR_OK);
	page_family(&p, PAGE_HISTOGRAM, "", "t_seconds", "T");
	page_histogram(&p, nullptr, n, stats_read(&h.sum_ns));
	assert_int_equal(page_end(&p, &text, &len), ERR_OK);
	assert_non_null(strstr(text, "t_seconds_bucket{le=\"1e-06\"} 2\nt_seconds_bucket{le=\"2e-06\"} 4\n"));
	assert_non_null(strstr(text, "t_seconds_bucket{le=\"16.777216\"} 5\nt_seconds_bucket{le=\"+Inf\"} 6\n"
				     "t_seconds_sum 17.000006002\nt_seconds_count 6\n"));
	free(text);
}

static void labels_never_leave_their_room(void **)
{
	struct page_labels l = {};
	char lots[2 * PAGE_LABELS_MAX];
	memset(lots, '"', sizeof lots - 1);
	lots[sizeof lots - 1] = '\0';
	page_label(&l, "a", lots);
	page_label(&l, "b", lots);
	assert_true(l.len < sizeof l.text);
	assert_int_equal(strlen(l.text), l.len);
	assert_string_equal(l.text + l.len - 3, "\\\"\"");
}

/* {{ tables }} */

static bool is_in_table(const char *field)
{
#define KEEPER(known, name, type, help) \
	if (strcmp(field, #known) == 0) \
		return true;
#define SKIP(known)                     \
	if (strcmp(field, #known) == 0) \
		return true;
#include "metrics/keeper.def"
#undef KEEPER
#undef SKIP
	return false;
}

static void each_number_of_the_keeper_is_shown(void **)
{
	const ProtobufCMessageDescriptor *d = &msg__keeper_status__descriptor;
	for (unsigned i = 0; i < d->n_fields; i++) {
		bool is_number = d->fields[i].type == PROTOBUF_C_TYPE_UINT64 ||
				 d->fields[i].type == PROTOBUF_C_TYPE_UINT32;
		if (is_number && !is_in_table(d->fields[i].name))
			fail_msg("%s is not in src/metrics/keeper.def", d->fields[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_of_prometheus_is_understood),
		cmocka_unit_test(other_good_requests),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(a_head_comes_in_pieces_and_has_an_end),
		cmocka_unit_test(both_formats),
		cmocka_unit_test(a_histogram_counts_up),
		cmocka_unit_test(labels_never_leave_their_room),
		cmocka_unit_test(each_number_of_the_keeper_is_shown),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
