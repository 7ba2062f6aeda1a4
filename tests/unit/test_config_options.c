/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_config_options - the table of options: ocserv's are all there, in the right scope; real samples parse; the manual is
 * up to date
 */
#include "unit/test_config.h"

#include "config/option.h"
#include "config/value.h"

struct sample {
	const char *key;
	const char *value;
};

/* Every option of ocserv: global ones, those of vhosts, those of users' files, old names. */
static const struct sample global[] = {
	{ "listen-host", "192.0.2.1" },
	{ "udp-listen-host", "192.0.2.1" },
	{ "listen-netns", "blue" },
	{ "tcp-port", "443" },
	{ "listen-proxy-proto", "true" },
	{ "run-as-user", "nobody" },
	{ "run-as-group", "daemon" },
	{ "chroot-dir", "/var/lib/x" },
	{ "socket-file", "/run/x" },
	{ "occtl-socket-file", "/run/y" },
	{ "use-occtl", "true" },
	{ "sec-mod-scale", "4" },
	{ "isolate-workers", "true" },
	{ "limit-worker-memory", "1000000" },
	{ "pid-file", "/run/p" },
	{ "log-level", "9" },
	{ "syslog-facility", "local3" },
	{ "server-drain-ms", "15000" },
	{ "server-stats-reset-time", "604800" },
	{ "max-clients", "16" },
	{ "rate-limit-ms", "100" },
	{ "use-utmp", "true" },
	{ "device", "vpns" },
	{ "dtls-psk", "false" },
	{ "compression-algo-priority", "lz4:lzs" },
	{ "try-mtu-discovery", "true" },
	{ "auth-timeout", "240" },
	{ "ping-leases", "true" },
	{ "route-add-cmd", "ip route add %{R} dev %{D}" },
	{ "route-del-cmd", "ip route delete %{R} dev %{D}" },
	{ "max-ban-score", "80" },
	{ "ban-time", "300" },
	{ "ban-reset-time", "1200" },
	{ "ban-points-wrong-password", "10" },
	{ "ban-points-connection", "1" },
	{ "ban-points-kkdcp", "1" },
	{ "connect-script", "/x" },
	{ "disconnect-script", "/x" },
	{ "host-update-script", "/x" },
	{ "keeper-user", "k" },
	{ "control-user", "c" },
	{ "metrics-user", "m" },
	{ "metrics-socket", "/run/m" },
	{ "metrics-listen", "127.0.0.1:9443" },
	{ "metrics-allow", "192.0.2.0/24" },
	{ "workers", "2" },
	{ "tun-offload", "false" },
	{ "bpf", "false" },
};

static const struct sample vhost[] = {
	{ "enable-auth", "pam" },
	{ "acct", "radius[config=/etc/r,groupconfig=true]" },
	{ "dh-params", "/x" },
	{ "pin-file", "/x" },
	{ "srk-pin-file", "/x" },
	{ "key-pin", "1" },
	{ "srk-pin", "1" },
	{ "ca-cert", "/x" },
	{ "crl", "/x" },
	{ "ocsp-response", "/x" },
	{ "cert-user-oid", "SAN(rfc822name)" },
	{ "cert-group-oid", "2.5.4.11" },
	{ "select-group", "a[A b]" },
	{ "select-group-by-url", "true" },
	{ "default-select-group", "DEFAULT" },
	{ "auto-select-group", "true" },
	{ "listen-host-is-dyndns", "true" },
	{ "udp-port", "443" },
	{ "max-same-clients", "2" },
	{ "net-priority", "0x20" },
	{ "tls-priorities", "NORMAL:%SERVER_PRECEDENCE" },
	{ "match-tls-dtls-ciphers", "true" },
	{ "dtls-legacy", "true" },
	{ "cisco-client-compat", "true" },
	{ "cisco-svc-client-compat", "true" },
	{ "rekey-time", "172800" },
	{ "rekey-method", "new-tunnel" },
	{ "compression", "true" },
	{ "no-compress-limit", "256" },
	{ "switch-to-tcp-timeout", "25" },
	{ "mtu", "1420" },
	{ "output-buffer", "10" },
	{ "keepalive", "32400" },
	{ "dpd", "90" },
	{ "mobile-dpd", "1800" },
	{ "idle-timeout", "1200" },
	{ "mobile-idle-timeout", "2400" },
	{ "session-timeout", "86400" },
	{ "cookie-timeout", "300" },
	{ "persistent-cookies", "true" },
	{ "deny-roaming", "true" },
	{ "stats-report-time", "360" },
	{ "ipv4-netmask", "255.255.255.0" },
	{ "ipv6-network", "2001:db8::/48" },
	{ "ipv6-subnet-prefix", "64" },
	{ "predictable-ips", "true" },
	{ "dns", "192.0.2.1" },
	{ "nbns", "192.0.2.1" },
	{ "tunnel-all-dns", "true" },
	{ "split-dns", "example.com" },
	{ "default-domain", "example.com one.example.com" },
	{ "route", "10.10.10.0/255.255.255.0" },
	{ "no-route", "192.0.2.0/24" },
	{ "expose-iroutes", "true" },
	{ "restrict-user-to-routes", "true" },
	{ "restrict-user-to-ports", "!(tcp(443), tcp(80))" },
	{ "isolate-clients", "true" },
	{ "client-bypass-protocol", "true" },
	{ "no-udp", "true" },
	{ "rx-data-per-sec", "40000" },
	{ "tx-data-per-sec", "40000" },
	{ "proxy-url", "http://example.com/%{U}/" },
	{ "kkdcp", "/KdcProxy R tcp@[::1]:88" },
	{ "user-profile", "/x" },
	{ "banner", "Hello" },
	{ "pre-login-banner", "Hello" },
	{ "custom-header", "X-My-Header: hi there" },
	{ "included-http-headers", "X-A: b" },
	{ "camouflage", "false" },
	{ "camouflage_secret", "s" },
	{ "camouflage_realm", "r" },
	{ "config-per-user", "/x" },
	{ "config-per-group", "/x" },
	{ "default-user-config", "/x" },
	{ "default-group-config", "/x" },
};

static const struct sample user_only[] = {
	{ "explicit-ipv4", "192.0.2.7" },
	{ "explicit-ipv6", "2001:db8::7" },
	{ "iroute", "192.0.2.0/24" },
	{ "hostname", "x" },
};

static const struct sample old[] = {
	{ "use-dbus", "true" },
	{ "use-seccomp", "true" },
	{ "min-reauth-time", "300" },
	{ "always-require-cert", "true" },
	{ "session-control", "true" },
	{ "append-routes", "true" },
	{ "sec-mod-db-cleanup-time", "3" },
	{ "debug-no-secmod-stats", "true" },
	{ "listen-clear-file", "/x" },
	{ "cgroup", "a:b" },
	{ "ipv4-dns", "192.0.2.1" },
	{ "ipv6-dns", "2001:db8::1" },
	{ "ipv4-nbns", "192.0.2.1" },
	{ "ipv6-nbns", "192.0.2.1" },
	{ "ipv6-prefix", "120" },
};

/* Errors and warnings of one line after BASE, in a vhost if wanted. */
static struct config_report report_of(const struct sample *s, bool in_vhost)
{
	char text[1024];
	const int len = snprintf(text, sizeof text, "%s%s%s = \"%s\"\n", BASE,
				 in_vhost ? "[vhost:a.example]\n" : "", s->key, s->value);
	struct config_report report = {};
	struct config *c OWNED(config_putp) = nullptr;
	const enum err e = config_parse(&c, "t.conf", text, (size_t)len, &report);
	assert_true(e == ERR_OK || e == ERR_CONFIG);
	return report;
}

static void check_accepted(const struct sample *s, bool in_vhost)
{
	struct config_report report OWNED(config_report_fini) = report_of(s, in_vhost);
	for (size_t i = 0; i < report.n && report.errors_n > 0; i++)
		print_message("  %s\n", report.v[i].text);
	assert_int_equal(report.errors_n, 0);
}

static void check_warned_once(const struct sample *s)
{
	struct config_report report OWNED(config_report_fini) = report_of(s, false);
	assert_int_equal(report.n, 1);
	assert_int_equal(report.errors_n, 0);
	assert_non_null(strstr(report.v[0].text, "t.conf:5: warning: "));
}

TEST(table, every_option_of_ocserv_is_accepted)
{
	for (size_t i = 0; i < ARRAY_LEN(global); i++)
		check_accepted(&global[i], false);
	for (size_t i = 0; i < ARRAY_LEN(vhost); i++)
		check_accepted(&vhost[i], false);
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		check_warned_once(&old[i]);
}

TEST(table, vhost_options_stand_in_a_vhost)
{
	for (size_t i = 0; i < ARRAY_LEN(vhost); i++)
		check_accepted(&vhost[i], true);
}

TEST(table, global_options_are_refused_in_a_vhost)
{
	for (size_t i = 0; i < ARRAY_LEN(global); i++) {
		struct config_report report OWNED(config_report_fini) = report_of(&global[i], true);
		assert_int_equal(report.errors_n, 1);
		assert_non_null(strstr(report.v[0].text, "wrong place"));
	}
}

TEST(table, options_of_users_are_refused_in_the_main_file)
{
	for (size_t i = 0; i < ARRAY_LEN(user_only); i++) {
		struct config_report report OWNED(config_report_fini) = report_of(&user_only[i], false);
		assert_int_equal(report.errors_n, 1);
		assert_non_null(strstr(report.v[0].text, "wrong place"));
	}
}

static const struct sample *find_sample(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(global); i++)
		if (strcmp(global[i].key, key) == 0)
			return &global[i];
	for (size_t i = 0; i < ARRAY_LEN(vhost); i++)
		if (strcmp(vhost[i].key, key) == 0)
			return &vhost[i];
	return nullptr;
}

TEST(table, planned_and_obsolete_options_give_one_warning_each)
{
	for (size_t i = 0; i < OPTION_N; i++) {
		const struct config_option *o = &config_options[i];
		if (o->scope == SCOPE_ONLY_U || (o->state != STATE_PLANNED && o->state != STATE_OBSOLETE))
			continue;
		const struct sample *s = find_sample(o->key);
		assert_non_null(s);
		check_warned_once(s);
	}
}

TEST(table, no_row_contradicts_itself)
{
	for (size_t i = 0; i < OPTION_N; i++) {
		const struct config_option *o = &config_options[i];
		assert_int_equal(config_option_find(o->key), i);
		assert_null(config_option_find_alias(o->key));
		assert_null(config_option_find_obsolete(o->key));
		assert_string_equal(config_option_nearest(o->key), o->key);
		assert_true(o->max >= o->min);
		assert_true(o->help[strlen(o->help) - 1] == '.');
	}
}

/* --- files of the tree and of the machine; absent: skipped */

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	if (f == nullptr)
		return nullptr;
	char *text = nullptr;
	*len = 0;
	FILE *out = open_memstream(&text, len);
	assert_non_null(out);
	for (int c = fgetc(f); c != EOF; c = fgetc(f))
		fputc(c, out);
	fclose(f);
	fclose(out);
	return text;
}

TEST(sample, of_debians_ocserv_has_no_unknown_option)
{
	static const char *const paths[] = { "/usr/share/doc/ocserv/examples/sample.config",
					     "/etc/ocserv/ocserv.conf" };
	char *text OWNED(base_freep) = nullptr;
	size_t len = 0;
	for (size_t i = 0; text == nullptr && i < ARRAY_LEN(paths); i++)
		text = read_file(paths[i], &len);
	if (text == nullptr)
		skip();
	struct config_report report OWNED(config_report_fini) = {};
	struct config *c OWNED(config_putp) = nullptr;
	const enum err e = config_parse(&c, paths[0], text, len, &report);
	assert_true(e == ERR_OK || e == ERR_CONFIG);
	/* an administrator may have asked for what we do not do yet; anything else is our fault */
	for (size_t i = 0; i < report.n; i++)
		if (report.v[i].is_error && strstr(report.v[i].text, "planned") == nullptr &&
		    strstr(report.v[i].text, "missing") == nullptr)
			fail_msg("%s", report.v[i].text);
}

static const char *source_dir(void)
{
#ifdef SOURCE_DIR
	return SOURCE_DIR;
#else
	return getenv("SOURCE_DIR");
#endif
}

static void check_generated(const char *name, void (*print)(FILE *))
{
	if (source_dir() == nullptr)
		skip();
	char path[1024];
	snprintf(path, sizeof path, "%s/docs/%s", source_dir(), name);
	size_t len = 0, made_len = 0;
	char *text OWNED(base_freep) = read_file(path, &len), *made OWNED(base_freep) = nullptr;
	assert_non_null(text);
	FILE *out = open_memstream(&made, &made_len);
	assert_non_null(out);
	print(out);
	fclose(out);
	if (made_len != len || memcmp(text, made, len) != 0)
		fail_msg("docs/%s is old: run tools/options-doc again", name);
}

TEST(doc, markdown_is_up_to_date)
{
	check_generated("options.md", config_print_markdown);
}

TEST(doc, man_page_is_up_to_date)
{
	check_generated("man/ocserv.conf.5", config_print_man);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_every_option_of_ocserv_is_accepted),
		cmocka_unit_test(table_vhost_options_stand_in_a_vhost),
		cmocka_unit_test(table_global_options_are_refused_in_a_vhost),
		cmocka_unit_test(table_options_of_users_are_refused_in_the_main_file),
		cmocka_unit_test(table_planned_and_obsolete_options_give_one_warning_each),
		cmocka_unit_test(table_no_row_contradicts_itself),
		cmocka_unit_test(sample_of_debians_ocserv_has_no_unknown_option),
		cmocka_unit_test(doc_markdown_is_up_to_date),
		cmocka_unit_test(doc_man_page_is_up_to_date),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
