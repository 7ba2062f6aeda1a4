/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/negotiate.h"

#include <errno.h>
#include <fcntl.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/fact.h"
#include "auth/sysgroup.h"
#include "auth/task.h"
#include "base/base.h"
#include "ipc/msgs.h"

constexpr unsigned LEGS_MAX = 8;
constexpr size_t NAME_MAX_LEN = 256; /* with the end */
constexpr size_t SKEW_S = 300;       /* that clocks of Kerberos may differ */

static gss_OID_desc spnego = { 6, (void *)(uintptr_t)"\x2b\x06\x01\x05\x05\x02" }; /* 1.3.6.1.5.5.2 */

struct talk {
	const struct auth_method *method;
	const Msg__BackBegin *begin;
	int fd;
	gss_cred_id_t keys;
	gss_ctx_id_t context;
	OM_uint32 flags;
	gss_OID mech;                 /* that was agreed */
	gss_buffer_desc reply;        /* for the client; of the library */
	enum msgs_back result;
	char username[NAME_MAX_LEN];
	char why[256];
};

const char *negotiate_keytab(const struct auth_method *m)
{
	const char *path = config_auth_arg(m, "keytab");
	return path != nullptr ? path : "/etc/krb5.keytab";
}

enum err negotiate_check(const struct auth_method *m, char *problem, size_t cap)
{
	unsigned char head[2];
	const char *path = negotiate_keytab(m);
	int fd OWNED(base_closep) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		snprintf(problem, cap, "gssapi: keytab %s: %s", path, strerror(errno));
		return ERR_CONFIG;
	}
	if (read(fd, head, sizeof head) == (ssize_t)sizeof head && head[0] == 5 &&
	    (head[1] == 1 || head[1] == 2))
		return ERR_OK;
	snprintf(problem, cap, "gssapi: keytab %s: no file of keys; write one with ktadd -k of kadmin", path);
	return ERR_CONFIG;
}

/* {{ what is told */

[[gnu::format(printf, 3, 4)]] static enum err conclude(struct talk *t, enum msgs_back result, const char *fmt,
						       ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(t->why, sizeof t->why, fmt, ap);
	va_end(ap);
	t->result = result;
	return ERR_DENIED;
}

static void describe(char *out, size_t cap, OM_uint32 status, int type, gss_OID mech)
{
	OM_uint32 minor, more = 0;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	out[0] = '\0';
	if (gss_display_status(&minor, status, type, mech, &more, &text) == GSS_S_COMPLETE)
		snprintf(out, cap, "%.*s", (int)MIN(text.length, cap - 1), (const char *)text.value);
	gss_release_buffer(&minor, &text);
	for (char *at = out; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f || *at == '"')
			*at = ' ';
}

/* The library's words. */
static enum err fail(struct talk *t, enum msgs_back result, const char *what, OM_uint32 major,
		     OM_uint32 minor)
{
	char text[100], detail[100];
	describe(text, sizeof text, major, GSS_C_GSS_CODE, GSS_C_NO_OID);
	describe(detail, sizeof detail, minor, GSS_C_MECH_CODE, gss_mech_krb5);
	return conclude(t, result, "%s: %s (%s)", what, text, detail);
}

static void take_reply(struct talk *t, Msg__BackDone *done)
{
	done->token = (ProtobufCBinaryData){ .len = t->reply.length, .data = t->reply.value };
}

static void tell(struct talk *t, Msg__Facts *facts)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = t->begin->conv;
	done.result = t->result;
	done.why = t->why;
	if (t->result == BACK_OK) {
		done.username = t->username;
		done.facts = facts;
		take_reply(t, &done);
		if (t->begin->group[0] != '\0')
			done.group = t->begin->group;
		else if (facts->n_groups > 0)
			done.group = facts->groups[0];
	}
	task_tell(t->fd, &done.base);
}

/* {{ tokens */

/* Keys for HTTP/ of any host of ours: nobody enters by a ticket for another service that the keytab has, too. */
static enum err open_keys(struct talk *t)
{
	static char service[] = "HTTP";
	gss_OID_desc mechs[] = { spnego, *gss_mech_krb5 };
	gss_OID_set_desc wanted = { ARRAY_LEN(mechs), mechs },
			 inner = { 1, (gss_OID)(uintptr_t)gss_mech_krb5 };
	gss_buffer_desc text = { sizeof service - 1, service };
	gss_key_value_element_desc element = { "keytab", negotiate_keytab(t->method) };
	const gss_key_value_set_desc store = { 1, &element };
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 minor, ignored;
	OM_uint32 major = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &name);
	if (major == GSS_S_COMPLETE)
		major = gss_acquire_cred_from(&minor, name, GSS_C_INDEFINITE, &wanted, GSS_C_ACCEPT, &store,
					      &t->keys, nullptr, nullptr);
	gss_release_name(&ignored, &name);
	if (major == GSS_S_COMPLETE)
		major = gss_set_neg_mechs(&minor, t->keys, &inner);
	return major == GSS_S_COMPLETE ? ERR_OK : fail(t, BACK_BROKEN, "keytab", major, minor);
}

/* One token of the client.  ERR_BUSY: another one is to follow. */
static enum err take_token(struct talk *t, const ProtobufCBinaryData *token)
{
	gss_buffer_desc in = { token->len, token->data };
	OM_uint32 minor, ignored;
	gss_release_buffer(&ignored, &t->reply);
	OM_uint32 major = gss_accept_sec_context(&minor, &t->context, t->keys, &in, GSS_C_NO_CHANNEL_BINDINGS,
						 nullptr, &t->mech, &t->reply, &t->flags, nullptr, nullptr);
	if (GSS_ERROR(major))
		return fail(t, BACK_DENIED, "ticket", major, minor);
	return (major & GSS_S_CONTINUE_NEEDED) != 0 ? ERR_BUSY : ERR_OK;
}

static enum err ask_token(struct talk *t)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = t->begin->conv;
	done.result = BACK_MORE;
	done.wants_token = true;
	take_reply(t, &done);
	task_tell(t->fd, &done.base);
	Msg__BackAnswer *a = task_wait_answer(t->fd);
	enum err e = a->token.len > 0 ? take_token(t, &a->token) : conclude(t, BACK_DENIED, "no token came");
	msg__back_answer__free_unpacked(a, nullptr);
	return e;
}

static enum err take_tokens(struct talk *t)
{
	if (t->begin->token.len == 0)
		return conclude(t, BACK_DENIED, "no ticket was shown");
	TRY(open_keys(t));
	enum err e = take_token(t, &t->begin->token);
	for (unsigned n = 1; e == ERR_BUSY && n < LEGS_MAX; n++)
		e = ask_token(t);
	return e == ERR_BUSY ? conclude(t, BACK_DENIED, "a negotiation without end") : e;
}

/* {{ whose ticket */

static bool is_mech(gss_const_OID a, gss_const_OID b)
{
	return a != nullptr && b != nullptr && a->length == b->length &&
	       memcmp(a->elements, b->elements, a->length) == 0;
}

/* When the user showed his password, or what he has, to the KDC. */
static enum err check_freshness(struct talk *t)
{
	const uint32_t most_s = config_auth_number(t->method, "tgt-freshness-time", 0);
	krb5_timestamp stamp = 0;
	OM_uint32 minor;
	if (most_s == 0)
		return ERR_OK;
	OM_uint32 major = gsskrb5_extract_authtime_from_sec_context(&minor, t->context, &stamp);
	if (major != GSS_S_COMPLETE)
		return fail(t, BACK_DENIED, "time of the ticket", major, minor);
	int64_t now = time(nullptr), at = (uint32_t)stamp;
	if (at > now + (int64_t)SKEW_S)
		return conclude(t, BACK_DENIED, "the ticket is from the future; are the clocks right?");
	if (now - at > most_s)
		return conclude(t, BACK_DENIED, "the ticket is %lld s old, and tgt-freshness-time is %u",
				(long long)(now - at), most_s);
	return ERR_OK;
}

static enum err take_name(struct talk *t, const gss_buffer_desc *text)
{
	if (text->length == 0 || text->length >= sizeof t->username ||
	    memchr(text->value, '\0', text->length) != nullptr)
		return conclude(t, BACK_DENIED, "a name that is too long, or none");
	memcpy(t->username, text->value, text->length);
	t->username[text->length] = '\0';
	for (const char *at = t->username; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return conclude(t, BACK_DENIED, "a name with control characters");
	return ERR_OK;
}

/* The local user by the rules of krb5.conf (auth_to_local), or else the whole principal where that is allowed. */
static enum err map_name(struct talk *t, gss_name_t name)
{
	const char *required = config_auth_arg(t->method, "require-local-user-map");
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, ignored;
	OM_uint32 major = gss_localname(&minor, name, gss_mech_krb5, &text);
	if (major != GSS_S_COMPLETE &&
	    (required == nullptr || config_auth_flag(t->method, "require-local-user-map")))
		return fail(t, BACK_DENIED, "no local user for this principal", major, minor);
	if (major != GSS_S_COMPLETE)
		major = gss_display_name(&minor, name, &text, nullptr);
	enum err e =
		major == GSS_S_COMPLETE ? take_name(t, &text) : fail(t, BACK_DENIED, "name", major, minor);
	gss_release_buffer(&ignored, &text);
	return e;
}

static enum err identify(struct talk *t)
{
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 minor, ignored;
	if (!is_mech(t->mech, gss_mech_krb5))
		return conclude(t, BACK_DENIED, "a mechanism other than Kerberos");
	if ((t->flags & GSS_C_ANON_FLAG) != 0)
		return conclude(t, BACK_DENIED, "an anonymous ticket");
	OM_uint32 major = gss_inquire_context(&minor, t->context, &name, nullptr, nullptr, nullptr, nullptr,
					      nullptr, nullptr);
	if (major != GSS_S_COMPLETE)
		return fail(t, BACK_DENIED, "name", major, minor);
	enum err e = map_name(t, name);
	gss_release_name(&ignored, &name);
	return e == ERR_OK ? check_freshness(t) : e;
}

/* {{ groups: those of the system, as with pam */

static enum err find_groups(struct talk *t, Msg__Facts *facts)
{
	if (sysgroup_read(facts, t->username, config_auth_number(t->method, "gid-min", 0)) != ERR_OK)
		return conclude(t, BACK_BROKEN, "the groups of the user cannot be read");
	if (t->begin->group[0] != '\0' && !fact_has_group(facts, t->begin->group))
		return conclude(t, BACK_DENIED, "user is not in the chosen group");
	return ERR_OK;
}

void negotiate_login(const struct auth_method *m, const Msg__BackBegin *b, int fd)
{
	struct talk t = { .method = m, .begin = b, .fd = fd, .result = BACK_OK };
	Msg__Facts *facts = fact_new();
	OM_uint32 ignored;
	enum err e = facts != nullptr ? take_tokens(&t) : conclude(&t, BACK_BROKEN, "out of memory");
	if (e == ERR_OK)
		e = identify(&t);
	if (e == ERR_OK)
		e = find_groups(&t, facts);
	if (e != ERR_OK && t.result == BACK_OK)
		t.result = BACK_BROKEN;
	tell(&t, facts);
	if (facts != nullptr)
		msg__facts__free_unpacked(facts, nullptr);
	gss_release_buffer(&ignored, &t.reply);
	gss_delete_sec_context(&ignored, &t.context, GSS_C_NO_BUFFER);
	gss_release_cred(&ignored, &t.keys);
}
