/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_config - ocserv.conf: what is refused or warned of, and how it is told */
#include "unit/test_config.h"

/* Rows of a text after BASE, with what must be said of it. */
struct row {
	const char *text;
	const char *said;
};

static void check_rows(const struct row *rows, size_t n, bool is_error)
{
	for (size_t i = 0; i < n; i++) {
		char text[4096];
		snprintf(text, sizeof text, "%s%s", BASE, rows[i].text);
		struct result r OWNED(done) = parse(text);
		if (find_problem(&r, is_error, rows[i].said) == nullptr ||
		    (r.report.errors_n != 0) != is_error || r.report.n != 1) {
			print_message("%s\nwanted: %s\n", rows[i].text, rows[i].said);
			print_report(&r);
			fail();
		}
	}
}

/* --- refused: lines */

TEST(lines, broken_ones_are_refused_with_line_and_cure)
{
	static const struct row rows[] = {
		{ "mtu\n", "t.conf:5: error: mtu: expected: option = value" },
		{ "mtu 1400\n", "t.conf:5: error: mtu 1400: expected: option = value" },
		{ "\n\n = 1400\n", "t.conf:7: error: no option before the '='" },
		{ "[vhost:a.example\n", "t.conf:5: error: a section ends with ']'" },
		{ "[vhost:a.example] x\n", "t.conf:5: error: a section ends with ']'" },
		{ "banner = \"open\n", "t.conf:5: error: banner: the value has no closing '\"'" },
		{ "banner = \"\n", "t.conf:5: error: banner: the value has no closing '\"'" },
		{ "banner = \"a\" b\n", "t.conf:5: error: banner: the value has no closing '\"'" },
		{ "\x01\x02 = 1\n", "t.conf:5: error: ?? = 1: unknown option; see" },
	};
	check_rows(rows, ARRAY_LEN(rows), true);
}

TEST(lines, nul_is_refused)
{
	static const char text[] = BASE "mtu = 1400\0 x\n";
	struct result r OWNED(done) = parse_bytes(text, sizeof text - 1);
	assert_int_equal(r.e, ERR_CONFIG);
	assert_non_null(find_problem(&r, true, "t.conf:5: error: a byte 0 in the line"));
	assert_int_equal(r.report.n, 1);
}

TEST(lines, longer_than_64_kib_is_refused_and_not_split)
{
	constexpr size_t len = 70'000;
	char *text OWNED(base_freep) = malloc(sizeof BASE + len);
	assert_non_null(text);
	memcpy(text, BASE, sizeof BASE - 1);
	memset(text + sizeof BASE - 1, 'x', len);
	memcpy(text + sizeof BASE - 1, "banner = ", 9);
	memcpy(text + sizeof BASE - 1 + len - 9, " mtu = 5\n", 9);
	struct result r OWNED(done) = parse_bytes(text, sizeof BASE - 1 + len);
	assert_int_equal(r.e, ERR_CONFIG);
	assert_non_null(find_problem(&r, true, "t.conf:5: error: the line has more than 65536 bytes"));
	assert_int_equal(r.report.n, 1);
}

TEST(lines, long_but_allowed_is_kept_whole)
{
	constexpr size_t len = 60'000;
	char *text OWNED(base_freep) = malloc(sizeof BASE + len);
	assert_non_null(text);
	memcpy(text, BASE, sizeof BASE - 1);
	memset(text + sizeof BASE - 1, 'x', len);
	memcpy(text + sizeof BASE - 1, "banner = ", 9);
	struct result r OWNED(done) = parse_bytes(text, sizeof BASE - 1 + len);
	assert_int_equal(r.e, ERR_OK);
	assert_int_equal(strlen(r.c->vhosts[0].banner), len - 9);
}

/* --- refused: options */

TEST(option, unknown_is_refused_with_the_nearest_name)
{
	static const struct row rows[] = {
		{ "max-client = 5\n",
		  "t.conf:5: error: max-client = 5: unknown option; did you mean max-clients?" },
		{ "max_clients = 5\n", "did you mean max-clients?" },
		{ "MTU = 1400\n", "did you mean mtu?" },
		{ "tpc-port = 443\n", "did you mean tcp-port?" },
		{ "tunel-all-dns = true\n", "did you mean tunnel-all-dns?" },
		{ "camouflage-secret = x\n", "did you mean camouflage_secret?" },
		{ "wireguard-key = x\n", "unknown option; see ocserv.conf(5)" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = x\n",
		  "unknown option; see ocserv.conf(5)" },
	};
	check_rows(rows, ARRAY_LEN(rows), true);
}

TEST(option, secret_is_not_shown)
{
	struct result r OWNED(done) =
		parse(BASE "key_pin = 4711\nkey-pin = \x01"
			   "4711\ncamouflage_secret = 4711\x02\nradius-password = 4711\n");
	assert_int_equal(r.report.errors_n, 4);
	for (size_t i = 0; i < r.report.n; i++)
		assert_null(strstr(r.report.v[i].text, "4711"));
}

TEST(option, wrong_type_or_range_is_refused_with_what_is_accepted)
{
	static const struct row rows[] = {
		{ "mtu = abc\n",
		  "t.conf:5: error: mtu = abc: expected a whole number from 576 to 9000, or 0" },
		{ "custom-header = no colon\n", "custom-header = no colon: expected a header" },
		{ "custom-header = : x\n", "expected a header" },
		{ "included-http-headers = a b: x\n", "expected a header" },
		{ "mtu = 575\n", "mtu = 575: expected a whole number from 576 to 9000, or 0" },
		{ "mtu = 9001\n", "mtu = 9001: expected a whole" },
		{ "mtu = -5\n", "mtu = -5: expected a whole" },
		{ "mtu = 0x578\n", "mtu = 0x578: expected a whole" },
		{ "mtu = 1400 bytes\n", "mtu = 1400 bytes: expected a whole" },
		{ "mtu =\n", "mtu = : expected a whole" },
		{ "mtu = 99999999999999999999999999\n", "expected a whole number" },
		{ "dpd = 4294967296\n", "expected a whole number from 0 to 31536000" },
		{ "tcp-port = 0\n", "tcp-port = 0: expected a whole number from 1 to 65535" },
		{ "tcp-port = 65536\n", "expected a whole number from 1 to 65535" },
		{ "udp-port = 65536\n", "expected a whole number from 0 to 65535" },
		{ "workers = 65\n", "expected a whole number from 0 to 64" },
		{ "log-level = 10\n", "expected a whole number from 0 to 9" },
		{ "use-occtl = maybe\n", "use-occtl = maybe: expected true or false" },
		{ "use-occtl =\n", "expected true or false" },
		{ "rekey-method = SSL\n", "rekey-method = SSL: expected one of ssl new-tunnel" },
		{ "rekey-method =\n", "expected one of ssl new-tunnel" },
		{ "syslog-facility = kernel\n", "expected one of daemon auth" },
		{ "device =\n", "expected a text; without the line it is vpns" },
		{ "device = sixteencharacter\n", "expected a name of at most 15" },
		{ "device = a/b\n", "expected a name of at most 15" },
		{ "run-as-user = a b\n", "expected the name of a user" },
		{ "listen-host = 1.2.3.4, 5.6.7.8\n", "expected one address or host name" },
		{ "banner = a\tb\x1b[31m\n", "expected a text in UTF-8 without control" },
		{ "banner = \xff\xfe\n", "expected a text in UTF-8" },
		{ "banner = \xc0\xaf\n", "expected a text in UTF-8" },
		{ "banner = \xed\xa0\x80\n", "expected a text in UTF-8" },
		{ "banner = cut \xe2\x82\n", "expected a text in UTF-8" },
		{ "custom-header = nocolon\n", "expected a header like" },
		{ "custom-header = \"bad name: x\"\n", "expected a header like" },
		{ "included-http-headers = \": x\"\n", "expected a header like" },
		{ "server-cert =\n", "expected a text" },
	};
	check_rows(rows, ARRAY_LEN(rows), true);
}

TEST(option, wrong_network_is_refused)
{
	static const struct row rows[] = {
		{ "route = 10.0.0.0/33\n", "route = 10.0.0.0/33: expected a length up to 32" },
		{ "route = 2001:db8::/129\n", "expected a length up to 32 (IPv6: 128)" },
		{ "route = 10.0.0.0/255.0.255.0\n", "a mask of ones and then zeros" },
		{ "route = 10.0.0.0/\n", "expected a network like" },
		{ "route = 10.0.0.0/0008\n", "expected a network like" },
		{ "route = 10.0.0.0/ 8\n", "expected a network like" },
		{ "route = 10.0.0/8\n", "expected a network like" },
		{ "route = everything\n", "expected a network like" },
		{ "route = 10.0.0.0/8,11.0.0.0/8\n", "expected a network like" },
		{ "no-route = 2001:db8::/ffff::\n", "expected a network like" },
		{ "dns = dns.example.com\n", "dns = dns.example.com: expected an address like" },
		{ "dns = 192.0.2.0/24\n", "expected an address like" },
		{ "dns = local\n", "'local' is no longer understood" },
		{ "nbns = 2001:db8::1\n", "nbns: expected IPv4 addresses" },
		{ "ipv6-network = 192.0.2.0/24\n",
		  "t.conf:5: error: ipv6-network: this is an IPv4 network; write ipv4-network" },
		{ "ipv6-network = 2001:db8::1\n", "expected a length from 1 to 127" },
		{ "ipv6-network = 2001:db8::/64\nipv6-subnet-prefix = 64\n",
		  "t.conf:6: error: ipv6-subnet-prefix = 64: expected more" },
		{ "ipv6-network = 2001:db8::/64\nipv6-subnet-prefix = 129\n", "from 1 to 128" },
		{ "ipv4-netmask = 255.0.255.0\n", "expected a mask of ones" },
		{ "split-dns = example.com,,example.org\n", "expected a domain like" },
		{ "split-dns = exa mple.com\n", "expected a domain like" },
		{ "split-dns = *.example.com\n", "expected a domain like" },
	};
	check_rows(rows, ARRAY_LEN(rows), true);
}

TEST(option, wrong_scope_is_refused)
{
	static const struct row rows[] = {
		{ "[vhost:a.example]\nlog-level = 2\n",
		  "t.conf:6: error: log-level = 2: wrong place: it is global; move it above" },
		{ "[vhost:a.example]\nmax-clients = 2\n", "wrong place: it is global" },
		{ "explicit-ipv4 = 192.0.2.7\n", "wrong place: it belongs in a file of config-per-user" },
		{ "iroute = 192.0.2.0/24\n", "wrong place" },
		{ "[vhost:a.example]\nhostname = x\n", "wrong place" },
	};
	check_rows(rows, ARRAY_LEN(rows), true);
}

TEST(option, wrong_vhost_name_is_refused)
{
	static const struct row rows[] = {
		{ "[vhost:]\n", "[vhost:]: expected a host name" },
		{ "[vhost:a b]\n", "[vhost:a b]: expected a host name" },
		{ "[vhost:*.example.com]\n", "there are no wildcards" },
		{ "[vhost:-a]\n", "expected a host name" },
		{ "[vhost:a/../b]\n", "expected a host name" },
	};
	check_rows(rows, ARRAY_LEN(rows), true);
}

TEST(option, all_problems_are_told_at_once_in_order)
{
	struct result r OWNED(done) =
		parse("nosuch-thing = 1\nmtu = x\nrekey-method = y\nipv4-network = 192.0.2.0\n");
	assert_int_equal(r.e, ERR_CONFIG);
	assert_int_equal(r.report.errors_n, 6); /* and auth, and server-cert */
	uint32_t line = 0;
	for (size_t i = 0; i < 4; i++) {
		assert_true(r.report.v[i].line > line);
		line = r.report.v[i].line;
	}
	assert_int_equal(r.report.v[4].line, 0);
}

TEST(option, a_file_of_another_kind_gives_no_endless_report)
{
	constexpr size_t lines = 5'000;
	char *text OWNED(base_freep) = malloc(lines * 4);
	assert_non_null(text);
	for (size_t i = 0; i < lines; i++)
		memcpy(text + 4 * i, "<p>\n", 4);
	struct result r OWNED(done) = parse_bytes(text, lines * 4);
	assert_int_equal(r.e, ERR_CONFIG);
	assert_true(r.report.errors_n >= lines);
	assert_in_range(r.report.n, 100, 500);
	assert_non_null(find_problem(&r, true, "there are more"));
}

/* --- refused: authentication */

static void check_auth_refused(const char *line, const char *said)
{
	char text[1024];
	snprintf(text, sizeof text, "server-cert = /c\nserver-key = /k\nipv4-network = 192.0.2.0/24\n%s\n",
		 line);
	struct result r OWNED(done) = parse(text);
	if (find_problem(&r, true, said) == nullptr || r.report.errors_n != 1) {
		print_message("%s\nwanted: %s\n", line, said);
		print_report(&r);
		fail();
	}
}

TEST(auth, weaker_than_configured_is_refused)
{
	check_auth_refused("", "t.conf: error: auth is missing");
	check_auth_refused("auth = certificate\ncert-user-oid = 2.5.4.3",
			   "t.conf:4: error: method certificate without ca-cert");
	check_auth_refused("auth = certificate\nca-cert = /ca",
			   "t.conf:4: error: method certificate without cert-user-oid");
	check_auth_refused("auth = plain[passwd=/x]\nenable-auth = certificate\nca-cert = /ca",
			   "t.conf:4: error: method certificate without cert-user-oid");
	check_auth_refused("auth = \"oidc[config=x.json]\"", "expected the whole path of a file");
	check_auth_refused("auth = \"oidc\"", "expected the whole path of a file");
	check_auth_refused("auth = \"oidc-sso[config=/x]\"", "url: expected the address");
	check_auth_refused("auth = \"oidc-sso[config=/x,url=http://a]\"", "url: expected the address");
	check_auth_refused("auth = \"oidc-sso[config=/x,url=https://a/b]\"", "url: expected the address");
	check_auth_refused("auth = \"oidc-sso[config=/x,url=https://]\"", "url: expected the address");
	check_auth_refused("auth = \"oidc-sso[config=/x,url=https://a,browser=lynx]\"",
			   "browser: expected auto");
	check_auth_refused("auth = \"plain[passwd=/x]\"\nacct = \"plain[passwd=/x]\"",
			   "acct = plain: expected radius[config=FILE] or pam");
	check_auth_refused("auth = \"plain[passwd=/x]\"\nacct = pam\nacct = radius",
			   "acct: expected one method");
	check_auth_refused("auth = plain[passwd=/x]\n[vhost:a.example]\nauth = oidc",
			   "t.conf:6: error: auth = oidc");
	check_auth_refused("auth = plain[passwd=/x]\nauth = gssapi", "auth: gssapi must be the first");
	check_auth_refused("auth = gssapi\nauth = certificate\nca-cert = /ca\ncert-user-oid = 2.5.4.3",
			   "auth: gssapi must be the first");
	check_auth_refused("auth = gssapi[tgt-freshness-time=0]", "tgt-freshness-time: expected a number");
	check_auth_refused("auth = gssapi[require-local-user-map=maybe]", "expected true or false");
	check_auth_refused("auth = gssapi[config=/x]", "names among: keytab");
	check_auth_refused("auth = ldap", "use ldap[config=FILE]");
	check_auth_refused("auth = plain[passwd=/x]\nca-cert = /ca\n[vhost:a.example]\nauth = certificate",
			   "t.conf:7: error: method certificate without cert-user-oid");
}

TEST(auth, malformed_is_refused)
{
	check_auth_refused("auth = plain", "the file of passwords is missing");
	check_auth_refused("auth = plain[]",
			   "expected plain[name=value] with names among: passwd otp totp-window hotp-window");
	check_auth_refused("auth = plain[passwd=]", "names among");
	check_auth_refused("auth = plain[pass=/x]", "names among: passwd otp totp-window hotp-window");
	check_auth_refused("auth = plain[passwd=/x,foo=1]", "names among");
	check_auth_refused("auth = plain[passwd=/x,passwd=/y]", "names among");
	check_auth_refused("auth = plain[/x,otp=/y]", "names among");
	check_auth_refused("auth = plain[passwd=/x", "with a bracket at the end");
	check_auth_refused("auth = plain[", "with a bracket at the end");
	check_auth_refused("auth = plain[passwd=/x] x", "with a bracket at the end");
	check_auth_refused("auth = plan[passwd=/x]", "expected plain[passwd=FILE], pam, radius[config=FILE]");
	check_auth_refused("auth = [passwd=/x]", "expected plain[passwd=FILE], pam, radius[config=FILE]");
	check_auth_refused("auth =", "expected plain[passwd=FILE], pam, radius[config=FILE]");
	check_auth_refused("auth = certificate[x=y]", "expected certificate without brackets");
	check_auth_refused("auth = plain[passwd=/x,totp-window=1]", "a window without otp=FILE");
	check_auth_refused("auth = plain[otp=/x,totp-window=21]",
			   "totp-window: expected a number from 0 to 20");
	check_auth_refused("auth = plain[otp=/x,hotp-window=-1]",
			   "hotp-window: expected a number from 0 to 1000");
	check_auth_refused("auth = plain[otp=/x,hotp-window=9x]", "hotp-window: expected a number");
	check_auth_refused("auth = pam[service=../x]", "service: expected the name of a file");
	check_auth_refused("auth = pam[service=.x]", "service: expected the name of a file");
	check_auth_refused("auth = pam[gid-min=many]", "gid-min: expected a number");
	check_auth_refused("auth = pam[otp=/x]", "names among: gid-min service");
	check_auth_refused("auth = radius[groupconfig=maybe]", "groupconfig: expected true or false");
	check_auth_refused("auth = plain[/x]\nenable-auth = radius[group-separator=ab]",
			   "expected one character");
	check_auth_refused("auth = plain[/x]\nacct = radius[groupconfig=maybe]",
			   "groupconfig: expected true or false");
	check_auth_refused("auth = plain[/x]\nacct = radius[group-separator=ab]", "expected one character");
	check_auth_refused("auth = radius[server=x]", "names among: config");
	check_auth_refused("auth = plain[/x]\nenable-auth = foo", "expected plain");
}

/* --- refused: what does not fit together */

TEST(check, missing_parts_are_refused)
{
	static const char no_pool[] = "auth = plain[/x]\nserver-cert = /c\nserver-key = /k\n";
	static const char no_key[] = "auth = plain[/x]\nserver-cert = /c\nipv4-network = 192.0.2.0/24\n";
	static const char no_cert[] = "auth = plain[/x]\nipv4-network = 192.0.2.0/24\n";
	struct result a OWNED(done) = parse(no_pool);
	assert_non_null(find_problem(&a, true, "no addresses for clients"));
	struct result b OWNED(done) = parse(no_key);
	assert_non_null(find_problem(&b, true, "t.conf:2: error: server-key is missing"));
	struct result c OWNED(done) = parse(no_cert);
	assert_non_null(find_problem(&c, true, "t.conf: error: server-cert is missing"));
	struct result d OWNED(done) = parse("");
	assert_int_equal(d.report.errors_n, 3);
}

TEST(check, what_does_not_fit_together_is_refused)
{
	static const struct row rows[] = {
		{ "server-cert = /c2\n", "t.conf:3: error: 2 server-cert and 1 server-key" },
		{ "[vhost:a.example]\nserver-cert = /c2\n",
		  "t.conf:6: error: server-key is missing in this vhost" },
		{ "[vhost:a.example]\nserver-key = /c2\n",
		  "t.conf:6: error: server-cert is missing in this vhost" },
		{ "keeper-user = ocserv\nrun-as-user = ocserv\n",
		  "t.conf:6: error: run-as-user = ocserv: workers need a user" },
		{ "[vhost:a.example]\nipv4-network = 192.0.2.0\n",
		  "t.conf:6: error: ipv4-network has no length" },
		{ "[vhost:a.example]\nipv4-network = 192.0.2.0/31\n", "/31 has no address for a client" },
		{ "[vhost:a.example]\nipv4-network = default\n", "/0 is everything" },
		{ "[vhost:a.example]\nipv4-network = 2001:db8::/64\n",
		  "this is an IPv6 network; write ipv6-network" },
		{ "select-group = a\nselect-group = a\n",
		  "t.conf:6: error: select-group = a: expected each group once" },
		{ "select-group = a[b\n", "expected a group like" },
		{ "select-group = [b]\n", "expected a group like" },
		{ "select-group = a[]\n", "expected a group like" },
	};
	check_rows(rows, ARRAY_LEN(rows), true);
}

TEST(check, what_is_only_odd_gives_a_warning)
{
	static const struct row rows[] = {
		{ "mtu = 1200\nipv6-network = 2001:db8::/64\n",
		  "t.conf:5: warning: mtu = 1200: IPv6 needs 1280" },
		{ "dns = 192.0.2.1\nsplit-dns = a.b\ntunnel-all-dns = true\n",
		  "t.conf:7: warning: tunnel-all-dns makes" },
		{ "split-dns = a.b\n", "t.conf:5: warning: split-dns without dns" },
		{ "default-select-group = x\n", "no effect without select-group" },
		{ "[vhost:a.example]\nudp-port = 443\n", "the server listens on no UDP port" },
		{ "route-add-cmd = ip route add %{RI} dev %{D}\n", "t.conf:5: warning: route-add-cmd alone" },
		{ "max-clients = 10\nmax-same-clients = 11\n",
		  "max-same-clients = 11 is more than max-clients = 10" },
		{ "max-clients = 254\n", "max-clients = 254, but ipv4-network has 253 addresses" },
		{ "ipv4-netmask = 255.255.0.0\n", "ipv4-netmask = 255.255.0.0 contradicts" },
		{ "mtu = 1300\nmtu = 1400\n",
		  "t.conf:6: warning: mtu is already set in line 5; this one counts" },
		{ "[foo]\nnonsense\nmtu = x\n", "t.conf:5: warning: [foo]: unknown section" },
	};
	check_rows(rows, ARRAY_LEN(rows), false);
}

/* --- old names, planned options */

TEST(state, each_gives_one_warning)
{
	static const struct row rows[] = {
		{ "pin-file = /x\n", "t.conf:5: warning: pin-file is not implemented yet and has no effect" },
		{ "kkdcp = \"/a B udp@c:1\"\nkkdcp = \"/b B udp@c:1\"\n[vhost:a.example]\nkkdcp = \"/b B udp@c:1\"\n",
		  "t.conf:5: warning: kkdcp is not implemented" },
		{ "socket-file = /x\n", "t.conf:5: warning: socket-file has no effect: " },
		{ "use-seccomp = true\n",
		  "t.conf:5: warning: use-seccomp is an old name; write isolate-workers" },
		{ "min-reauth-time = 5\n", "write ban-time" },
		{ "cgroup = \"cpuset:test\"\n", "t.conf:5: warning: cgroup has no effect" },
		{ "session-control = true\n", "session-control has no effect" },
		{ "listen-clear-file = /x\n", "listen-clear-file has no effect" },
	};
	check_rows(rows, ARRAY_LEN(rows), false);
}

TEST(state, an_old_name_sets_the_new_option)
{
	struct result r OWNED(done) = parse(
		BASE
		"use-dbus = true\nalways-require-cert = false\nipv4-dns = 192.0.2.1\nipv6-dns = 2001:db8::1\n");
	assert_int_equal(r.e, ERR_OK);
	assert_true(r.c->use_occtl);
	assert_true(r.c->vhosts[0].cisco_client_compat);
	assert_int_equal(r.c->vhosts[0].dns.n, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_broken_ones_are_refused_with_line_and_cure),
		cmocka_unit_test(lines_nul_is_refused),
		cmocka_unit_test(lines_longer_than_64_kib_is_refused_and_not_split),
		cmocka_unit_test(lines_long_but_allowed_is_kept_whole),
		cmocka_unit_test(option_unknown_is_refused_with_the_nearest_name),
		cmocka_unit_test(option_secret_is_not_shown),
		cmocka_unit_test(option_wrong_type_or_range_is_refused_with_what_is_accepted),
		cmocka_unit_test(option_wrong_network_is_refused),
		cmocka_unit_test(option_wrong_scope_is_refused),
		cmocka_unit_test(option_wrong_vhost_name_is_refused),
		cmocka_unit_test(option_all_problems_are_told_at_once_in_order),
		cmocka_unit_test(option_a_file_of_another_kind_gives_no_endless_report),
		cmocka_unit_test(auth_weaker_than_configured_is_refused),
		cmocka_unit_test(auth_malformed_is_refused),
		cmocka_unit_test(check_missing_parts_are_refused),
		cmocka_unit_test(check_what_does_not_fit_together_is_refused),
		cmocka_unit_test(check_what_is_only_odd_gives_a_warning),
		cmocka_unit_test(state_each_gives_one_warning),
		cmocka_unit_test(state_an_old_name_sets_the_new_option),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
