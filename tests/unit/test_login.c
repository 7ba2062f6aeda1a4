/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/login.h"

static struct login_req req;

/* In a block of exactly its size, so that a sanitizer sees a byte read too far. */
static enum err parse_bytes(const char *body, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	assert_non_null(copy);
	memcpy(copy, body, n);
	auto e = login_parse(&req, copy, n);
	free(copy);
	return e;
}

static enum err parse(const char *body)
{
	return parse_bytes(body, strlen(body));
}

#define PROLOG "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define ROOT(type) "<config-auth client=\"vpn\" type=\"" type "\" aggregate-auth-version=\"2\">"
#define REPLY(inside) PROLOG ROOT("auth-reply") "<auth>" inside "</auth></config-auth>"

static void init_of_the_protocol(void **)
{
	assert_int_equal(
		parse(PROLOG ROOT(
			"init") "\n"
				"  <version who=\"vpn\">v9.21</version>\n"
				"  <device-id>linux-64</device-id>\n"
				"  <capabilities><auth-method>single-sign-on-v2</auth-method>\n"
				"  <auth-method>single-sign-on-external-browser</auth-method></capabilities>\n"
				"  <group-access>https://vpn.example.com/path</group-access>\n"
				"  <group-select>staff</group-select>\n"
				"</config-auth>\n"),
		ERR_OK);
	assert_int_equal(req.type, LOGIN_INIT);
	assert_string_equal(req.version, "v9.21");
	assert_string_equal(req.device.id, "linux-64");
	assert_string_equal(req.group_access, "https://vpn.example.com/path");
	assert_string_equal(req.group, "staff");
	assert_int_equal(req.capabilities, LOGIN_CAP_SSO_V2 | LOGIN_CAP_SSO_BROWSER);
	assert_false(req.has_username || req.has_password || req.has_secondary || req.client_cert_fail);
}

static void init_of_a_cisco_client(void **)
{
	assert_int_equal(
		parse(PROLOG ROOT(
			"init") "<version who=\"vpn\">4.10.06079</version>\n"
				"<device-id computer-name=\"DESKTOP-1\" device-type=\"VMware, Inc. VMware7,1\" "
				"platform-version=\"10.0.19045 \" unique-id=\"0123ABCD\" unique-id-global=\"X\">win</device-id>\n"
				"<mac-address-list>\n<mac-address public-interface=\"true\">00-50-56-00-00-01</mac-address>"
				"</mac-address-list>\n<session-token/><session-id/>"
				"<capabilities>\n<auth-method>multiple-cert</auth-method>\n<auth-method>single-sign-on</auth-method>\n"
				"<auth-method>telepathy</auth-method></capabilities>\n"
				"<client-cert-fail/>"
				"</config-auth>"),
		ERR_OK);
	assert_string_equal(req.device.id, "win");
	assert_string_equal(req.device.computer_name, "DESKTOP-1");
	assert_string_equal(req.device.type, "VMware, Inc. VMware7,1");
	assert_string_equal(req.device.platform_version, "10.0.19045");
	assert_string_equal(req.device.unique_id, "0123ABCD");
	assert_int_equal(req.capabilities, LOGIN_CAP_MULTIPLE_CERT | LOGIN_CAP_SSO);
	assert_true(req.client_cert_fail);
	assert_string_equal(req.session_token, "");
}

static void reply_with_all(void **)
{
	assert_int_equal(
		parse(PROLOG ROOT(
			"auth-reply") "<opaque is-for=\"sg\">\n<tunnel-group>x</tunnel-group><aggauth-handle>aGFuZGxl</aggauth-handle>\n"
				      "<config-hash>1</config-hash></opaque>"
				      "<auth><username>al&amp;ice</username>"
				      "<password> p&lt;&quot;&apos;&gt;&#228;&#x20AC;<![CDATA[<&]]> </password></auth>"
				      "<group-select>staff</group-select></config-auth>"),
		ERR_OK);
	assert_int_equal(req.type, LOGIN_REPLY);
	assert_true(req.has_username);
	assert_string_equal(req.username, "al&ice");
	assert_true(req.has_password);
	assert_string_equal(req.password, " p<\"'>\xc3\xa4\xe2\x82\xac<& ");
	assert_string_equal(req.group, "staff");
	assert_string_equal(req.handle, "aGFuZGxl");
}

static void credentials_in_any_combination(void **)
{
	static const struct {
		const char *body;
		const char *username, *password, *secondary; /* nullptr: not given */
	} rows[] = {
		{ REPLY(""), nullptr, nullptr, nullptr },
		{ REPLY("<username>u</username>"), "u", nullptr, nullptr },
		{ REPLY("<password>p</password>"), nullptr, "p", nullptr },
		{ REPLY("<password/>"), nullptr, "", nullptr },
		{ REPLY("<password></password><username/>"), "", "", nullptr },
		{ REPLY("<password>p</password><username>u</username>"), "u", "p", nullptr },
		{ REPLY("<secondary_password>1</secondary_password>"), nullptr, "1", nullptr },
		{ REPLY("<secondary_password/>"), nullptr, "", nullptr },
		{ REPLY("<answer>1</answer>"), nullptr, "1", nullptr },
		{ REPLY("<secondary_password>1</secondary_password><password>p</password>"), nullptr, "p",
		  "1" },
		{ REPLY("<Password>p</Password>"), nullptr, "p", nullptr },
		{ REPLY("<sso-token>x</sso-token><unknown>y</unknown>"), nullptr, nullptr, nullptr },
		{ REPLY("<_password>x</_password>"), nullptr, nullptr, nullptr },
		{ REPLY("<password>a<b>c</b>d</password>"), nullptr, "ad", nullptr },
		{ REPLY("<x><password>p</password></x>"), nullptr, nullptr, nullptr },
		{ PROLOG ROOT("auth-reply") "<password>p</password></config-auth>", nullptr, nullptr,
		  nullptr },
		{ "<auth id=\"main\"><username>u</username></auth>", "u", nullptr, nullptr },
		{ "username=u&password=p", "u", "p", nullptr },
		{ "password=p", nullptr, "p", nullptr },
		{ "password=", nullptr, "", nullptr },
		{ "password", nullptr, "", nullptr },
		{ "username=a%2Bb+c&pass%77ord=%26%3d+%2b", "a+b c", "&= +", nullptr },
		{ "username=bob&password=made-up%2b%20%25%26%20p%3dw\r\n", "bob", "made-up+ %& p=w",
		  nullptr },
		{ "secondary_password=1&password=p", nullptr, "p", "1" },
		{ "answer=1", nullptr, "1", nullptr },
		{ "&&x=y&=z&&username=u&", "u", nullptr, nullptr },
		{ "username=a=b", "a=b", nullptr, nullptr },
		{ "", nullptr, nullptr, nullptr },
		{ " \r\n", nullptr, nullptr, nullptr },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(rows[i].body), ERR_OK);
		assert_int_equal(req.has_username, rows[i].username != nullptr);
		assert_int_equal(req.has_password, rows[i].password != nullptr);
		assert_int_equal(req.has_secondary, rows[i].secondary != nullptr);
		assert_string_equal(req.username, rows[i].username == nullptr ? "" : rows[i].username);
		assert_string_equal(req.password, rows[i].password == nullptr ? "" : rows[i].password);
		assert_string_equal(req.secondary, rows[i].secondary == nullptr ? "" : rows[i].secondary);
	}
}

static void groups(void **)
{
	static const char *const rows[] = {
		"group_list=staff",
		"username=u&group%5flist=staff",
		"group%5Flist=st%61ff",
		REPLY("<group_list>staff</group_list>"),
		PROLOG ROOT("init") "<group-select> staff\n</group-select></config-auth>",
		PROLOG ROOT("init") "<GROUP-SELECT>staff</GROUP-SELECT></config-auth>",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(rows[i]), ERR_OK);
		assert_string_equal(req.group, "staff");
	}
}

static void types(void **)
{
	static const struct {
		const char *body;
		enum login_type type;
	} rows[] = {
		{ ROOT("init") "</config-auth>", LOGIN_INIT },
		{ ROOT("auth-reply") "</config-auth>", LOGIN_REPLY },
		{ ROOT("logout") "<session-token>abc=</session-token></config-auth>", LOGIN_LOGOUT },
		{ "<auth/>", LOGIN_REPLY },
		{ "a=b", LOGIN_FORM },
		{ "", LOGIN_FORM },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(rows[i].body), ERR_OK);
		assert_int_equal(req.type, rows[i].type);
		assert_string_equal(req.session_token, rows[i].type == LOGIN_LOGOUT ? "abc=" : "");
	}
}

static void prologs_that_clients_are_known_to_send(void **)
{
	static const char *const prologs[] = {
		"",
		" \r\n\t",
		"\xef\xbb\xbf",
		("\xef\xbb\xbf" PROLOG),
		"<?xml version: \"1.0\" encoding=\"UTF-8\"?>",
		"<?xml version: \"1.0\">",
		"<?xml?>",
		"<?xml version=\"9.9\"?><?xml-stylesheet href=\"x\"?>\n",
		"<!-- hello -->",
	};
	for (size_t i = 0; i < ARRAY_LEN(prologs); i++) {
		char body[256];
		strcat(strcpy(body, prologs[i]),
		       "<Config-Auth client=\"vpn\" TYPE=\"Init\"><Version>1</Version></Config-Auth>\n");
		assert_int_equal(parse(body), ERR_OK);
		assert_int_equal(req.type, LOGIN_INIT);
		assert_string_equal(req.version, "1");
	}
}

static void bad_documents_are_refused(void **)
{
	static const struct {
		const char *body;
		enum err err;
	} rows[] = {
		{ "<", ERR_SYNTAX },
		{ "<?xml", ERR_SYNTAX },
		{ PROLOG, ERR_SYNTAX },
		{ "<config-auth", ERR_SYNTAX },
		{ ROOT("init"), ERR_SYNTAX },
		{ ROOT("init") "<version>", ERR_SYNTAX },
		{ ROOT("init") "</auth>", ERR_SYNTAX },
		{ ROOT("init") "</config-auth><x/>", ERR_SYNTAX },
		{ ROOT("init") "</config-auth>rubbish", ERR_SYNTAX },
		{ ROOT("init") "<a b></a></config-auth>", ERR_SYNTAX },
		{ ROOT("init") "<a b='1' b='1'/></config-auth>", ERR_SYNTAX },
		{ ROOT("init") "&unknown;</config-auth>", ERR_SYNTAX },
		{ ROOT("init") "<version>&#0;</version></config-auth>", ERR_SYNTAX },
		{ ROOT("init") "<version>&#xD800;</version></config-auth>", ERR_SYNTAX },
		{ ROOT("init") "<version>\xff</version></config-auth>", ERR_SYNTAX },
		{ ROOT("init") "<version>\x01</version></config-auth>", ERR_SYNTAX },
		{ ROOT("init") "<version>a&#10;b</version></config-auth>", ERR_SYNTAX },
		{ ROOT("init") "<device-id computer-name=\"a&#10;b\"/></config-auth>", ERR_SYNTAX },
		{ REPLY("<username>a&#9;b</username>"), ERR_SYNTAX },
		{ REPLY("<username>a&#127;b</username>"), ERR_SYNTAX },
		{ "<html><body/></html>", ERR_PROTO },
		{ "<config-auth client=\"vpn\"/>", ERR_PROTO },
		{ ROOT("complete") "</config-auth>", ERR_PROTO },
		{ ROOT("auth-request") "</config-auth>", ERR_PROTO },
		{ ROOT("") "</config-auth>", ERR_PROTO },
		{ "<!DOCTYPE config-auth><config-auth type=\"init\"/>", ERR_PROTO },
		{ "<!DOCTYPE x [<!ENTITY a \"b\">]><config-auth type=\"init\">&a;</config-auth>", ERR_PROTO },
		{ PROLOG "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><config-auth type=\"init\"/>",
		  ERR_PROTO },
		{ REPLY("<username>a</username><username>b</username>"), ERR_PROTO },
		{ REPLY("<password>a</password><password>a</password>"), ERR_PROTO },
		{ REPLY("<password/><password/>"), ERR_PROTO },
		{ REPLY("<answer>a</answer><new_password>b</new_password>"), ERR_PROTO },
		{ "username=a&username=b", ERR_PROTO },
		{ "password=&password=", ERR_PROTO },
		{ "username=%", ERR_SYNTAX },
		{ "username=%0", ERR_SYNTAX },
		{ "username=%zz", ERR_SYNTAX },
		{ "username=a%00b", ERR_SYNTAX },
		{ "password=a%00b", ERR_SYNTAX },
		{ "username=a%0Ab", ERR_SYNTAX },
		{ "user%name=a", ERR_SYNTAX },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const struct login_req nothing;
		assert_int_equal(parse(rows[i].body), rows[i].err);
		assert_memory_equal(&req, &nothing, sizeof req);
	}
}

static void a_nul_byte_is_refused(void **)
{
	assert_int_equal(parse_bytes("username=a\0b", 12), ERR_SYNTAX);
	assert_int_equal(parse_bytes("<auth><username>a\0b</username></auth>", 36), ERR_SYNTAX);
}

/* "<head><n times c><tail>" */
static enum err parse_long(const char *head, size_t n, const char *tail)
{
	size_t head_n = strlen(head), tail_n = strlen(tail);
	char *body = malloc(head_n + n + tail_n);
	assert_non_null(body);
	memcpy(body, head, head_n);
	memset(body + head_n, 'x', n);
	memcpy(body + head_n + n, tail, tail_n);
	auto e = parse_bytes(body, head_n + n + tail_n);
	free(body);
	return e;
}

static void what_is_too_long_is_refused(void **)
{
	static const struct {
		const char *head;
		size_t max;
		const char *tail;
	} rows[] = {
		{ "username=", LOGIN_USER_MAX, "" },
		{ "password=", LOGIN_SECRET_MAX, "" },
		{ "secondary_password=", LOGIN_SECRET_MAX, "" },
		{ "group_list=", LOGIN_USER_MAX, "&password=p" },
		{ "<auth><username>", LOGIN_USER_MAX, "</username></auth>" },
		{ "<auth><password>", LOGIN_SECRET_MAX, "</password></auth>" },
		{ ROOT("init") "<group-select>", LOGIN_USER_MAX, "</group-select></config-auth>" },
		{ ROOT("init") "<group-access>", LOGIN_URL_MAX, "</group-access></config-auth>" },
		{ ROOT("init") "<opaque><aggauth-handle>", LOGIN_TOKEN_MAX,
		  "</aggauth-handle></opaque></config-auth>" },
		{ ROOT("init") "<device-id unique-id=\"", LOGIN_DEVICE_MAX, "\"/></config-auth>" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse_long(rows[i].head, rows[i].max, rows[i].tail), ERR_OK);
		assert_int_equal(parse_long(rows[i].head, rows[i].max + 1, rows[i].tail), ERR_RANGE);
		assert_int_equal(parse_long(rows[i].head, 5000, rows[i].tail), ERR_RANGE);
		assert_int_equal(parse_long(rows[i].head, 200000, rows[i].tail), ERR_RANGE);
	}
}

static void what_does_not_concern_us_may_be_long(void **)
{
	assert_int_equal(
		parse_long(ROOT("init") "<host-scan-token>", 250000, "</host-scan-token></config-auth>"),
		ERR_OK);
	assert_int_equal(parse_long(ROOT("init") "<!--", 10000, "--></config-auth>"), ERR_OK);
	assert_int_equal(parse_long("x=", 250000, "&username=u"), ERR_OK);
	assert_string_equal(req.username, "u");
	assert_int_equal(parse_long("", 1000, "=y&username=u"), ERR_OK);
	assert_string_equal(req.username, "u");
}

static void depth_is_bounded(void **)
{
	for (size_t depth = 16; depth <= 17; depth++) {
		char body[1024] = ROOT("init");
		for (size_t i = 1; i < depth; i++)
			strcat(body, "<a>");
		for (size_t i = 1; i < depth; i++)
			strcat(body, "</a>");
		strcat(body, "</config-auth>");
		assert_int_equal(parse(body), depth == 16 ? ERR_OK : ERR_RANGE);
	}
}

static char greedy[256 * 1024];

static void greed_is_refused(void **)
{
	auto w = writer_of(greedy, sizeof greedy);
	writer_str(&w, ROOT("init"));
	for (unsigned i = 0; i < 1100; i++)
		writer_fmt(&w, "<a%u/>", i);
	writer_str(&w, "</config-auth>");
	assert_int_equal(parse_bytes(greedy, w.len), ERR_RANGE);

	w = writer_of(greedy, sizeof greedy);
	writer_str(&w, "<config-auth type=\"init\"");
	for (unsigned i = 0; w.len < sizeof greedy - 32; i++)
		writer_fmt(&w, " a%u=''", i);
	writer_str(&w, "/>");
	assert_int_equal(parse_bytes(greedy, w.len), ERR_RANGE);

	memset(greedy, 'a', sizeof greedy);
	memcpy(greedy, "<config-auth", 12);
	assert_int_not_equal(parse_bytes(greedy, sizeof greedy), ERR_OK);

	memset(greedy, '&', sizeof greedy);
	assert_int_equal(parse_bytes(greedy, sizeof greedy), ERR_RANGE);

	for (size_t i = 0; i < sizeof greedy; i++)
		greedy[i] = "<a>"[i % 3];
	assert_int_equal(parse_bytes(greedy, sizeof greedy), ERR_PROTO);
}

static void secrets_can_be_wiped(void **)
{
	static const struct login_req nothing;
	assert_int_equal(parse("username=u&password=p&secondary_password=s"), ERR_OK);
	login_req_wipe(&req);
	assert_memory_equal(&req, &nothing, sizeof req);
}

static void kinds_of_clients(void **)
{
	static const struct {
		const char *agent;
		enum login_client client;
	} rows[] = {
		{ "AnyConnect-compatible OpenConnect VPN Agent v9.21", LOGIN_CLIENT_OPENCONNECT },
		{ "Open AnyConnect VPN Agent v9.12", LOGIN_CLIENT_OPENCONNECT },
		{ "Open AnyConnect VPN Agent v9.01-3", LOGIN_CLIENT_OPENCONNECT },
		{ "Open AnyConnect VPN Agent v4.00", LOGIN_CLIENT_OPENCONNECT },
		{ "Open AnyConnect VPN Agent v3.20", LOGIN_CLIENT_OPENCONNECT_OLD },
		{ "Open AnyConnect VPN Agent v2.26", LOGIN_CLIENT_OPENCONNECT_OLD },
		{ "OpenConnect VPN Agent (NetworkManager) v8.10", LOGIN_CLIENT_OPENCONNECT },
		{ "AnyConnect Windows 5.0.04032", LOGIN_CLIENT_CISCO },
		{ "anyconnect Linux_64 4.7.00136", LOGIN_CLIENT_CISCO },
		{ "AnyConnect Darwin_arm64 5.1.2", LOGIN_CLIENT_CISCO },
		{ "Cisco AnyConnect VPN Agent for Windows 4.10.07061", LOGIN_CLIENT_CISCO },
		{ "AnyConnect AppleSSLVPN_Darwin_ARM (iPad) 4.10.04060", LOGIN_CLIENT_APPLE },
		{ "Cisco AnyConnect VPN Agent for Apple iPhone 5.0", LOGIN_CLIENT_APPLE },
		{ "AnyConnect Android 4.10.05096", LOGIN_CLIENT_ANDROID },
		{ "Cisco SVC IPPhone Client v1.0", LOGIN_CLIENT_IPPHONE },
		{ "Clavister OneConnect VPN", LOGIN_CLIENT_CLAVISTER },
		{ "AnyLink Secure Client", LOGIN_CLIENT_OTHER },
		{ "Mozilla/5.0 AnyConnect", LOGIN_CLIENT_OTHER },
		{ "Any", LOGIN_CLIENT_OTHER },
		{ "", LOGIN_CLIENT_OTHER },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(login_client_class(text_slice(rows[i].agent)), rows[i].client);
	assert_int_equal(login_client_class((struct slice){}), LOGIN_CLIENT_OTHER);
}

static void dialects(void **)
{
	assert_int_equal(login_dialect_of(LOGIN_CLIENT_OPENCONNECT, true), LOGIN_XML);
	assert_int_equal(login_dialect_of(LOGIN_CLIENT_OPENCONNECT, false), LOGIN_BARE);
	assert_int_equal(login_dialect_of(LOGIN_CLIENT_OPENCONNECT_OLD, true), LOGIN_BARE_OLD);
	assert_int_equal(login_dialect_of(LOGIN_CLIENT_OPENCONNECT_OLD, false), LOGIN_BARE_OLD);
	assert_int_equal(login_dialect_of(LOGIN_CLIENT_OTHER, true), LOGIN_XML);
}

static char out[4096];
static struct writer w;

static void begin(void)
{
	memset(out, 0, sizeof out);
	w = writer_of(out, sizeof out - 1);
}

static const struct login_group two_groups[] = { { "guests", "Guests" }, { "staff", "Staff people" } };

static void form_of_the_protocol(void **)
{
	const struct login_form form = {
		.error = "Login failed.",
		.error_id = 13,
		.message = "Please enter your username.",
		.ask_username = true,
		.ask_password = true,
		.groups = two_groups,
		.groups_n = 2,
		.selected = 1,
		.handle = "aGFuZGxl",
	};
	begin();
	login_emit_form(&w, LOGIN_XML, &form);
	assert_true(writer_ok(&w));
	assert_string_equal(
		out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<config-auth client=\"vpn\" type=\"auth-request\" aggregate-auth-version=\"2\">\n"
		     "<version who=\"sg\">0.1(1)</version>\n"
		     "<opaque is-for=\"sg\"><aggauth-handle>aGFuZGxl</aggauth-handle></opaque>\n"
		     "<auth id=\"main\">\n"
		     "<title>Login</title>\n"
		     "<message>Please enter your username.</message>\n"
		     "<error id=\"13\" param1=\"\" param2=\"\">Login failed.</error>\n"
		     "<form method=\"post\" action=\"/auth\">\n"
		     "<input type=\"text\" name=\"username\" label=\"Username:\"/>\n"
		     "<input type=\"password\" name=\"password\" label=\"Password:\"/>\n"
		     "<select name=\"group_list\" label=\"GROUP:\">\n"
		     "<option value=\"staff\" selected=\"true\">Staff people</option>\n"
		     "<option value=\"guests\">Guests</option>\n"
		     "</select>\n"
		     "</form>\n"
		     "</auth>\n"
		     "</config-auth>\n");
}

static void form_of_a_second_step(void **)
{
	const struct login_form form = {
		.id = "challenge",
		.action = "/auth?x&y",
		.banner = "No <trespassing> & \"quotes\"",
		.ask_password = true,
		.password_name = "secondary_password",
		.password_label = "Code <1>:",
		.groups = two_groups,
		.groups_n = 1,
	};
	begin();
	login_emit_form(&w, LOGIN_BARE, &form);
	assert_true(writer_ok(&w));
	assert_string_equal(
		out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<auth id=\"challenge\">\n"
		     "<title>Login</title>\n"
		     "<message>Please enter your password.</message>\n"
		     "<banner>No &lt;trespassing&gt; &amp; &quot;quotes&quot;</banner>\n"
		     "<form method=\"post\" action=\"/auth?x&amp;y\">\n"
		     "<input type=\"password\" name=\"secondary_password\" label=\"Code &lt;1&gt;:\"/>\n"
		     "</form>\n"
		     "</auth>\n");
}

static void an_old_client_knows_the_password_step_by_its_name(void **)
{
	struct login_form form = { .ask_password = true, .handle = "h" };
	begin();
	login_emit_form(&w, LOGIN_BARE_OLD, &form);
	assert_non_null(strstr(out, "<auth id=\"password\">"));
	assert_null(strstr(out, "opaque"));
	form.ask_username = true;
	begin();
	login_emit_form(&w, LOGIN_BARE_OLD, &form);
	assert_non_null(strstr(out, "<auth id=\"main\">"));
}

static void hostile_texts_do_not_break_out(void **)
{
	static const char evil[] = "\"/></form><evil a='&'>\xff\x01]]>";
	const struct login_group groups_[] = { { evil, evil }, { evil, evil } };
	const struct login_form form = {
		.id = evil,
		.action = evil,
		.message = evil,
		.banner = evil,
		.error = evil,
		.ask_username = true,
		.ask_password = true,
		.password_name = evil,
		.password_label = evil,
		.groups = groups_,
		.groups_n = 2,
		.selected = 2,
		.handle = evil,
	};
	begin();
	login_emit_form(&w, LOGIN_XML, &form);
	assert_true(writer_ok(&w));
	assert_null(strstr(out, "<evil"));
	assert_null(strchr(out, '\''));
	assert_null(strchr(out, '\xff'));
	assert_null(strchr(out, '\x01'));
	assert_null(strstr(out, "selected"));
}

static void complete_of_the_protocol(void **)
{
	const struct login_done done = {
		.session_id = "17",
		.session_token = "dG9rZW4=",
		.message = "Hello",
		.banner = "Welcome <all>",
		.cert_sha1 = "0123456789ABCDEF0123456789ABCDEF01234567",
	};
	begin();
	login_emit_complete(&w, LOGIN_XML, &done);
	assert_true(writer_ok(&w));
	assert_string_equal(out,
			    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			    "<config-auth client=\"vpn\" type=\"complete\" aggregate-auth-version=\"2\">\n"
			    "<version who=\"sg\">0.1(1)</version>\n"
			    "<session-id>17</session-id>\n"
			    "<session-token>dG9rZW4=</session-token>\n"
			    "<auth id=\"success\">\n"
			    "<title>SSL VPN Service</title>\n"
			    "<message>Hello</message>\n"
			    "<banner>Welcome &lt;all&gt;</banner>\n"
			    "</auth>\n"
			    "<config client=\"vpn\" type=\"private\">\n"
			    "<vpn-base-config>\n"
			    "<server-cert-hash>0123456789ABCDEF0123456789ABCDEF01234567</server-cert-hash>\n"
			    "</vpn-base-config>\n"
			    "<opaque is-for=\"vpn-client\"></opaque>\n"
			    "</config>\n"
			    "</config-auth>\n");
	begin();
	login_emit_complete(&w, LOGIN_BARE, &done);
	assert_string_equal(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				 "<auth id=\"success\">\n"
				 "<title>SSL VPN Service</title>\n"
				 "<message>Hello</message>\n"
				 "<banner>Welcome &lt;all&gt;</banner>\n"
				 "</auth>\n");
}

static void the_end_of_a_login_has_no_form(void **)
{
	begin();
	login_emit_error(&w, LOGIN_XML, 13, "Login failed.");
	assert_string_equal(
		out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<config-auth client=\"vpn\" type=\"auth-request\" aggregate-auth-version=\"2\">\n"
		     "<version who=\"sg\">0.1(1)</version>\n"
		     "<auth id=\"main\">\n"
		     "<title>Login</title>\n"
		     "<error id=\"13\" param1=\"\" param2=\"\">Login failed.</error>\n"
		     "</auth>\n"
		     "</config-auth>\n");
	begin();
	login_emit_error(&w, LOGIN_BARE_OLD, 0, "No.");
	assert_string_equal(
		out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<auth id=\"main\">\n<title>Login</title>\n"
		     "<error param1=\"\" param2=\"\">No.</error>\n</auth>\n");
}

static void a_document_without_room_fails(void **)
{
	const struct login_form form = { .ask_username = true };
	for (size_t cap = 0; cap < 300; cap++) {
		w = writer_of(out, cap);
		login_emit_form(&w, LOGIN_XML, &form);
		assert_false(writer_ok(&w));
	}
}

static void cookies_of_the_protocol(void **)
{
	struct login_cookies c;
	assert_int_equal(login_cookies_form(&c, "Y3R4", 300), ERR_OK);
	assert_int_equal(c.n, 1);
	assert_string_equal(c.line[0], "webvpncontext=Y3R4; Max-Age=300; Secure; HttpOnly");

	assert_int_equal(login_cookies_done(&c, "Y3R4",
					    "dG9rZW4=", "0123456789ABCDEF0123456789ABCDEF01234567", nullptr),
			 ERR_OK);
	assert_int_equal(c.n, 4);
	assert_string_equal(c.line[0], "webvpncontext=Y3R4; Secure; HttpOnly");
	assert_string_equal(c.line[1], "webvpn=dG9rZW4=; Secure; HttpOnly");
	assert_string_equal(c.line[2],
			    "webvpnc=; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly");
	assert_string_equal(
		c.line[3],
		"webvpnc=bu:/&p:t&iu:1/&sh:0123456789ABCDEF0123456789ABCDEF01234567; path=/; Secure; "
		"HttpOnly");

	assert_int_equal(login_cookies_done(&c, nullptr, "dG9rZW4=", nullptr, nullptr), ERR_OK);
	assert_int_equal(c.n, 2);
}

static void cookies_that_are_none_are_refused(void **)
{
	static const char *const bad[] = {
		"a;b", "a b", "a\r\nX: y", "a,b", "a\"", "a\\", "\xc3\xa4", "\x7f"
	};
	char longest[1100] = {};
	struct login_cookies c;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(login_cookies_form(&c, bad[i], 300), ERR_SYNTAX);
		assert_int_equal(login_cookies_done(&c, "x", bad[i], "x", nullptr), ERR_SYNTAX);
	}
	memset(longest, 'a', sizeof longest - 1);
	assert_int_equal(login_cookies_done(&c, "x", longest, "x", nullptr), ERR_RANGE);
}

static void small_documents(void **)
{
	static const char html[] = "<html></html>\n";
	static const char vpn[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><vpn rev=\"1.0\"></vpn>";
	static const struct {
		const char *path, *type, *body;
	} rows[] = {
		{ "/1/index.html", "text/html", html },
		{ "/1/Linux_64", "text/html", html },
		{ "/1/Windows_ARM64", "text/html", html },
		{ "/logout", "text/html", html },
		{ "/VPNManifest.xml", "text/xml; charset=utf-8", vpn },
		{ "/1/VPNManifest.xml", "text/xml; charset=utf-8", vpn },
		{ "/+CSCOT+/translation-table", "text/xml; charset=utf-8", vpn },
		{ "/+CSCOT+/oem-customization", "text/xml; charset=utf-8", vpn },
		{ "/1/binaries/update.txt", "text/plain", "0,0,0000\n" },
		{ "/1/binaries/vpndownloader.sh", "application/x-shellscript", "#!/bin/sh\nexit 0\n" },
	};
	static const char *const none[] = { "",
					    "/",
					    "/1",
					    "/auth",
					    "/profiles/x.xml",
					    "/CACHE/sdesktop/x",
					    "/+CSCOE+/sdesktop/x",
					    "/+CSCOT+",
					    "/logoutx",
					    "/VPNManifest.xm" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct login_page *page = login_static_page(text_slice(rows[i].path));
		assert_non_null(page);
		assert_string_equal(page->type, rows[i].type);
		assert_string_equal(page->body, rows[i].body);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_null(login_static_page(text_slice(none[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_of_the_protocol),
		cmocka_unit_test(init_of_a_cisco_client),
		cmocka_unit_test(reply_with_all),
		cmocka_unit_test(credentials_in_any_combination),
		cmocka_unit_test(groups),
		cmocka_unit_test(types),
		cmocka_unit_test(prologs_that_clients_are_known_to_send),
		cmocka_unit_test(bad_documents_are_refused),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(what_does_not_concern_us_may_be_long),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(greed_is_refused),
		cmocka_unit_test(secrets_can_be_wiped),
		cmocka_unit_test(kinds_of_clients),
		cmocka_unit_test(dialects),
		cmocka_unit_test(form_of_the_protocol),
		cmocka_unit_test(form_of_a_second_step),
		cmocka_unit_test(an_old_client_knows_the_password_step_by_its_name),
		cmocka_unit_test(hostile_texts_do_not_break_out),
		cmocka_unit_test(complete_of_the_protocol),
		cmocka_unit_test(the_end_of_a_login_has_no_form),
		cmocka_unit_test(a_document_without_room_fails),
		cmocka_unit_test(cookies_of_the_protocol),
		cmocka_unit_test(cookies_that_are_none_are_refused),
		cmocka_unit_test(small_documents),
	};
	return cmocka_run_group_tests_name("login", tests, nullptr, nullptr);
}
