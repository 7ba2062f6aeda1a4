/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/login_parse.h"

#include <string.h>

constexpr size_t PAIRS_MAX = 1024; /* of a form */

/* Where the text of a key goes.  Secrets are kept to the byte; all else is trimmed and has no control bytes, because it
 * ends in logs and messages. */
static const struct {
	uint16_t offset;
	uint16_t cap;
	bool secret;
} places[LOGIN_KEY_N] = {
#define PLACE(field, ...) \
	{ offsetof(struct login_req, field), sizeof(((struct login_req *)nullptr)->field), __VA_ARGS__ }
	[LOGIN_KEY_USERNAME] = PLACE(username, false),
	[LOGIN_KEY_PASSWORD] = PLACE(password, true),
	[LOGIN_KEY_SECONDARY] = PLACE(secondary, true),
	[LOGIN_KEY_GROUP] = PLACE(group, false),
	[LOGIN_KEY_ACCESS] = PLACE(group_access, false),
	[LOGIN_KEY_HANDLE] = PLACE(handle, false),
	[LOGIN_KEY_TOKEN] = PLACE(session_token, false),
	[LOGIN_KEY_SSO_TOKEN] = PLACE(sso_token, false),
	[LOGIN_KEY_VERSION] = PLACE(version, false),
	[LOGIN_KEY_DEVICE_ID] = PLACE(device.id, false),
	[LOGIN_KEY_COMPUTER_NAME] = PLACE(device.computer_name, false),
	[LOGIN_KEY_DEVICE_TYPE] = PLACE(device.type, false),
	[LOGIN_KEY_PLATFORM_VERSION] = PLACE(device.platform_version, false),
	[LOGIN_KEY_UNIQUE_ID] = PLACE(device.unique_id, false),
#undef PLACE
};
static_assert(LOGIN_VALUE_CAP > LOGIN_SECRET_MAX && LOGIN_VALUE_CAP > LOGIN_URL_MAX);

static const struct {
	const char *name;
	enum login_key key;
} answers[] = {
	{ "username", LOGIN_KEY_USERNAME },
	{ "password", LOGIN_KEY_PASSWORD },
	{ "answer", LOGIN_KEY_SECONDARY },
	{ "whichpin", LOGIN_KEY_SECONDARY },
	{ "verify_pin", LOGIN_KEY_NONE },
	{ "verify_password", LOGIN_KEY_NONE }, /* the client has compared */
	{ "group_list", LOGIN_KEY_GROUP },
	{ "sso-token", LOGIN_KEY_SSO_TOKEN },
};

static bool has_suffix_nocase(struct slice s, const char *suffix)
{
	size_t n = strlen(suffix);
	return s.n > n && text_is_nocase((struct slice){ .p = s.p + s.n - n, .n = n }, suffix);
}

enum login_key login_answer_key(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (text_is_nocase(name, answers[i].name))
			return answers[i].key;
	return has_suffix_nocase(name, "_password") ? LOGIN_KEY_SECONDARY : LOGIN_KEY_NONE;
}

static const struct {
	const char *word;
	enum login_capability capability;
} capabilities[] = {
	{ "multiple-cert", LOGIN_CAP_MULTIPLE_CERT },
	{ "single-sign-on", LOGIN_CAP_SSO },
	{ "single-sign-on-v2", LOGIN_CAP_SSO_V2 },
	{ "single-sign-on-external-browser", LOGIN_CAP_SSO_BROWSER },
};

static uint32_t capability_of(struct slice word)
{
	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
		if (text_is_nocase(word, capabilities[i].word))
			return capabilities[i].capability;
	return 0;
}

static bool has_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

/* The mark that a credential was given; nullptr for what may be repeated. */
static bool *mark_of(struct login_req *out, enum login_key key)
{
	if (key == LOGIN_KEY_USERNAME)
		return &out->has_username;
	if (key == LOGIN_KEY_PASSWORD)
		return &out->has_password;
	return key == LOGIN_KEY_SECONDARY ? &out->has_secondary : nullptr;
}

static enum err store_text(struct login_req *out, enum login_key key, struct slice value)
{
	bool *mark = mark_of(out, key);
	if (mark != nullptr && *mark)
		return ERR_PROTO;
	if (!places[key].secret) {
		value = text_trim(value);
		if (has_control(value))
			return ERR_SYNTAX;
	}
	TRY(text_copy((char *)out + places[key].offset, places[key].cap, value));
	if (mark != nullptr)
		*mark = true;
	if (key == LOGIN_KEY_GROUP)
		out->has_group = true;
	return ERR_OK;
}

enum err login_store(struct login_req *out, enum login_key key, struct slice value)
{
	if (key == LOGIN_KEY_CAPABILITY)
		out->capabilities |= capability_of(text_trim(value));
	else if (key == LOGIN_KEY_CERT_FAIL)
		out->client_cert_fail = true;
	else if (places[key].cap > 0)
		return store_text(out, key, value);
	return ERR_OK;
}

static enum err parse_pair(struct login_req *out, struct slice pair, char *value, size_t cap)
{
	char name[64];
	auto raw = text_next_word(&pair, '=');
	enum err e = text_percent_decode(name, sizeof name, raw, true);
	if (e == ERR_RANGE)
		return ERR_OK; /* no field of ours is that long */
	TRY(e);
	auto key = login_answer_key(text_slice(name));
	if (key == LOGIN_KEY_NONE)
		return ERR_OK;
	TRY(text_percent_decode(value, cap, pair, true));
	return login_store(out, key, text_slice(value));
}

static enum err parse_form(struct login_req *out, struct slice body)
{
	char value[LOGIN_VALUE_CAP];
	enum err e = ERR_OK;
	size_t n = 0;
	out->type = LOGIN_FORM;
	for (auto pair = text_next_word(&body, '&'); pair.p != nullptr && e == ERR_OK; n++) {
		e = n < PAIRS_MAX ? parse_pair(out, pair, value, sizeof value) : ERR_RANGE;
		pair = text_next_word(&body, '&');
	}
	explicit_bzero(value, sizeof value);
	return e;
}

/* Off with a byte order mark and every <?...?> before the root: clients are known that send "<?xml version: "1.0"". */
static struct slice skip_prolog(struct slice body)
{
	if (text_has_prefix_nocase(body, "\xef\xbb\xbf"))
		body = (struct slice){ .p = body.p + 3, .n = body.n - 3 };
	body = text_trim(body);
	while (text_has_prefix_nocase(body, "<?")) {
		(void)text_next_word(&body, '>');
		body = text_trim(body);
	}
	return body;
}

/* A reply with one secret has it in password, whatever its field is called. */
static void settle_secrets(struct login_req *out)
{
	if (out->has_password || !out->has_secondary)
		return;
	memcpy(out->password, out->secondary, sizeof out->password);
	explicit_bzero(out->secondary, sizeof out->secondary);
	out->has_password = true;
	out->has_secondary = false;
}
static_assert(sizeof(((struct login_req *)nullptr)->password) ==
	      sizeof(((struct login_req *)nullptr)->secondary));

enum err login_parse(struct login_req *out, const uint8_t *body, size_t len)
{
	*out = (struct login_req){};
	struct slice raw = { .p = (const char *)body, .n = len };
	struct slice doc = skip_prolog(raw);
	bool is_xml = text_trim(raw).n > 0 && (doc.n == 0 || doc.p[0] == '<');
	enum err e = ERR_SYNTAX;
	if (!is_xml)
		e = parse_form(out, doc);
	else if (doc.n > 0)
		e = login_xml_parse(out, doc);
	if (e == ERR_OK)
		settle_secrets(out);
	else
		login_req_wipe(out);
	return e;
}
