/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

constexpr int STATUS_MISSED = 3;

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

/* Five digits are more than any measurement here is good for. */
static json_t *number(double v)
{
	if (v == 0 || !isfinite(v))
		return json_real(0);
	double scale = pow(10, 5 - ceil(log10(fabs(v))));
	return json_real(round(v * scale) / scale);
}

static json_t *count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static const char *suite_word(enum record_suite s)
{
	const struct record_aead *a = record_aead_of(s);
	return a != nullptr ? a->name : "none";
}

static json_t *sessions(const struct run *r)
{
	json_t *j = json_object();
	json_object_set_new(j, "started", count(r->total.count[COUNT_started]));
	json_object_set_new(j, "opened", count(r->total.count[COUNT_opened]));
	json_object_set_new(j, "held", count(r->held));
	json_object_set_new(j, "lost", count(r->total.count[COUNT_lost]));
	json_object_set_new(j, "failed", count(crew_fails(&r->total) - r->total.count[COUNT_lost]));
	json_object_set_new(j, "dpd_answered", count(r->total.count[COUNT_dpd_answered]));
	json_object_set_new(j, "open_seconds", number(r->open_seconds));
	return j;
}

static json_t *failures(const struct run *r)
{
	json_t *j = json_object();
	for (size_t i = 1; i < FAIL_N; i++)
		if (r->total.fails[i] > 0)
			json_object_set_new(j, client_fail_word((enum fail)i), count(r->total.fails[i]));
	return j;
}

static json_t *latency(const struct hist *h)
{
	json_t *j = json_object();
	json_object_set_new(j, "n", count(h->n));
	json_object_set_new(j, "mean", number(ms(hist_mean(h))));
	json_object_set_new(j, "p50", number(ms(hist_percentile(h, 0.5))));
	json_object_set_new(j, "p90", number(ms(hist_percentile(h, 0.9))));
	json_object_set_new(j, "p99", number(ms(hist_percentile(h, 0.99))));
	json_object_set_new(j, "max", number(ms(h->max_ns)));
	return j;
}

static void add_latencies(json_t *j, const struct run *r)
{
	static const char *const names[LATENCY_N] = {
		[LATENCY_TLS] = "tls_ms",   [LATENCY_LOGIN] = "login_ms", [LATENCY_CONNECT] = "connect_ms",
		[LATENCY_DTLS] = "dtls_ms", [LATENCY_TOTAL] = "total_ms", [LATENCY_ECHO] = "echo_ms",
	};
	for (size_t i = 0; i < LATENCY_N; i++)
		if (r->crew.hist[i].n > 0)
			json_object_set_new(j, names[i], latency(&r->crew.hist[i]));
}

static json_t *traffic(const struct outcome *o)
{
	json_t *j = json_object();
	json_object_set_new(j, "seconds", number(o->seconds));
	json_object_set_new(j, "rate_asked", number(o->rate));
	json_object_set_new(j, "sent", count(o->sent));
	json_object_set_new(j, "sent_per_s", number((double)o->sent / o->seconds));
	if (!o->is_known) {
		json_object_set_new(j, "received", json_null());
		json_object_set_new(j, "corrupt", count(o->corrupt));
		return j;
	}
	json_object_set_new(j, "received", count(o->received));
	json_object_set_new(j, "received_per_s", number((double)o->received / o->seconds));
	json_object_set_new(j, "mbit_per_s", number((double)o->bytes * 8e-6 / o->seconds));
	json_object_set_new(j, "loss_percent", number(run_loss(o)));
	json_object_set_new(j, "twice", count(o->twice));
	json_object_set_new(j, "reordered", count(o->reordered));
	json_object_set_new(j, "late", count(o->late));
	json_object_set_new(j, "corrupt", count(o->corrupt));
	json_object_set_new(j, "dropped_by_ocload", count(o->dropped));
	json_object_set_new(j, "blocked", count(o->blocked));
	return j;
}

static json_t *steps(const struct run *r)
{
	json_t *list = json_array();
	for (size_t i = 0; i < r->steps_n; i++) {
		const struct outcome *o = &r->steps[i];
		json_t *j = json_object();
		json_object_set_new(j, "rate_asked", number(o->rate));
		json_object_set_new(j, "sent_per_s", number((double)o->sent / o->seconds));
		json_object_set_new(j, "received_per_s", number((double)o->received / o->seconds));
		json_object_set_new(j, "loss_percent", number(run_loss(o)));
		json_array_append_new(list, j);
	}
	return list;
}

static double own_cpu(void)
{
	struct rusage u;
	if (getrusage(RUSAGE_SELF, &u) != 0)
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

json_t *result_make(const struct run *r)
{
	const struct options *o = r->crew.shared.o;
	json_t *j = json_object();
	if (j == nullptr)
		return nullptr;
	json_object_set_new(j, "mode", json_string(options_mode_name(o->mode)));
	json_object_set_new(j, "server", json_string(o->server));
	json_object_set_new(j, "channel", json_string(r->crew.shared.wants_dtls ? "dtls" : "tls"));
	if (r->crew.shared.wants_dtls)
		json_object_set_new(j, "cipher", json_string(suite_word(r->crew.suite)));
	if (r->crew.shared.wants_dtls)
		json_object_set_new(j, "dtls13", count(r->total.count[COUNT_dtls13_up]));
	if (o->rebind > 0)
		json_object_set_new(j, "rebinds", count(r->total.count[COUNT_rebinds]));
	json_object_set_new(j, "clients", count(o->clients));
	json_object_set_new(j, "threads", count(o->threads));
	json_object_set_new(j, "seconds", number(r->seconds));
	json_object_set_new(j, "sessions", sessions(r));
	json_object_set_new(j, "failures", failures(r));
	if (o->mode == MODE_LOGINS)
		json_object_set_new(j, "logins_per_s",
				    number(r->seconds > 0 ? (double)r->logins / r->seconds : 0));
	if (r->has_traffic && r->best.seconds > 0) {
		json_object_set_new(j, "size", count(o->size));
		json_object_set_new(j, "flows", count(o->flows * o->clients));
		json_object_set_new(j, "traffic", traffic(&r->best));
	}
	if (o->sweep)
		json_object_set_new(j, "sweep", steps(r));
	json_t *l = json_object();
	add_latencies(l, r);
	json_object_set_new(j, "latency", l);
	json_object_set_new(j, "own_cpu_seconds", number(own_cpu()));
	return j;
}

/* {{ the table is the object, a line for each member */

static void print_value(FILE *to, const json_t *v)
{
	if (json_is_real(v))
		fprintf(to, "%.10g", json_real_value(v));
	else if (json_is_integer(v))
		fprintf(to, "%lld", (long long)json_integer_value(v));
	else
		fprintf(to, "%s", json_is_string(v) ? json_string_value(v) : "unknown");
}

static void print_inline(FILE *to, json_t *object)
{
	const char *key;
	json_t *v;
	json_object_foreach(object, key, v)
	{
		fprintf(to, "  %s ", key);
		print_value(to, v);
	}
	fputc('\n', to);
}

static void print_list(FILE *to, const char *key, const json_t *list)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
	{
		fprintf(to, "%-16s", key);
		print_inline(to, v);
	}
}

static void print_table(FILE *to, json_t *result)
{
	const char *key;
	json_t *v, *inner;
	json_object_foreach(result, key, v)
	{
		if (json_is_array(v)) {
			print_list(to, key, v);
		} else if (json_is_object(v) && json_is_object(json_object_iter_value(json_object_iter(v)))) {
			const char *name;
			json_object_foreach(v, name, inner)
			{
				fprintf(to, "%-16s", name);
				print_inline(to, inner);
			}
		} else if (json_is_object(v) && json_object_size(v) > 0) {
			fprintf(to, "%-16s", key);
			print_inline(to, v);
		} else if (!json_is_object(v)) {
			fprintf(to, "%-16s  ", key);
			print_value(to, v);
			fputc('\n', to);
		}
	}
}

void result_print(FILE *to, const json_t *result, bool as_json)
{
	if (!as_json) {
		print_table(to, json_incref((json_t *)(uintptr_t)result));
		json_decref((json_t *)(uintptr_t)result);
		return;
	}
	json_dumpf(result, to, JSON_REAL_PRECISION(10));
	fputc('\n', to);
}

/* {{ verdict }} */

static int missed(const char *what, double is, double bound)
{
	fprintf(stderr, "ocload: %s: %.6g, the limit is %.6g\n", what, is, bound);
	return STATUS_MISSED;
}

static int judge_traffic(const struct run *r, const struct options *o)
{
	const struct outcome *b = &r->best;
	int status = 0;
	if (b->corrupt + r->total.count[COUNT_corrupt] > 0)
		status = missed("damaged packets", (double)MAX(b->corrupt, r->total.count[COUNT_corrupt]), 0);
	if (!b->is_known && (o->max_loss >= 0 || o->min_rate > 0 || o->sweep)) {
		fprintf(stderr, "ocload: the loss is not known: no ocload peer has answered\n");
		return STATUS_MISSED;
	}
	if (b->sent == 0 && b->received == 0) {
		fprintf(stderr, "ocload: no packet was sent\n");
		return STATUS_MISSED;
	}
	if (b->is_known && b->received == 0)
		status = missed("packets that arrived", 0, 1);
	if (o->sweep && !r->is_found)
		status = missed("no rate had so little loss; percent", run_loss(b), o->max_loss);
	if (!o->sweep && o->max_loss >= 0 && run_loss(b) > o->max_loss)
		status = missed("loss in percent", run_loss(b), o->max_loss);
	double rate = b->seconds > 0 ? (double)b->received / b->seconds : 0;
	if (o->min_rate > 0 && rate < (double)o->min_rate)
		status = missed("packets a second", rate, (double)o->min_rate);
	return status;
}

static int judge_logins(const struct run *r, const struct options *o)
{
	double rate = r->seconds > 0 ? (double)r->logins / r->seconds : 0;
	if (r->logins == 0) {
		fprintf(stderr, "ocload: nobody could log in\n");
		return STATUS_MISSED;
	}
	return o->min_rate > 0 && rate < (double)o->min_rate
		       ? missed("logins a second", rate, (double)o->min_rate)
		       : 0;
}

int result_verdict(const struct run *r)
{
	const struct options *o = r->crew.shared.o;
	const struct hist *h = &r->crew.hist[o->mode == MODE_ECHO ? LATENCY_ECHO : LATENCY_TOTAL];
	int status = r->has_traffic ? judge_traffic(r, o) : o->mode == MODE_LOGINS ? judge_logins(r, o) : 0;
	double p99 = ms(hist_percentile(h, 0.99));
	if (o->max_p99 > 0 && (h->n == 0 || p99 > o->max_p99))
		status = missed("99th percentile of latency in ms", p99, o->max_p99);
	if (o->mode != MODE_LOGINS && r->total.count[COUNT_opened] == 0)
		status = missed("tunnels opened", 0, 1);
	if (o->mode == MODE_IDLE && r->held < o->clients)
		status = missed("sessions held", r->held, (double)o->clients);
	return status;
}
