/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/radius_file.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t\r";

/* {{ servers: host, host:port, host:port:secret, with an IPv6 address in brackets; several with commas }} */

/* Moves *at to the ':' behind the host, or to the end. */
static enum err parse_host(char **at, struct radius_server *s, struct wordfile_why *why)
{
	bool has_brackets = **at == '[';
	char *begin = has_brackets ? *at + 1 : *at;
	size_t len = strcspn(begin, has_brackets ? "]" : ":");
	char *end = begin + len;
	if (len == 0 || len > RADIUS_HOST_MAX || (has_brackets && *end != ']'))
		return wordfile_complain(why, ERR_SYNTAX, "expected a host or an address");
	memcpy(s->host, begin, len);
	s->host[len] = '\0';
	*at = has_brackets ? end + 1 : end;
	return **at == '\0' || **at == ':' ? ERR_OK
					   : wordfile_complain(why, ERR_SYNTAX, "expected host:port:secret");
}

static enum err parse_server(char *text, struct radius_servers *to, uint16_t port, struct wordfile_why *why)
{
	struct radius_server s = { .port = port };
	struct in6_addr a;
	uint32_t n = port;
	if (inet_pton(AF_INET6, text, &a) == 1)
		return wordfile_complain(why, ERR_SYNTAX, "write an IPv6 address in brackets");
	if (to->n == ARRAY_LEN(to->v))
		return wordfile_complain(why, ERR_FULL, "more than %zu servers", RADIUS_SERVERS_MAX);
	TRY(parse_host(&text, &s, why));
	if (*text == ':') {
		char *number = text + 1, *secret = strchr(number, ':');
		if (secret != nullptr) {
			*secret++ = '\0';
			TRY(wordfile_text(s.secret, sizeof s.secret, secret, why));
		}
		TRY(wordfile_number(number, 1, UINT16_MAX, &n, why));
	}
	s.port = (uint16_t)n;
	to->v[to->n++] = s;
	explicit_bzero(&s, sizeof s);
	return ERR_OK;
}

static enum err parse_servers(char *text, struct radius_servers *to, uint16_t port, struct wordfile_why *why)
{
	char *rest = text;
	for (char *one; (one = strsep(&rest, ",")) != nullptr;) {
		one += strspn(one, blanks);
		one[strcspn(one, blanks)] = '\0';
		TRY(parse_server(one, to, port, why));
	}
	return ERR_OK;
}

/* {{ words of the file }} */

typedef enum err set_word(struct radius_settings *s, char *value, struct wordfile_why *why);

static enum err set_auth(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	return parse_servers(value, &s->of[RADIUS_AUTH], 1812, why);
}
static enum err set_acct(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	return parse_servers(value, &s->of[RADIUS_ACCT], 1813, why);
}
static enum err set_secrets(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	return wordfile_text(s->secrets, sizeof s->secrets, value, why);
}
static enum err set_timeout(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	return wordfile_number(value, 1, 60, &s->timeout_s, why);
}
static enum err set_tries(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	TRY(wordfile_number(value, 0, 100, &s->tries, why));
	s->tries = MAX(s->tries, 1u);
	return ERR_OK;
}
static enum err set_dead(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	return wordfile_number(value, 0, 86'400, &s->dead_s, why);
}
static enum err set_nas_identifier(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	return wordfile_text(s->nas_identifier, sizeof s->nas_identifier, value, why);
}

static enum err set_address(char *out, size_t cap, const char *value, struct wordfile_why *why)
{
	struct in6_addr a;
	if (inet_pton(AF_INET, value, &a) != 1 && inet_pton(AF_INET6, value, &a) != 1)
		return wordfile_complain(why, ERR_SYNTAX, "expected an address");
	return wordfile_text(out, cap, value, why);
}
static enum err set_bind(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	return strcmp(value, "*") == 0 ? ERR_OK : set_address(s->bind, sizeof s->bind, value, why);
}
static enum err set_nas_ip(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	return set_address(s->nas_ip, sizeof s->nas_ip, value, why);
}

static enum err set_needs_signature(struct radius_settings *s, char *value, struct wordfile_why *why)
{
	return wordfile_flag(value, &s->needs_signature, why);
}

static enum err want_udp(struct radius_settings *, char *value, struct wordfile_why *why)
{
	return strcasecmp(value, "udp") == 0
		       ? ERR_OK
		       : wordfile_complain(why, ERR_UNSUPPORTED,
					   "only udp; use a local proxy for RADIUS over TLS");
}
static enum err refuse(struct radius_settings *, char *, struct wordfile_why *why)
{
	return wordfile_complain(why, ERR_UNSUPPORTED, "not supported");
}

static const struct {
	const char *word;
	set_word *set; /* nullptr: nothing to us */
} words[] = {
	{ "authserver", set_auth },
	{ "acctserver", set_acct },
	{ "servers", set_secrets },
	{ "radius_timeout", set_timeout },
	{ "radius_retries", set_tries },
	{ "radius_deadtime", set_dead },
	{ "bindaddr", set_bind },
	{ "nas-identifier", set_nas_identifier },
	{ "nas-ip", set_nas_ip },
	{ "require-message-authenticator", set_needs_signature },
	{ "serv-type", want_udp },
	{ "namespace", refuse },
	{ "dictionary", nullptr },
	{ "default_realm", nullptr },
	{ "clientdebug", nullptr },
	{ "use-public-addr", nullptr },
	{ "auth_order", nullptr },
	{ "login_tries", nullptr },
	{ "login_timeout", nullptr },
	{ "login_radius", nullptr },
	{ "login_local", nullptr },
	{ "nologin", nullptr },
	{ "issue", nullptr },
	{ "seqfile", nullptr },
	{ "mapfile", nullptr },
	{ "tls-ca-file", nullptr },
	{ "tls-cert-file", nullptr },
	{ "tls-key-file", nullptr },
	{ "tls-verify-hostname", nullptr },
};

/* {{ lines }} */

static enum err set(struct radius_settings *s, const char *word, char *value, struct wordfile_why *why)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i].word, word) != 0)
			continue;
		if (words[i].set == nullptr)
			return ERR_OK;
		return value[0] != '\0' ? words[i].set(s, value, why)
					: wordfile_complain(why, ERR_SYNTAX, "%.40s: expected a value", word);
	}
	return wordfile_complain(why, ERR_SYNTAX, "%.40s is not known", word);
}

enum err radius_file_parse(struct radius_settings *s, char *text, struct wordfile_why *why)
{
	*s = (struct radius_settings){ .timeout_s = 10, .tries = 3, .dead_s = 60, .needs_signature = true };
	*why = (struct wordfile_why){};
	char *rest = text, *value;
	for (const char *word; (word = wordfile_next(&rest, &value, why)) != nullptr;)
		TRY(set(s, word, value, why));
	return ERR_OK;
}

/* {{ secrets }} */

static bool is_host(const char *name, size_t len, const char *host)
{
	if (len >= 2 && name[0] == '[' && name[len - 1] == ']') {
		name++;
		len -= 2;
	}
	return strlen(host) == len && strncasecmp(name, host, len) == 0;
}

/* "name/server" stands for either. */
static bool names_host(const char *names, const char *host)
{
	for (const char *at = names; *at != '\0';) {
		size_t len = strcspn(at, "/");
		if (is_host(at, len, host))
			return true;
		at += len + (at[len] == '/');
	}
	return false;
}

static enum err take_secret(struct radius_settings *s, const char *names, char *secret,
			    struct wordfile_why *why)
{
	char *end = secret + strcspn(secret, blanks), *more = end + strspn(end, blanks);
	if (*secret == '\0' || (*more != '\0' && *more != '#'))
		return wordfile_complain(why, ERR_SYNTAX, "expected a server and its secret");
	*end = '\0';
	for (size_t role = 0; role < ARRAY_LEN(s->of); role++)
		for (size_t i = 0; i < s->of[role].n; i++) {
			struct radius_server *to = &s->of[role].v[i];
			if (to->secret[0] == '\0' && names_host(names, to->host))
				TRY(wordfile_text(to->secret, sizeof to->secret, secret, why));
		}
	return ERR_OK;
}

enum err radius_file_secrets(struct radius_settings *s, char *text, struct wordfile_why *why)
{
	*why = (struct wordfile_why){};
	const size_t len = strlen(text);
	char *rest = text, *value;
	enum err e = ERR_OK;
	for (const char *names; e == ERR_OK && (names = wordfile_next(&rest, &value, why)) != nullptr;)
		e = take_secret(s, names, value, why);
	explicit_bzero(text, len);
	return e;
}

enum err radius_file_check(const struct radius_settings *s, struct wordfile_why *why)
{
	*why = (struct wordfile_why){};
	if (s->of[RADIUS_AUTH].n == 0)
		return wordfile_complain(why, ERR_CONFIG, "no authserver is set");
	for (size_t role = 0; role < ARRAY_LEN(s->of); role++)
		for (size_t i = 0; i < s->of[role].n; i++)
			if (s->of[role].v[i].secret[0] == '\0')
				return wordfile_complain(why, ERR_CONFIG,
							 "there is no secret for server %.100s",
							 s->of[role].v[i].host);
	return ERR_OK;
}
