/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: login_parse, login_emit_form, login_emit_complete, login_emit_error, login_emit_cert_request, login_client_class,
 * login_static_page, login_path_of, login_path_group, login_is_profile, login_url_path, login_cookies_form, login_cookies_done.
 *
 * The input is the body of a POST.  What was parsed goes into every place of our documents, which must stay well-formed.
 */
#include <expat.h>
#include <string.h>

#include "wire/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char out[256 * 1024];

static void check_document(const struct writer *w)
{
	XML_Parser p = XML_ParserCreate(nullptr);
	assert(p != nullptr && writer_ok(w));
	assert(XML_Parse(p, (const char *)w->start, (int)w->len, 1) == XML_STATUS_OK);
	XML_ParserFree(p);
}

static void check_text(const char *text, size_t cap)
{
	size_t n = strnlen(text, cap);
	assert(n < cap);
	for (size_t i = 0; i < n; i++)
		assert((uint8_t)text[i] >= 0x20 && text[i] != 0x7f);
}

static void check_req(const struct login_req *r)
{
	assert(r->type >= LOGIN_INIT && r->type <= LOGIN_FORM);
	assert(!r->has_secondary || r->has_password);
	assert(r->has_username || r->username[0] == '\0');
	assert(r->has_password || r->password[0] == '\0');
	assert(strnlen(r->password, sizeof r->password) <= LOGIN_SECRET_MAX);
	assert(strnlen(r->secondary, sizeof r->secondary) <= LOGIN_SECRET_MAX);
	check_text(r->username, sizeof r->username);
	check_text(r->group, sizeof r->group);
	check_text(r->group_access, sizeof r->group_access);
	check_text(r->handle, sizeof r->handle);
	check_text(r->session_token, sizeof r->session_token);
	check_text(r->version, sizeof r->version);
	check_text(r->device.id, sizeof r->device.id);
	check_text(r->device.computer_name, sizeof r->device.computer_name);
}

static void emit_all(const struct login_req *r, enum login_dialect dialect)
{
	const struct login_group groups[] = { { r->group, r->username }, { r->version, r->device.type } };
	const struct login_form form = {
		.id = r->device.id,
		.action = r->group_access,
		.message = r->username,
		.banner = r->password,
		.error = r->secondary,
		.error_id = r->capabilities,
		.ask_username = r->has_username,
		.ask_password = r->has_password,
		.echo = r->has_group,
		.cert_authenticated = r->client_cert_fail,
		.password_name = r->device.unique_id,
		.password_label = r->device.platform_version,
		.groups = groups,
		.groups_n = ARRAY_LEN(groups),
		.selected = r->type % 3u,
		.handle = r->handle,
	};
	const struct login_profile profile = { r->device.computer_name, "0123" };
	const struct login_done done = { r->version,  r->session_token, r->username,
					 r->password, r->group,         &profile };
	auto w = writer_of(out, sizeof out);
	login_emit_form(&w, dialect, &form);
	check_document(&w);
	w = writer_of(out, sizeof out);
	login_emit_complete(&w, dialect, &done);
	check_document(&w);
	w = writer_of(out, sizeof out);
	login_emit_error(&w, dialect, 13, r->password);
	check_document(&w);
	w = writer_of(out, sizeof out);
	login_emit_cert_request(&w, r->handle);
	check_document(&w);
}

/* Whatever a client writes into its URL. */
static void check_url(const char *url)
{
	char group[LOGIN_USER_MAX + 1];
	auto path = login_url_path(url);
	if (path.p == nullptr)
		path = text_slice(url);
	enum login_path kind = login_path_of(path);
	assert(kind >= LOGIN_PATH_LOGIN && kind <= LOGIN_PATH_OTHER);
	if (kind == LOGIN_PATH_PAGE)
		assert(login_static_page(path) != nullptr);
	if (login_is_profile(path, "profile.xml"))
		assert(kind == LOGIN_PATH_PROFILE);
	if (login_path_group(group, path) == ERR_OK)
		assert(group[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct login_req nothing;
	static struct login_req r;
	struct login_cookies cookies;
	if (login_parse(&r, data, size) != ERR_OK) {
		assert(memcmp(&r, &nothing, sizeof r) == 0);
		return 0;
	}
	check_req(&r);
	for (int dialect = LOGIN_XML; dialect <= LOGIN_BARE_OLD; dialect++)
		emit_all(&r, (enum login_dialect)dialect);
	(void)login_client_class(text_slice(r.version));
	check_url(r.group_access);
	check_url(r.username);
	const struct login_profile profile = { r.username, "0123" };
	if (login_cookies_done(&cookies, nullptr, "x", "0123", &profile) == ERR_OK)
		assert(strpbrk(cookies.line[cookies.n - 1], "\r\n") == nullptr);
	if (login_cookies_form(&cookies, r.handle, 300) == ERR_OK)
		assert(strpbrk(cookies.line[0], "\r\n") == nullptr);
	login_req_wipe(&r);
	return 0;
}
