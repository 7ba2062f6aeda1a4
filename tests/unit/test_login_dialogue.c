/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prompts, certificates, profiles and paths; parsing and the plain forms are in test_login.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire/login.h"

#define SHA1 "0123456789ABCDEF0123456789ABCDEF01234567"
#define PROLOG "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define CONFIG(type)                                                                           \
	PROLOG "<config-auth client=\"vpn\" type=\"" type "\" aggregate-auth-version=\"2\">\n" \
	       "<version who=\"sg\">0.1(1)</version>\n"

static char doc[128 * 1024];
static struct login_req req;

static void ended(struct writer *w)
{
	writer_u8(w, '\0');
	assert_true(writer_ok(w));
}

static enum err parse(const char *body)
{
	return login_parse(&req, (const uint8_t *)body, strlen(body));
}

static enum err parse_reply(const char *inside)
{
	char body[1024];
	snprintf(body, sizeof body,
		 "<config-auth client=\"vpn\" type=\"auth-reply\"><auth>%s</auth></config-auth>", inside);
	return parse(body);
}

/* {{ answers of a second step }} */

static void a_lone_secret_under_any_name(void **)
{
	static const char *const names[] = { "password", "secondary_password", "answer",
					     "whichpin", "new_password",       "Some_Password" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char inside[128];
		snprintf(inside, sizeof inside, "<%s>123456</%s>", names[i], names[i]);
		assert_int_equal(parse_reply(inside), ERR_OK);
		assert_true(req.has_password && !req.has_secondary && !req.has_username);
		assert_string_equal(req.password, "123456");
		snprintf(inside, sizeof inside, "%s=123456", names[i]);
		assert_int_equal(parse(inside), ERR_OK);
		assert_true(req.has_password);
		assert_string_equal(req.password, "123456");
	}
}

static void no_secrets(void **)
{
	static const char *const names[] = { "passwords", "_password",     "verify_password", "verify_pin",
					     "pass",      "username_list", "answers" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char inside[128];
		snprintf(inside, sizeof inside, "<%s>123456</%s>", names[i], names[i]);
		assert_int_equal(parse_reply(inside), ERR_OK);
		assert_false(req.has_password || req.has_secondary || req.has_username);
	}
}

static void a_secret_beside_the_password(void **)
{
	assert_int_equal(parse_reply("<password>old</password><secondary_password>123</secondary_password>"),
			 ERR_OK);
	assert_string_equal(req.password, "old");
	assert_string_equal(req.secondary, "123");
	assert_int_equal(parse_reply("<password>a</password><password>b</password>"), ERR_PROTO);
	assert_int_equal(parse_reply("<answer>a</answer><new_password>b</new_password>"), ERR_PROTO);
	assert_int_equal(parse_reply("<new_password>a</new_password><verify_password>a</verify_password>"),
			 ERR_OK);
}

static void a_group_that_is_empty(void **)
{
	assert_int_equal(parse("<config-auth type=\"init\"><group-select></group-select></config-auth>"),
			 ERR_OK);
	assert_true(req.has_group && req.aggregate);
	assert_string_equal(req.group, "");
	assert_int_equal(parse("<config-auth type=\"init\"></config-auth>"), ERR_OK);
	assert_false(req.has_group);
	assert_int_equal(parse("group%5flist=&username=u"), ERR_OK);
	assert_true(req.has_group && !req.aggregate);
	assert_int_equal(parse("<auth id=\"main\"><username>u</username></auth>"), ERR_OK);
	assert_false(req.aggregate);
}

/* {{ documents }} */

static void a_challenge(void **)
{
	const struct login_form form = { .id = "challenge",
					 .action = "/auth",
					 .message = "Enter the <code> & go",
					 .ask_password = true,
					 .password_name = "secondary_password",
					 .password_label = "Code \"2\":",
					 .handle = "aGFuZGxl" };
	auto w = writer_of(doc, sizeof doc);
	login_emit_form(&w, LOGIN_XML, &form);
	ended(&w);
	assert_string_equal(
		doc,
		CONFIG("auth-request") "<opaque is-for=\"sg\"><aggauth-handle>aGFuZGxl</aggauth-handle></opaque>\n"
				       "<auth id=\"challenge\">\n<title>Login</title>\n"
				       "<message>Enter the &lt;code&gt; &amp; go</message>\n"
				       "<form method=\"post\" action=\"/auth\">\n"
				       "<input type=\"password\" name=\"secondary_password\" label=\"Code &quot;2&quot;:\"/>\n"
				       "</form>\n</auth>\n</config-auth>\n");
}

static void an_answer_that_may_be_seen(void **)
{
	const struct login_form form = { .ask_password = true, .echo = true, .cert_authenticated = true };
	auto w = writer_of(doc, sizeof doc);
	login_emit_form(&w, LOGIN_XML, &form);
	ended(&w);
	assert_non_null(strstr(doc, "<input type=\"text\" name=\"password\""));
	assert_non_null(strstr(doc, "<cert-authenticated></cert-authenticated>\n<auth"));
	w = writer_of(doc, sizeof doc);
	login_emit_form(&w, LOGIN_BARE, &form);
	ended(&w);
	assert_null(strstr(doc, "cert-authenticated"));
}

static void old_clients_know_the_step_by_its_name(void **)
{
	const struct login_form form = { .id = "challenge",
					 .ask_password = true,
					 .password_name = "secondary_password" };
	auto w = writer_of(doc, sizeof doc);
	login_emit_form(&w, LOGIN_BARE_OLD, &form);
	ended(&w);
	assert_non_null(strstr(doc, "<auth id=\"secondary_password\">"));
}

static void a_refusal(void **)
{
	auto w = writer_of(doc, sizeof doc);
	login_emit_error(&w, LOGIN_XML, 13, "Login failed.");
	ended(&w);
	assert_string_equal(
		doc, CONFIG("auth-request") "<auth id=\"main\">\n<title>Login</title>\n"
					    "<error id=\"13\" param1=\"\" param2=\"\">Login failed.</error>\n"
					    "</auth>\n</config-auth>\n");
	assert_null(strstr(doc, "<input"));
}

static void a_request_for_a_certificate(void **)
{
	auto w = writer_of(doc, sizeof doc);
	login_emit_cert_request(&w, nullptr);
	ended(&w);
	assert_string_equal(doc, CONFIG("auth-request") "<client-cert-request></client-cert-request>\n"
							"</config-auth>\n");
}

static void success_with_a_profile(void **)
{
	const struct login_profile profile = { .name = "my profile.xml", .sha1 = SHA1 };
	const struct login_done done = { .session_id = "S1",
					 .session_token = "dG9rZW4=",
					 .banner = "Hi",
					 .cert_sha1 = SHA1,
					 .profile = &profile };
	auto w = writer_of(doc, sizeof doc);
	login_emit_complete(&w, LOGIN_XML, &done);
	ended(&w);
	assert_string_equal(
		doc,
		CONFIG("complete") "<session-id>S1</session-id>\n<session-token>dG9rZW4=</session-token>\n"
				   "<auth id=\"success\">\n<title>SSL VPN Service</title>\n<banner>Hi</banner>\n</auth>\n"
				   "<config client=\"vpn\" type=\"private\">\n<vpn-base-config>\n"
				   "<server-cert-hash>" SHA1 "</server-cert-hash>\n</vpn-base-config>\n"
				   "<opaque is-for=\"vpn-client\"></opaque>\n<vpn-profile-manifest>\n"
				   "<vpn rev=\"1.0\">\n<file type=\"profile\" service-type=\"user\">\n"
				   "<uri>/profiles/my%20profile.xml</uri>\n<hash type=\"sha1\">" SHA1
				   "</hash>\n"
				   "</file>\n</vpn>\n</vpn-profile-manifest>\n</config>\n</config-auth>\n");
	w = writer_of(doc, sizeof doc);
	login_emit_complete(&w, LOGIN_BARE, &done);
	ended(&w);
	assert_null(strstr(doc, "manifest"));
}

static void cookies_with_a_profile(void **)
{
	struct login_cookies c;
	struct login_profile profile = { .name = "my profile.xml", .sha1 = SHA1 };
	assert_int_equal(login_cookies_done(&c, "Y3R4", "dG9rZW4=", SHA1, &profile), ERR_OK);
	assert_int_equal(c.n, 4);
	assert_string_equal(c.line[3],
			    "webvpnc=bu:/&p:t&iu:1/&sh:" SHA1
			    "&lu:/+CSCOT+/translation-table?textdomain%3DAnyConnect%26type%3Dmanifest"
			    "&fu:profiles%2Fmy%20profile.xml&fh:" SHA1 "; path=/; Secure; HttpOnly");
	char longest[600];
	memset(longest, '%', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	profile.name = longest;
	assert_int_equal(login_cookies_done(&c, "Y3R4", "dG9rZW4=", SHA1, &profile), ERR_RANGE);
	assert_int_equal(login_cookies_svc(&c), ERR_OK);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.line[1], "webvpnlogin=1; path=/; Secure; HttpOnly");
}

static void groups_stay_below_a_clients_buffer(void **)
{
	static struct login_group groups[512];
	static char name[256];
	memset(name, '"', sizeof name - 1); /* six bytes each in the document */
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		groups[i] = (struct login_group){ name, name };
	groups[511] = (struct login_group){ "chosen", "The chosen" };
	const struct login_form form = {
		.ask_username = true, .groups = groups, .groups_n = ARRAY_LEN(groups), .selected = 511
	};
	auto w = writer_of(doc, sizeof doc);
	login_emit_form(&w, LOGIN_XML, &form);
	ended(&w);
	assert_true(w.len < 64 * 1024);
	assert_non_null(strstr(doc, "<option value=\"chosen\" selected=\"true\">The chosen</option>"));
	assert_non_null(strstr(doc, "</select>\n</form>"));
}

/* {{ certificates }} */

static void steps_of_a_certificate(void **)
{
	static const struct {
		bool wanted, required, present, fail;
		enum login_dialect dialect;
		enum login_type type;
		enum login_cert_step step;
	} rows[] = {
		{ false, false, false, false, LOGIN_XML, LOGIN_INIT, LOGIN_CERT_GO_ON },
		{ true, true, true, false, LOGIN_XML, LOGIN_INIT, LOGIN_CERT_GO_ON },
		{ true, true, true, true, LOGIN_XML, LOGIN_INIT, LOGIN_CERT_GO_ON },
		{ true, true, false, false, LOGIN_XML, LOGIN_INIT, LOGIN_CERT_REQUEST },
		{ true, true, false, true, LOGIN_XML, LOGIN_INIT, LOGIN_CERT_REFUSE }, /* no loop */
		{ true, true, false, false, LOGIN_XML, LOGIN_REPLY, LOGIN_CERT_REFUSE },
		{ true, true, false, false, LOGIN_BARE, LOGIN_INIT, LOGIN_CERT_REFUSE },
		{ true, true, false, false, LOGIN_BARE, LOGIN_FORM, LOGIN_CERT_REFUSE },
		{ true, false, false, false, LOGIN_XML, LOGIN_INIT, LOGIN_CERT_GO_ON },
		{ true, false, false, true, LOGIN_XML, LOGIN_INIT, LOGIN_CERT_GO_ON },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct login_req r = { .type = rows[i].type, .client_cert_fail = rows[i].fail };
		assert_int_equal(login_cert_step(rows[i].wanted, rows[i].required, rows[i].present,
						 rows[i].dialect, &r),
				 rows[i].step);
	}
}

/* {{ paths }} */

static void kinds_of_paths(void **)
{
	static const struct {
		const char *path;
		enum login_path kind;
	} rows[] = {
		{ "/", LOGIN_PATH_LOGIN },
		{ "/auth", LOGIN_PATH_LOGIN },
		{ "/+CSCOE+/logon.html", LOGIN_PATH_LOGIN },
		{ "/logout", LOGIN_PATH_LOGOUT },
		{ "/1/index.html", LOGIN_PATH_PAGE },
		{ "/1/Darwin_i386", LOGIN_PATH_PAGE },
		{ "/VPNManifest.xml", LOGIN_PATH_PAGE },
		{ "/+CSCOT+/oem-customization", LOGIN_PATH_PAGE },
		{ "/profiles/x.xml", LOGIN_PATH_PROFILE },
		{ "/svc", LOGIN_PATH_SVC },
		{ "/svc/", LOGIN_PATH_OTHER },
		{ "/CACHE/sdesktop/data.xml", LOGIN_PATH_RESERVED },
		{ "/+CSCOE+/sdesktop/token.xml", LOGIN_PATH_RESERVED },
		{ "/+CSCOE+/saml/sp/login", LOGIN_PATH_SSO },
		{ "/+CSCOE+/saml_ac_login.html", LOGIN_PATH_SSO },
		{ "/sso/callback", LOGIN_PATH_SSO },
		{ "/+CSCOE+/saml/sp/acs", LOGIN_PATH_RESERVED },
		{ "/staff", LOGIN_PATH_OTHER },
		{ "/Auth", LOGIN_PATH_OTHER },
		{ "", LOGIN_PATH_OTHER },
		{ "auth", LOGIN_PATH_OTHER },
		{ "//", LOGIN_PATH_OTHER },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(login_path_of(text_slice(rows[i].path)), rows[i].kind);
}

static void names_of_a_profile(void **)
{
	static const char *const good[] = { "/profiles/a b.xml", "/profiles/a%20b.xml",
					    "/profiles/a%20b.xml:4443", "/profiles/%61 b.xml" };
	static const char *const bad[] = {
		"/profiles/",           "/profiles/a",           "/profiles/A b.xml",  "/profiles/a b.xml:",
		"/profiles/a b.xml:x1", "/profiles/a b.xml:1:2", "/profiles/a b.xml/", "/profiles/../a b.xml",
		"/profiles/a%2",        "/profiles/a%00b.xml",   "/profile/a b.xml",   ""
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(login_is_profile(text_slice(good[i]), "a b.xml"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(login_is_profile(text_slice(bad[i]), "a b.xml"));
	assert_true(login_is_profile(text_slice("/profiles/a:1"), "a:1"));
}

static void groups_by_path(void **)
{
	char name[LOGIN_USER_MAX + 1];
	static const char *const good[] = { "/staff", "/staff/", "staff", "//staff//", "/st%61ff" };
	static const char *const bad[] = { "/staff/more", "/st%zzff", "/st%00ff", "/st%0aff", "/st\x01" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(login_path_group(name, text_slice(good[i])), ERR_OK);
		assert_string_equal(name, "staff");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(login_path_group(name, text_slice(bad[i])), ERR_SYNTAX);
	assert_int_equal(login_path_group(name, text_slice("/")), ERR_NOTFOUND);
	assert_int_equal(login_path_group(name, text_slice("")), ERR_NOTFOUND);
	char longest[600];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(login_path_group(name, text_slice(longest)), ERR_RANGE);
}

static void paths_in_urls(void **)
{
	static const struct {
		const char *url, *path;
	} rows[] = {
		{ "https://vpn.example.com/path", "/path" },
		{ "https://vpn.example.com:444/path?secret", "/path" },
		{ "HTTPS://[2001:db8::1]/a/b#c", "/a/b" },
		{ "https://vpn.example.com", "/" },
		{ "https://vpn.example.com?secret", "/" },
		{ "http://vpn.example.com/path", nullptr },
		{ "/path", nullptr },
		{ "", nullptr },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto path = login_url_path(rows[i].url);
		if (rows[i].path == nullptr)
			assert_null(path.p);
		else
			assert_true(text_is(path, rows[i].path));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lone_secret_under_any_name),
		cmocka_unit_test(no_secrets),
		cmocka_unit_test(a_secret_beside_the_password),
		cmocka_unit_test(a_group_that_is_empty),
		cmocka_unit_test(a_challenge),
		cmocka_unit_test(an_answer_that_may_be_seen),
		cmocka_unit_test(old_clients_know_the_step_by_its_name),
		cmocka_unit_test(a_refusal),
		cmocka_unit_test(a_request_for_a_certificate),
		cmocka_unit_test(success_with_a_profile),
		cmocka_unit_test(cookies_with_a_profile),
		cmocka_unit_test(groups_stay_below_a_clients_buffer),
		cmocka_unit_test(steps_of_a_certificate),
		cmocka_unit_test(kinds_of_paths),
		cmocka_unit_test(names_of_a_profile),
		cmocka_unit_test(groups_by_path),
		cmocka_unit_test(paths_in_urls),
	};
	return cmocka_run_group_tests_name("login_dialogue", tests, nullptr, nullptr);
}
