/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/directory_link.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

constexpr ber_len_t ANSWER_MAX = 1 << 20; /* bytes that one message of a server may have */

/* {{ the timer */

/* The handler of a signal has no argument. */
static volatile sig_atomic_t link_fd = -1;

static void on_alarm(int)
{
	if (link_fd >= 0)
		shutdown((int)link_fd, SHUT_RDWR);
}

/* ms 0: off.  It strikes again and again: the socket may not have been there yet. */
static void set_timer(uint64_t ms)
{
	const struct itimerval t = { .it_value = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) },
				     .it_interval = { 0, ms != 0 ? 200'000 : 0 } };
	setitimer(ITIMER_REAL, &t, nullptr);
}

static uint64_t left_ms(const struct directory_link *l)
{
	struct mono now = clock_now();
	return l->deadline.ns > now.ns ? (l->deadline.ns - now.ns) / 1'000'000 + 1 : 1;
}

static struct timeval left(const struct directory_link *l)
{
	uint64_t ms = left_ms(l);
	return (struct timeval){ (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };
}

void directory_link_extend(struct directory_link *l, uint32_t timeout_s)
{
	l->deadline = clock_add_s(clock_now(), timeout_s);
	set_timer(timeout_s * 1000UL);
}

/* {{ errors */

static void printable(char *out, size_t cap, const char *text)
{
	snprintf(out, cap, "%s", text != nullptr ? text : "");
	for (char *at = out; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f || *at == '"')
			*at = ' ';
}

static enum err fail(struct directory_link *l, const char *doing, int rc)
{
	char *own = nullptr, text[160];
	if (l->ld != nullptr)
		ldap_get_option(l->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &own);
	printable(text, sizeof text, own);
	ldap_memfree(own);
	bool is_late = clock_is_past(clock_now(), l->deadline);
	snprintf(l->error, sizeof l->error, "%s: %s%s%s%s", doing, ldap_err2string(rc),
		 text[0] != '\0' ? " (" : "", text, text[0] != '\0' ? ")" : "");
	if (is_late)
		snprintf(l->error, sizeof l->error, "%s: no answer in time", doing);
	return ERR_BUSY;
}

/* Is it the server that does not work, so that another one may?  Errors of the library are negative. */
static bool is_lost(int rc)
{
	static const int ours[] = { LDAP_FILTER_ERROR, LDAP_PARAM_ERROR, LDAP_NO_MEMORY };
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (ours[i] == rc)
			return false;
	return rc < 0 || rc == LDAP_BUSY || rc == LDAP_UNAVAILABLE;
}

/* {{ opening */

/* Nothing comes from files of the system or of the user who started us. */
static int make(LDAP **out, const struct directory_settings *s, const struct directory_server *to)
{
	static const int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND,
			 oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, is_client = 0;
	static const ber_len_t most = ANSWER_MAX;
	char uri[DIRECTORY_NAME_MAX + 32];
	Sockbuf *sb = nullptr;
	if (to->scheme == DIRECTORY_LDAPI)
		snprintf(uri, sizeof uri, "ldapi://%s", to->host);
	else
		snprintf(uri, sizeof uri, "ldap://%s:%u", to->host, to->port);
	setenv("LDAPNOINIT", "1", 1);
	int rc = ldap_initialize(out, uri);
	if (rc != LDAP_SUCCESS)
		return rc;
	bool is_set = ldap_set_option(*out, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_SUCCESS &&
		      ldap_set_option(*out, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_SUCCESS &&
		      ldap_set_option(*out, LDAP_OPT_RESTART, LDAP_OPT_OFF) == LDAP_SUCCESS &&
		      ldap_set_option(*out, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_SUCCESS &&
		      ldap_set_option(*out, LDAP_OPT_X_TLS_CACERTFILE, s->ca_file) == LDAP_SUCCESS &&
		      ldap_set_option(*out, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest) == LDAP_SUCCESS &&
		      ldap_get_option(*out, LDAP_OPT_SOCKBUF, &sb) == LDAP_SUCCESS &&
		      ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, (void *)(uintptr_t)&most) == 1;
	if (!is_set)
		return LDAP_LOCAL_ERROR;
	bool needs_tls = to->scheme == DIRECTORY_LDAPS || (to->scheme == DIRECTORY_LDAP && s->starttls);
	return needs_tls ? ldap_set_option(*out, LDAP_OPT_X_TLS_NEWCTX, &is_client) : LDAP_SUCCESS;
}

/* Whoever sits between us and the server may send answers to questions that we have not asked yet, together with the one to StartTLS.
 * libldap 2.5 gives such bytes to the handshake, which fails; this does not count on it. */
static bool has_early(LDAP *ld)
{
	Sockbuf *sb = nullptr;
	LDAPMessage *m = nullptr;
	struct timeval none = {};
	if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sb) != LDAP_SUCCESS ||
	    ber_sockbuf_ctrl(sb, LBER_SB_OPT_DATA_READY, nullptr) > 0)
		return true;
	int type = ldap_result(ld, LDAP_RES_ANY, LDAP_MSG_ALL, &none, &m);
	ldap_msgfree(m);
	return type > 0;
}

static int start_tls(struct directory_link *l, const struct directory_settings *s,
		     const struct directory_server *to)
{
	LDAPMessage *m = nullptr;
	int id, rc;
	if (to->scheme == DIRECTORY_LDAPS)
		return ldap_install_tls(l->ld);
	if (to->scheme == DIRECTORY_LDAPI || !s->starttls)
		return LDAP_SUCCESS;
	struct timeval time = left(l);
	rc = ldap_start_tls(l->ld, nullptr, nullptr, &id);
	if (rc != LDAP_SUCCESS)
		return rc;
	if (ldap_result(l->ld, id, LDAP_MSG_ALL, &time, &m) != LDAP_RES_EXTENDED) {
		ldap_msgfree(m);
		return LDAP_SERVER_DOWN;
	}
	int parsed = ldap_parse_result(l->ld, m, &rc, nullptr, nullptr, nullptr, nullptr, 1);
	if (parsed != LDAP_SUCCESS || rc != LDAP_SUCCESS)
		return parsed != LDAP_SUCCESS ? parsed : rc;
	return has_early(l->ld) ? LDAP_PROTOCOL_ERROR : ldap_install_tls(l->ld);
}

enum err directory_link_open(struct directory_link *l, const struct directory_settings *s,
			     const struct directory_server *to, uint32_t timeout_s)
{
	*l = (struct directory_link){};
	const struct sigaction act = { .sa_handler = on_alarm };
	sigaction(SIGALRM, &act, nullptr);
	directory_link_extend(l, timeout_s);
	struct timeval time = left(l);
	int rc = make(&l->ld, s, to), fd = -1;
	if (rc == LDAP_SUCCESS)
		rc = ldap_set_option(l->ld, LDAP_OPT_NETWORK_TIMEOUT, &time);
	if (rc != LDAP_SUCCESS)
		return fail(l, "the settings for TLS are not taken", rc);
	rc = ldap_connect(l->ld);
	if (rc == LDAP_SUCCESS)
		rc = ldap_get_option(l->ld, LDAP_OPT_DESC, &fd);
	if (rc != LDAP_SUCCESS || fd < 0)
		return fail(l, "no connection", rc);
	link_fd = fd;
	rc = start_tls(l, s, to);
	return rc == LDAP_SUCCESS ? ERR_OK
				  : fail(l, "no TLS; is the certificate good, and of this host?", rc);
}

void directory_link_close(struct directory_link *l)
{
	set_timer(0);
	link_fd = -1;
	if (l->ld != nullptr)
		ldap_unbind_ext(TAKE(l->ld), nullptr, nullptr);
}

/* {{ questions */

static void read_policy(LDAP *ld, LDAPControl **controls, struct directory_reply *out)
{
	LDAPPasswordPolicyError error = PP_noError;
	ber_int_t expires_s = -1, graces_n = -1;
	LDAPControl *c = ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, nullptr);
	if (c == nullptr ||
	    ldap_parse_passwordpolicy_control(ld, c, &expires_s, &graces_n, &error) != LDAP_SUCCESS)
		return;
	out->policy = (int)error;
	out->expires_s = expires_s;
	out->graces_n = graces_n;
}

/* The answer to question id. */
static enum err wait(struct directory_link *l, const char *doing, int id, struct directory_reply *out)
{
	LDAPMessage *m = nullptr;
	LDAPControl **controls = nullptr;
	char *text = nullptr;
	struct timeval time = left(l);
	*out = (struct directory_reply){
		.code = LDAP_OTHER, .policy = PP_noError, .expires_s = -1, .graces_n = -1
	};
	int type = ldap_result(l->ld, id, LDAP_MSG_ALL, &time, &m);
	if (type <= 0)
		return fail(l, doing, type == 0 ? LDAP_TIMEOUT : LDAP_SERVER_DOWN);
	int rc = ldap_parse_result(l->ld, m, &out->code, nullptr, &text, nullptr, &controls, 1);
	if (rc != LDAP_SUCCESS) {
		out->code = LDAP_OTHER;
		return fail(l, doing, rc);
	}
	printable(out->text, sizeof out->text, text);
	read_policy(l->ld, controls, out);
	ldap_memfree(text);
	ldap_controls_free(controls);
	return is_lost(out->code) ? fail(l, doing, out->code) : ERR_OK;
}

static LDAPControl policy_request = { (char *)(uintptr_t)LDAP_CONTROL_PASSWORDPOLICYREQUEST,
				      { 0, nullptr },
				      0 };

enum err directory_link_bind(struct directory_link *l, const char *dn, const char *password,
			     struct directory_reply *out)
{
	LDAPControl *controls[] = { &policy_request, nullptr };
	struct berval secret = { strlen(password), (char *)(uintptr_t)password };
	int id, rc = ldap_sasl_bind(l->ld, dn, LDAP_SASL_SIMPLE, &secret, controls, nullptr, &id);
	return rc == LDAP_SUCCESS ? wait(l, "bind", id, out) : fail(l, "bind", rc);
}

enum err directory_link_change(struct directory_link *l, const char *dn, const char *old, const char *new,
			       struct directory_reply *out)
{
	LDAPControl *controls[] = { &policy_request, nullptr };
	struct berval user = { strlen(dn), (char *)(uintptr_t)dn };
	struct berval from = { strlen(old), (char *)(uintptr_t)old };
	struct berval to = { strlen(new), (char *)(uintptr_t)new };
	int id, rc = ldap_passwd(l->ld, &user, &from, &to, controls, nullptr, &id);
	return rc == LDAP_SUCCESS ? wait(l, "new password", id, out) : fail(l, "new password", rc);
}

enum err directory_link_search(struct directory_link *l, const struct directory_search *x, LDAPMessage **out)
{
	static const int scopes[] = { LDAP_SCOPE_SUBTREE, LDAP_SCOPE_ONELEVEL, LDAP_SCOPE_BASE };
	struct timeval time = left(l);
	LDAPMessage *m = nullptr;
	int rc = ldap_search_ext_s(l->ld, x->base, scopes[x->scope], x->filter,
				   (char **)(uintptr_t)x->attributes, 0, nullptr, nullptr, &time, x->limit,
				   &m);
	if (rc == LDAP_SUCCESS) {
		*out = m;
		return ERR_OK;
	}
	ldap_msgfree(m);
	if (rc == LDAP_SIZELIMIT_EXCEEDED)
		return ERR_FULL;
	enum err e = fail(l, "search", rc);
	return rc == LDAP_NO_SUCH_OBJECT                      ? ERR_NOTFOUND
	       : is_lost(rc) || rc == LDAP_TIMELIMIT_EXCEEDED ? e
							      : ERR_SYS;
}
