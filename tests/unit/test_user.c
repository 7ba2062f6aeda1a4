/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user: files of users and groups over a virtual host; names of files; lists of ports */
#include <arpa/inet.h>

#include "config/user.h"
#include "test_config.h"

struct made {
	struct result base;
	struct vhost *v;
	struct config_report report;
	enum err e;
};

static struct made make_alone(const char *main_lines, const char *group, const char *user, const char *alone)
{
	struct made m = {};
	char text[2048];
	snprintf(text, sizeof text, "%s%s", BASE, main_lines);
	m.base = parse(text);
	assert_int_equal(m.base.e, ERR_OK);
	struct config_user_text texts[3];
	size_t n = 0;
	if (group != nullptr)
		texts[n++] = (struct config_user_text){ "group", group, strlen(group), false };
	if (user != nullptr)
		texts[n++] = (struct config_user_text){ "user", user, strlen(user), false };
	if (alone != nullptr)
		texts[n++] = (struct config_user_text){ "server", alone, strlen(alone), true };
	m.e = config_user_make(&m.v, &m.base.c->vhosts[0], texts, n, &m.report);
	assert_true((m.e == ERR_OK) == (m.v != nullptr));
	return m;
}

static struct made make(const char *main_lines, const char *group, const char *user)
{
	return make_alone(main_lines, group, user, nullptr);
}

static void drop(struct made *m)
{
	config_user_free(m->v);
	config_report_fini(&m->report);
	config_put(m->base.c);
	config_report_fini(&m->base.report);
}

static void has(const struct prefixlist *l, size_t i, const char *text)
{
	struct prefix p;
	assert_int_equal(config_prefix_parse(text, &p), ERR_OK);
	assert_true(i < l->n);
	assert_memory_equal(l->v[i].addr, p.addr, 16);
	assert_int_equal(l->v[i].len, p.len);
}

TEST(user, without_files_it_is_the_virtual_host)
{
	struct made m OWNED(drop) =
		make("route = 10.0.0.0/8\nmtu = 1300\nbanner = hello\n", nullptr, nullptr);
	assert_int_equal(m.v->route.n, 1);
	assert_int_equal(m.v->mtu, 1300);
	assert_string_equal(m.v->banner, "hello");
	assert_int_equal(m.v->explicit_ipv4.family, 0);
}

/* As ocserv 1.1.6 does, observed: the lists of group and user are joined and replace that of the virtual host. */
TEST(user, lists_are_joined_and_replace)
{
	struct made m OWNED(drop) =
		make("route = 10.0.0.0/8\nno-route = 10.1.0.0/16\ndns = 192.0.2.1\nsplit-dns = a.test\n",
		     "route = 192.0.2.0/24\ndns = 192.0.2.53\n",
		     "route = 198.51.100.0/24\ndns = 192.0.2.54\nsplit-dns = b.test\n");
	assert_int_equal(m.v->route.n, 2);
	has(&m.v->route, 0, "192.0.2.0/24");
	has(&m.v->route, 1, "198.51.100.0/24");
	assert_int_equal(m.v->dns.n, 2);
	has(&m.v->dns, 0, "192.0.2.53");
	has(&m.v->dns, 1, "192.0.2.54");
	assert_int_equal(m.v->no_route.n, 1); /* nobody said otherwise */
	assert_int_equal(m.v->split_dns.n, 1);
	assert_string_equal(m.v->split_dns.v[0], "b.test");
	assert_int_equal(m.base.c->vhosts[0].route.n, 1); /* which stays as it is */
}

TEST(user, the_user_comes_before_the_group)
{
	struct made m OWNED(drop) = make("mtu = 1400\nidle-timeout = 10\nno-udp = false\nkeepalive = 5\n",
					 "mtu = 1300\nidle-timeout = 20\nno-udp = true\n", "mtu = 1200\n");
	assert_int_equal(m.v->mtu, 1200);
	assert_int_equal(m.v->idle_timeout, 20);
	assert_int_equal(m.v->keepalive, 5);
	assert_true(m.v->no_udp);
	assert_int_equal(m.report.n, 0); /* not "set twice" */
}

TEST(user, what_the_server_said_replaces_lists_of_files)
{
	struct made m OWNED(drop) =
		make_alone("", "route = 192.0.2.0/24\n", "route = 198.51.100.0/24\ndns = 192.0.2.1\n",
			   "route = 203.0.113.0/24\n");
	assert_int_equal(m.v->route.n, 1);
	has(&m.v->route, 0, "203.0.113.0/24");
	assert_int_equal(m.v->dns.n, 1);
}

TEST(user, options_of_users_only)
{
	struct made m OWNED(drop) =
		make("", nullptr,
		     "explicit-ipv4 = 192.0.2.7\nexplicit-ipv6 = 2001:db8::7\nhostname = box\n"
		     "iroute = 10.9.0.1/16\niroute = 2001:db8:9::/48\nipv4-dns = 192.0.2.9\n"
		     "ipv4-network = 10.5.0.0\nipv4-netmask = 255.255.0.0\n");
	assert_int_equal(m.e, ERR_OK);
	assert_int_equal(m.v->explicit_ipv4.addr[3], 7);
	assert_int_equal(m.v->explicit_ipv6.family, AF_INET6);
	assert_string_equal(m.v->hostname, "box");
	assert_int_equal(m.v->iroute.n, 2);
	has(&m.v->iroute, 0, "10.9.0.0/16");
	has(&m.v->dns, 0, "192.0.2.9");
	assert_int_equal(m.v->ipv4_network.len, 16);
}

static void refused(const char *user)
{
	struct made m OWNED(drop) = make("", nullptr, user);
	assert_int_equal(m.e, ERR_CONFIG);
	assert_true(m.report.errors_n > 0);
	assert_non_null(strstr(m.report.v[0].text, "user:"));
}

TEST(user, a_wrong_file_is_refused)
{
	refused("mtu = 1\n");
	refused("route = nowhere\n");
	refused("roote = 192.0.2.0/24\n");
	refused("tcp-port = 443\n");
	refused("auth = plain[passwd=/x]\n");
	refused("server-key = /x\n");
	refused("config-per-user = /x\n");
	refused("connect-script = /x\n");
	refused("[vhost:other]\nmtu = 1300\n");
	refused("mtu\n");
	refused("explicit-ipv4 = 192.0.2.0/24\n");
	refused("explicit-ipv4 = 2001:db8::1\n");
	refused("explicit-ipv6 = 192.0.2.7\n");
	refused("iroute = default\n");
	refused("iroute = ::/0\n");
	refused("hostname = a\x01 b\n");
	refused("restrict-user-to-ports = tcp(443\n");
	refused("restrict-user-to-routes = perhaps\n");
	refused("net-priority = 7\n");
}

TEST(user, not_in_the_main_file)
{
	struct result r = parse(BASE "explicit-ipv4 = 192.0.2.7\n");
	assert_int_equal(r.e, ERR_CONFIG);
	config_report_fini(&r.report);
}

TEST(user, names_of_files)
{
	static const char *const right[] = { "bob", "bob@example.com", "DOM\\bob", "a b", "x..y", "-rf" };
	static const char *const wrong[] = { "",    ".",           "..",   ".hidden", "../bob",
					     "a/b", "/etc/passwd", "a\nb", "a\x7f",   "x/.." };
	char longest[300];
	for (size_t i = 0; i < ARRAY_LEN(right); i++)
		assert_true(config_user_is_file_name(right[i]));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(config_user_is_file_name(wrong[i]));
	memset(longest, 'a', sizeof longest);
	longest[256] = '\0';
	assert_false(config_user_is_file_name(longest));
	longest[255] = '\0';
	assert_true(config_user_is_file_name(longest));
}

TEST(ports, lists)
{
	struct config_ports p;
	assert_int_equal(
		config_ports_parse(" tcp(443) ,UDP( 53 ),icmp(),icmpv6(), sctp(7), esp(), tcp()", &p),
		ERR_OK);
	assert_false(p.is_deny);
	assert_int_equal(p.n, 7);
	assert_int_equal(p.v[1].port, 53);
	assert_int_equal(p.v[1].protocol, 17);
	assert_int_equal(p.v[6].port, 0);
	assert_int_equal(config_ports_parse("! ( tcp(25), udp(65535) ) ", &p), ERR_OK);
	assert_true(p.is_deny);
	assert_int_equal(p.v[1].port, 65535);
}

TEST(ports, refusals)
{
	static const char *const wrong[] = { "",
					     "tcp",
					     "tcp(",
					     "tcp(443",
					     "tcp(443)x",
					     "tcp(443),",
					     ",tcp(1)",
					     "tcp(0)",
					     "tcp(65536)",
					     "tcp(-1)",
					     "tcp(99999999999)",
					     "icmp(8)",
					     "esp(1)",
					     "gre()",
					     "!",
					     "!tcp(1)",
					     "!(tcp(1)",
					     "!()",
					     "(tcp(1))",
					     "tcp(443) udp(53)",
					     "tcp(80-90)",
					     "tcp(443)!(udp(1))" };
	struct config_ports p;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_not_equal(config_ports_parse(wrong[i], &p), ERR_OK);
	char many[65 * 8 + 1] = "";
	for (int i = 0; i < 65; i++)
		strcat(many, i == 0 ? "tcp(1)" : ",tcp(1)");
	assert_int_equal(config_ports_parse(many, &p), ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_without_files_it_is_the_virtual_host),
		cmocka_unit_test(user_lists_are_joined_and_replace),
		cmocka_unit_test(user_the_user_comes_before_the_group),
		cmocka_unit_test(user_what_the_server_said_replaces_lists_of_files),
		cmocka_unit_test(user_options_of_users_only),
		cmocka_unit_test(user_a_wrong_file_is_refused),
		cmocka_unit_test(user_not_in_the_main_file),
		cmocka_unit_test(user_names_of_files),
		cmocka_unit_test(ports_lists),
		cmocka_unit_test(ports_refusals),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
