/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_config_values - ocserv.conf: what is accepted becomes the right values; vhosts, reload */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <syslog.h>

#include "unit/test_config.h"

TEST(parse, the_least_gives_the_defaults)
{
	struct result r OWNED(done) = parse(BASE);
	assert_int_equal(r.e, ERR_OK);
	assert_int_equal(r.report.n, 0);
	const struct vhost *v = &r.c->vhosts[0];
	assert_int_equal(r.c->tcp_port, 443);
	assert_string_equal(r.c->keeper_user, "ocserv-keeper");
	assert_string_equal(r.c->device, "vpns");
	assert_int_equal(r.c->syslog_facility, LOG_DAEMON);
	assert_int_equal(r.c->workers, 0);
	assert_true(r.c->tun_offload && r.c->bpf && r.c->dtls_psk);
	assert_null(r.c->pid_file);
	assert_string_equal(v->name, "");
	assert_int_equal(v->udp_port, 0);
	assert_int_equal(v->keepalive, 32'400);
	assert_int_equal(v->dpd, 90);
	assert_int_equal(v->mobile_dpd, 1'800);
	assert_int_equal(v->cookie_timeout, 300);
	assert_int_equal(r.c->auth_timeout, 240);
	assert_int_equal(v->rekey_time, 172'800);
	assert_int_equal(v->rekey_method, REKEY_SSL);
	assert_int_equal(v->ipv6_subnet_prefix, 128);
	assert_int_equal(v->auth.n, 1);
	assert_int_equal(v->auth.v[0].line, 1);
	assert_string_equal(config_auth_arg(&v->auth.v[0], "passwd"), "/etc/x");
	assert_null(config_auth_arg(&v->auth.v[0], "otp"));
}

TEST(parse, forms_of_a_line)
{
	struct result r OWNED(done) = parse("\xef\xbb\xbf" BASE "  mtu=1400  \r\n"
					    "tcp-port : 8443 # why\n"
					    "; comment\n\t# comment\n"
					    "banner = \"say \"hi\", all # of you\" # not this\r\n"
					    "default-domain = a.example#b ; c\n"
					    "pre-login-banner = x#y\n"
					    "use-occtl = YES\n"
					    "udp-port = \" 443 \"\n"
					    "pid-file =\n"
					    "rekey-method = new-tunnel");
	print_report(&r);
	assert_int_equal(r.e, ERR_OK);
	const struct vhost *v = &r.c->vhosts[0];
	assert_int_equal(v->mtu, 1400);
	assert_int_equal(r.c->tcp_port, 8443);
	assert_string_equal(v->banner, "say \"hi\", all # of you");
	assert_string_equal(v->default_domain, "a.example#b ; c");
	assert_string_equal(v->pre_login_banner, "x#y");
	assert_true(r.c->use_occtl);
	assert_int_equal(v->udp_port, 443);
	assert_null(r.c->pid_file);
	assert_int_equal(v->rekey_method, REKEY_NEW_TUNNEL);
}

static void assert_prefix(const struct prefix *p, const char *text, unsigned len)
{
	char shown[INET6_ADDRSTRLEN];
	assert_string_equal(inet_ntop(p->family, p->addr, shown, sizeof shown), text);
	assert_int_equal(p->len, len);
}

TEST(parse, lists_and_networks)
{
	struct result r OWNED(done) = parse(
		BASE
		"route = default\nroute = 10.1.2.3/8\nroute = 172.16.0.0/255.240.0.0\nroute = 2001:db8:ffff::/33\n"
		"no-route = 192.0.2.1\ndns = 192.0.2.1\ndns = 2001:db8::1\nsplit-dns = a.example, b.example\n"
		"split-dns = c.example\nlisten-host = ::1\nlisten-host = 127.0.0.1\n"
		"select-group = staff[People of the house]\nselect-group = guests\n"
		"custom-header = \"X-A: b\"\nserver-cert = /c2\nserver-key = /k2\n");
	assert_int_equal(r.report.n, 0);
	const struct vhost *v = &r.c->vhosts[0];
	assert_int_equal(v->route.n, 4);
	assert_prefix(&v->route.v[0], "0.0.0.0", 0);
	assert_prefix(&v->route.v[1], "10.0.0.0", 8);
	assert_prefix(&v->route.v[2], "172.16.0.0", 12);
	assert_prefix(&v->route.v[3], "2001:db8:8000::", 33);
	assert_prefix(&v->no_route.v[0], "192.0.2.1", 32);
	assert_prefix(&v->dns.v[1], "2001:db8::1", 128);
	assert_int_equal(v->split_dns.n, 3);
	assert_string_equal(v->split_dns.v[1], "b.example");
	assert_int_equal(r.c->listen_host.n, 2);
	assert_string_equal(v->select_group.v[0].name, "staff");
	assert_string_equal(v->select_group.v[0].label, "People of the house");
	assert_string_equal(v->select_group.v[1].label, "guests");
	assert_int_equal(v->server_key.n, 2);
}

TEST(parse, pool_with_a_mask_of_its_own)
{
	struct result r OWNED(done) = parse(
		"auth = \"plain[/x]\"\nserver-cert = /c\nserver-key = /k\nipv4-netmask = 255.255.252.0\n"
		"ipv4-network = 192.168.7.9\n[vhost:a.example]\nipv4-network = 10.0.0.0/16\n"
		"[vhost:b.example]\nipv4-network = 10.7.9.1\n");
	print_report(&r);
	assert_int_equal(r.report.n, 0);
	assert_prefix(&r.c->vhosts[0].ipv4_network, "192.168.4.0", 22);
	assert_prefix(&r.c->vhosts[1].ipv4_network, "10.0.0.0", 16);
	assert_prefix(&r.c->vhosts[2].ipv4_network, "10.7.8.0", 22);
	assert_string_equal(config_auth_arg(&r.c->vhosts[0].auth.v[0], "passwd"), "/x");
}

TEST(vhost, inherits_what_it_does_not_set)
{
	struct result r OWNED(done) = parse(
		BASE "dpd = 33\nbanner = hi\ndns = 192.0.2.1\nroute = default\nselect-group = a[A]\n"
		     "[vhost: VPN.Example.COM ]\nbanner = ho\nroute = 10.0.0.0/8\nauth = \"plain[/y]\"\n"
		     "[vhost:two.example]\nserver-cert = /c2\nserver-key = /k2\n"
		     "[vhost:vpn.example.com]\nmtu = 1300\n");
	print_report(&r);
	assert_int_equal(r.report.n, 0);
	assert_int_equal(r.c->vhosts_n, 3);
	const struct vhost *v = config_vhost(r.c, "vpn.EXAMPLE.com"), *two = config_vhost(r.c, "two.example");
	assert_int_equal(v->index, 1);
	assert_string_equal(v->name, "vpn.example.com");
	assert_string_equal(v->banner, "ho");
	assert_int_equal(v->dpd, 33);
	assert_int_equal(v->mtu, 1300);
	assert_int_equal(v->route.n, 1);
	assert_int_equal(v->dns.n, 1);
	assert_string_equal(v->select_group.v[0].label, "A");
	assert_string_equal(v->server_cert.v[0], "/c");
	assert_string_equal(config_auth_arg(&v->auth.v[0], "passwd"), "/y");
	assert_string_equal(two->server_cert.v[0], "/c2");
	assert_string_equal(two->banner, "hi");
	assert_int_equal(two->index, 2);
	assert_ptr_equal(config_vhost(r.c, "other.example"), &r.c->vhosts[0]);
	assert_ptr_equal(config_vhost(r.c, ""), &r.c->vhosts[0]);
	assert_ptr_equal(config_vhost(r.c, nullptr), &r.c->vhosts[0]);
}

TEST(life, the_last_put_frees)
{
	struct result r OWNED(done) = parse(BASE);
	struct config *second = config_get(r.c);
	config_put(second);
	assert_int_equal(r.c->tcp_port, 443);
	config_put(nullptr);
}

TEST(reload, what_needs_a_restart_is_told_and_kept)
{
	struct result now OWNED(done) = parse(
		BASE "listen-host = ::1\nmtu = 1400\n[vhost:a.example]\nipv6-network = 2001:db8::/64\n");
	struct result next OWNED(done) = parse(
		BASE
		"tcp-port = 8443\nmtu = 1300\nsocket-file = /x\n[vhost:new.example]\nipv4-network = 10.0.0.0/8\n"
		"[vhost:a.example]\nipv4-network = 10.1.0.0/16\n");
	struct config_report report OWNED(config_report_fini) = {};
	assert_int_equal(config_diff_restart(now.c, next.c, "t.conf", &report), ERR_OK);
	assert_int_equal(report.n, 4);
	assert_int_equal(report.errors_n, 0);
	assert_string_equal(report.v[0].text,
			    "t.conf: warning: listen-host needs a restart; still using the old value");
	assert_string_equal(
		report.v[2].text,
		"t.conf: warning: ipv4-network of vhost a.example needs a restart; still using the old value");
	assert_int_equal(config_keep_restart(next.c, now.c), ERR_OK);
	assert_int_equal(next.c->tcp_port, 443);
	assert_int_equal(next.c->listen_host.n, 1);
	assert_int_equal(next.c->vhosts[0].mtu, 1300);
	assert_prefix(&config_vhost(next.c, "a.example")->ipv4_network, "192.0.2.0", 24);
	assert_prefix(&config_vhost(next.c, "new.example")->ipv4_network, "10.0.0.0", 8);
	struct config_report after OWNED(config_report_fini) = {};
	assert_int_equal(config_diff_restart(now.c, next.c, "t.conf", &after), ERR_OK);
	assert_int_equal(after.n, 0);
}

static void assert_date(const char *text, int64_t want)
{
	char lines[512];
	snprintf(lines, sizeof lines, BASE "expire-date = %s\n", text);
	struct result r OWNED(done) = parse(lines);
	print_report(&r);
	assert_int_equal(r.e, want < 0 ? ERR_CONFIG : ERR_OK);
	if (want >= 0)
		assert_int_equal(r.c->vhosts[0].expire_date, want);
}

TEST(limits, dates)
{
	assert_date("2027-01-31", 1'801'440'000); /* the first second of February */
	assert_date("2027-01-31T18:00:00Z", 1'801'418'400);
	assert_date("2027-01-31 18:00", 1'801'418'400);
	assert_date("2027-01-31 20:00+02:00", 1'801'418'400);
	assert_date("2027-01-31T12:30:00-0530", 1'801'418'400);
	assert_date("2024-02-29", 1'709'251'200);
	assert_date("2000-02-29T00:00:01Z", 951'782'401);
	assert_date("1970-01-01T00:00:00Z", 1); /* 0 is never */
	assert_date("9999-12-31", 253'402'300'800);
	assert_date("never", 0);
	static const char *const wrong[] = { "2027-1-31",   "2027-13-01",        "2027-00-01",
					     "2027-02-29",  "1900-01-01",        "2027-01-32",
					     "2027-01-31T", "2027-01-31T24:00",  "2027-01-31x",
					     "27-01-31",    "2027-01-31T18:60Z", "2027-01-31 18:00+99:00",
					     "tomorrow",    "20270131",          "2027-01-31 18:00 +02:00" };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_date(wrong[i], -1);
}

static void assert_bytes(const char *text, int64_t want)
{
	char lines[512];
	snprintf(lines, sizeof lines, BASE "traffic-quota = %s\ntraffic-quota-period = monthly\n", text);
	struct result r OWNED(done) = parse(lines);
	print_report(&r);
	assert_int_equal(r.e, want < 0 ? ERR_CONFIG : ERR_OK);
	if (want < 0)
		return;
	assert_int_equal(r.c->vhosts[0].traffic_quota, want);
	assert_int_equal(r.c->vhosts[0].traffic_quota_period, PERIOD_MONTHLY);
}

TEST(limits, bytes)
{
	assert_bytes("0", 0);
	assert_bytes("10G", 10'000'000'000);
	assert_bytes("10Gi", 10'737'418'240);
	assert_bytes("1k", 1'000);
	assert_bytes("3Ki", 3'072);
	assert_bytes("500000000", 500'000'000);
	assert_bytes("4T", 4'000'000'000'000);
	static const char *const wrong[] = { "G",       "10GB", "10 G",  "-1",
					     "1.5G",    "10P",  "10Gii", "99999999999999999999",
					     "9999999T" };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_bytes(wrong[i], -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_the_least_gives_the_defaults),
		cmocka_unit_test(parse_forms_of_a_line),
		cmocka_unit_test(parse_lists_and_networks),
		cmocka_unit_test(parse_pool_with_a_mask_of_its_own),
		cmocka_unit_test(vhost_inherits_what_it_does_not_set),
		cmocka_unit_test(life_the_last_put_frees),
		cmocka_unit_test(limits_dates),
		cmocka_unit_test(limits_bytes),
		cmocka_unit_test(reload_what_needs_a_restart_is_told_and_kept),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
