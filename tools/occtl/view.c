/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view.h"

#include <string.h>

#include "table.h"
#include "view_guard.h"

/* {{ values }} */

static bool is_control(const unsigned char *p)
{
	/* C0 and delete; C1 in UTF-8 is 0xc2 0x80-0x9f, and a terminal may obey it */
	return *p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
}

void view_print_safe(FILE *out, const char *s, bool is_text)
{
	for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++) {
		if (*p == '\n' && is_text) {
			fputc('\n', out);
		} else if (is_control(p)) {
			fputc('?', out);
			p += *p == 0xc2 ? 1 : 0;
		} else {
			fputc(*p, out);
		}
	}
}

static void print_value(FILE *out, const json_t *v)
{
	if (json_is_string(v))
		view_print_safe(out, json_string_value(v), false);
	else if (json_is_integer(v))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_boolean(v))
		fputs(json_is_true(v) ? "true" : "false", out);
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));
	return s == nullptr ? "" : s;
}

static void print_word(FILE *out, const json_t *event, const char *label, const char *key)
{
	const json_t *v = json_object_get(event, key);
	if (v == nullptr)
		return;
	fprintf(out, " %s", label);
	print_value(out, v);
}

/* {{ blocks of "Key: value" }} */

enum place : uint8_t {
	ROW,  /* begins a line */
	SAME, /* continues it */
	HEAD, /* a line of its own before a group */
};
struct field {
	enum place place;
	const char *label;
	const char *key;
	const char *note; /* key of what is added in brackets; nullptr: nothing */
};

static const struct field user_fields[] = {
	{ ROW, "ID", "ID", nullptr },
	{ ROW, "Username", "Username", nullptr },
	{ SAME, "Groupname", "Groupname", nullptr },
	{ ROW, "State", "State", nullptr },
	{ ROW, "vhost", "vhost", nullptr },
	{ ROW, "Device", "Device", nullptr },
	{ SAME, "MTU", "MTU", nullptr },
	{ ROW, "Remote IP", "Remote IP", nullptr },
	{ SAME, "Location", "Location", nullptr },
	{ ROW, "Local Device IP", "Local Device IP", nullptr },
	{ ROW, "IPv4", "IPv4", nullptr },
	{ SAME, "P-t-P IPv4", "P-t-P IPv4", nullptr },
	{ ROW, "IPv6", "IPv6", nullptr },
	{ SAME, "P-t-P IPv6", "P-t-P IPv6", nullptr },
	{ ROW, "User-Agent", "User-Agent", nullptr },
	{ ROW, "Limit RX", "Limit RX", nullptr },
	{ ROW, "Limit TX", "Limit TX", nullptr },
	{ ROW, "RX", "RX", "_RX" },
	{ SAME, "TX", "TX", "_TX" },
	{ ROW, "Average bandwidth RX", "Average RX", nullptr },
	{ SAME, "TX", "Average TX", nullptr },
	{ ROW, "DPD", "DPD", nullptr },
	{ SAME, "KeepAlive", "KeepAlive", nullptr },
	{ ROW, "Hostname", "Hostname", nullptr },
	{ ROW, "Connected at", "Last connected at", "_Last connected at" },
	{ ROW, "Session started at", "Session started at", "_Session started at" },
	{ ROW, "Session", "Session", nullptr },
	{ ROW, "TLS ciphersuite", "TLS ciphersuite", nullptr },
	{ ROW, "DTLS cipher", "DTLS cipher", nullptr },
	{ ROW, "Worker", "Worker", nullptr },
	{ HEAD, "", nullptr, nullptr },
	{ ROW, "DNS", "DNS", nullptr },
	{ ROW, "NBNS", "NBNS", nullptr },
	{ ROW, "Split-DNS-Domains", "Split-DNS-Domains", nullptr },
	{ ROW, "Routes", "Routes", nullptr },
	{ ROW, "No-routes", "No-routes", nullptr },
	{ ROW, "iRoutes", "iRoutes", nullptr },
	{ ROW, "Restricted to routes", "Restricted to routes", nullptr },
	{ ROW, "Restricted to ports", "Restricted to ports", nullptr },
	{ HEAD, "", nullptr, nullptr },
};

static const struct field session_fields[] = {
	{ ROW, "Session", "Session", nullptr },
	{ ROW, "Full session", "Full session", nullptr },
	{ ROW, "Created", "Created", nullptr },
	{ SAME, "Expires", "Expires", nullptr },
	{ ROW, "State", "State", nullptr },
	{ ROW, "Username", "Username", nullptr },
	{ SAME, "Groupname", "Groupname", nullptr },
	{ ROW, "vhost", "vhost", nullptr },
	{ SAME, "User-Agent", "User-Agent", nullptr },
	{ ROW, "Remote IP", "Remote IP", nullptr },
	{ SAME, "Location", "Location", nullptr },
	{ ROW, "In use", "in_use", nullptr },
	{ SAME, "ID", "ID", nullptr },
	{ ROW, "Certificate auth", "Certificate auth", nullptr },
	{ HEAD, "", nullptr, nullptr },
};

static const struct field status_fields[] = {
	{ HEAD, "General info:", nullptr, nullptr },
	{ ROW, "Status", "Status", nullptr },
	{ ROW, "Server PID", "Server PID", nullptr },
	{ ROW, "Sec-mod PID", "Sec-mod PID", nullptr },
	{ ROW, "Sec-mod instance count", "Sec-mod instance count", nullptr },
	{ ROW, "Up since", "Up since", "_Up since" },
	{ ROW, "Active sessions", "Active sessions", nullptr },
	{ ROW, "Total sessions", "Total sessions", nullptr },
	{ ROW, "Total authentication failures", "Total authentication failures", nullptr },
	{ ROW, "IPs in ban list", "IPs in ban list", nullptr },
	{ HEAD, "", nullptr, nullptr },
	{ HEAD, "Current stats period:", nullptr, nullptr },
	{ ROW, "Last stats reset", "Last stats reset", "_Last stats reset" },
	{ ROW, "Sessions handled", "Sessions handled", nullptr },
	{ ROW, "Timed out sessions", "Timed out sessions", nullptr },
	{ ROW, "Timed out (idle) sessions", "Timed out (idle) sessions", nullptr },
	{ ROW, "Closed due to error sessions", "Closed due to error sessions", nullptr },
	{ ROW, "Authentication failures", "Authentication failures", nullptr },
	{ ROW, "Average auth time", "Average auth time", nullptr },
	{ ROW, "Max auth time", "Max auth time", nullptr },
	{ ROW, "Average session time", "Average session time", nullptr },
	{ ROW, "Max session time", "Max session time", nullptr },
	{ ROW, "Min MTU", "Min MTU", nullptr },
	{ ROW, "Max MTU", "Max MTU", nullptr },
	{ ROW, "RX", "RX", nullptr },
	{ ROW, "TX", "TX", nullptr },
	{ HEAD, "", nullptr, nullptr },
};

static void print_items(FILE *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		fputs(i == 0 ? "" : "\n\t\t", out);
		print_value(out, json_array_get(list, i));
	}
}

static bool is_absent(const json_t *v)
{
	return v == nullptr || (json_is_array(v) && json_array_size(v) == 0);
}

static void print_field(FILE *out, const struct field *f, const json_t *object)
{
	const json_t *v = json_object_get(object, f->key);
	fprintf(out, "%s: ", f->label);
	if (json_is_array(v))
		print_items(out, v);
	else
		print_value(out, v);
	if (f->note != nullptr)
		fprintf(out, " (%s)", text_at(object, f->note));
}

/* An absent field is left out; the line it would begin is begun by the next one of that line. */
static void print_block(FILE *out, const struct field *fields, size_t n, const json_t *object)
{
	bool in_line = false;
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		if (f->place != SAME && in_line) {
			fputc('\n', out);
			in_line = false;
		}
		if (f->place == HEAD) {
			fprintf(out, "%s\n", f->label);
		} else if (!is_absent(json_object_get(object, f->key))) {
			fputs(in_line ? "   " : "\t", out);
			print_field(out, f, object);
			in_line = true;
		}
	}
	if (in_line)
		fputc('\n', out);
}

static void print_session(FILE *out, const json_t *result)
{
	for (size_t i = 0; i < json_array_size(result); i++)
		print_block(out, session_fields, ARRAY_LEN(session_fields), json_array_get(result, i));
}

static void print_user(FILE *out, const json_t *result)
{
	for (size_t i = 0; i < json_array_size(result); i++)
		print_block(out, user_fields, ARRAY_LEN(user_fields), json_array_get(result, i));
}

static void print_auth(FILE *out, const json_t *result)
{
	const json_t *auth = json_object_get(result, "Authentication");
	const json_t *acct = json_object_get(result, "Accounting");
	const char *method;
	json_t *n;
	if (auth == nullptr || acct == nullptr)
		return;
	fputs("Authentication:", out);
	print_word(out, auth, "succeeded ", "Succeeded");
	print_word(out, auth, "failed ", "Failed");
	print_word(out, auth, "back end broken ", "Back end broken");
	json_object_foreach(json_object_get(auth, "Broken methods"), method, n)
		fprintf(out, " %s=%" JSON_INTEGER_FORMAT, method, json_integer_value(n));
	fputs("\nAccounting:", out);
	print_word(out, acct, "waiting ", "Waiting");
	print_word(out, acct, "lost ", "Lost");
	fputc('\n', out);
}

static void print_status(FILE *out, const json_t *result)
{
	print_block(out, status_fields, ARRAY_LEN(status_fields), result);
	size_t i;
	json_t *p;
	const json_t *store = json_object_get(result, "Store");
	if (store != nullptr)
		fprintf(out,
			"Store: %s, %" JSON_INTEGER_FORMAT " errors, %" JSON_INTEGER_FORMAT
			" accounting records lost\n",
			text_at(store, "State"), json_integer_value(json_object_get(store, "Errors")),
			json_integer_value(json_object_get(store, "Lost records")));
	print_auth(out, result);
	fputs("Processes:\n", out);
	json_array_foreach(json_object_get(result, "Processes"), i, p)
	{
		fprintf(out, "\t%s: ", text_at(p, "name"));
		fprintf(out, "pid %" JSON_INTEGER_FORMAT ", ", json_integer_value(json_object_get(p, "pid")));
		fprintf(out, "restarts %" JSON_INTEGER_FORMAT,
			json_integer_value(json_object_get(p, "restarts")));
		fputs(json_is_true(json_object_get(p, "ready")) ? "\n" : ", starting\n", out);
	}
	fputs("Features:\n", out);
	json_array_foreach(json_object_get(result, "Features"), i, p)
	{
		fputc('\t', out);
		print_value(out, p);
		fputc('\n', out);
	}
}

/* {{ tables }} */

static void put_number(struct table *t, const json_t *v)
{
	char s[32];
	snprintf(s, sizeof s, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	table_put(t, s);
}

/* "(AES-256-GCM)" of "(DTLS1.2)-(PSK)-(AES-256-GCM)" */
static const char *cipher_of(const json_t *user)
{
	const char *all = text_at(user, "DTLS cipher");
	const char *last = strrchr(all, '(');
	return last == nullptr ? "(no-dtls)" : last;
}

static const char *address_of(const json_t *user)
{
	const char *v4 = text_at(user, "IPv4");
	return *v4 != '\0' ? v4 : text_at(user, "IPv6");
}

static void print_users(FILE *out, const json_t *result)
{
	static const char *const heads[] = { "id",     "user",  "vhost",       "ip",    "vpn-ip",
					     "device", "since", "dtls-cipher", "status" };
	struct table t = table_of(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < json_array_size(result); i++) {
		const json_t *u = json_array_get(result, i);
		put_number(&t, json_object_get(u, "ID"));
		table_put(&t, text_at(u, "Username"));
		table_put(&t, text_at(u, "vhost"));
		table_put(&t, text_at(u, "Remote IP"));
		table_put(&t, address_of(u));
		table_put(&t, text_at(u, "Device"));
		table_put(&t, text_at(u, "_Last connected at"));
		table_put(&t, cipher_of(u));
		table_put(&t, text_at(u, "State"));
	}
	table_print(out, &t);
	table_fini(&t);
}

static void print_sessions(FILE *out, const json_t *result)
{
	static const char *const heads[] = { "session",    "user",    "vhost", "ip",
					     "user agent", "created", "status" };
	struct table t = table_of(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < json_array_size(result); i++) {
		const json_t *s = json_array_get(result, i);
		table_put(&t, text_at(s, "Session"));
		table_put(&t, text_at(s, "Username"));
		table_put(&t, text_at(s, "vhost"));
		table_put(&t, text_at(s, "Remote IP"));
		table_put(&t, text_at(s, "User-Agent"));
		table_put(&t, text_at(s, "_Created"));
		table_put(&t, text_at(s, "State"));
	}
	table_print(out, &t);
	table_fini(&t);
}

static void print_iroutes(FILE *out, const json_t *result)
{
	static const char *const heads[] = { "id", "user", "vhost", "device", "vpn-ip", "iroute" };
	struct table t = table_of(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < json_array_size(result); i++) {
		const json_t *u = json_array_get(result, i), *nets = json_object_get(u, "iRoutes");
		for (size_t n = 0; n < json_array_size(nets); n++) {
			put_number(&t, json_object_get(u, "ID"));
			table_put(&t, text_at(u, "Username"));
			table_put(&t, text_at(u, "vhost"));
			table_put(&t, text_at(u, "Device"));
			table_put(&t, text_at(u, "IP"));
			table_put(&t, json_string_value(json_array_get(nets, n)));
		}
	}
	table_print(out, &t);
	table_fini(&t);
}

static void print_event(FILE *out, const json_t *event)
{
	if (json_object_get(event, "Event") == nullptr)
		return;
	fprintf(out, "%s %s:", text_at(event, "Time"), text_at(event, "Event"));
	print_word(out, event, "id ", "ID");
	print_word(out, event, "user ", "Username");
	print_word(out, event, "from ", "Remote IP");
	print_word(out, event, "vpn-ip ", "IPv4");
	print_word(out, event, "rx ", "_RX");
	print_word(out, event, "tx ", "_TX");
	print_word(out, event, "after ", "Duration");
	print_word(out, event, "", "Count");
	print_word(out, event, "because: ", "Reason");
	fputc('\n', out);
}

static void print_stats(FILE *out, const json_t *result)
{
	const json_t *workers = json_object_get(result, "workers");
	const char *name;
	json_t *v;
	struct table t = table_of((const char *const[]){ "counter", "total" }, 2);
	for (size_t i = 0; i < json_array_size(workers); i++) {
		char head[32];
		snprintf(head, sizeof head, "worker%zu", i);
		table_add_column(&t, head);
	}
	json_object_foreach(json_object_get(result, "total"), name, v)
	{
		table_put(&t, name);
		put_number(&t, v);
		for (size_t i = 0; i < json_array_size(workers); i++)
			put_number(&t, json_object_get(json_array_get(workers, i), name));
	}
	table_print(out, &t);
	table_fini(&t);
}

static void print_help(FILE *out, const json_t *result)
{
	for (size_t i = 0; i < json_array_size(result); i++) {
		const json_t *c = json_array_get(result, i);
		int n = fprintf(out, "  %s %s", text_at(c, "command"), text_at(c, "arg"));
		fprintf(out, "%*s%s\n", n < 26 ? 26 - n : 1, "", text_at(c, "help"));
	}
}

static void print_outcome(FILE *out, const json_t *result)
{
	view_print_safe(out, text_at(result, "message"), true);
	fputc('\n', out);
}

/* {{ public }} */

static const struct {
	const char *name;
	void (*print)(FILE *out, const json_t *result);
} views[] = {
	{ "status", print_status },     { "users", print_users },     { "user", print_user },
	{ "stats", print_stats },       { "help", print_help },       { "message", print_outcome },
	{ "sessions", print_sessions }, { "session", print_session }, { "iroutes", print_iroutes },
	{ "event", print_event },       { "bans", view_guard_bans },  { "points", view_guard_points },
	{ "guard", view_guard_status },
};

void view_print(FILE *out, const char *view, const json_t *result)
{
	for (size_t i = 0; i < ARRAY_LEN(views); i++) {
		if (strcmp(views[i].name, view) == 0) {
			views[i].print(out, result);
			return;
		}
	}
	view_print_json(out, result);
}

void view_print_json_line(FILE *out, const json_t *result)
{
	json_dumpf(result, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', out);
}

void view_print_json(FILE *out, const json_t *result)
{
	json_dumpf(result, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', out);
}
