/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/directory_file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/directory_text.h"

/* {{ servers: scheme://host, scheme://host:port; several on a line */

static const struct {
	const char *prefix;
	enum directory_scheme scheme;
	uint16_t port;
} schemes[] = {
	{ "ldap://", DIRECTORY_LDAP, 389 },
	{ "ldaps://", DIRECTORY_LDAPS, 636 },
	{ "ldapi://", DIRECTORY_LDAPI, 0 },
};

/* Letters of host names, addresses and encoded paths. */
static bool is_host(const char *text, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]%";
	return strspn(text, letters) >= len;
}

static enum err set_host(struct directory_server *s, const char *text, struct wordfile_why *why)
{
	size_t len = text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
	uint32_t port = s->port;
	if (len == 0 || len > strlen(text) || len >= sizeof s->host || !is_host(text, len))
		return wordfile_complain(why, ERR_SYNTAX, "expected a host or an address behind ://");
	memcpy(s->host, text, len);
	s->host[len] = '\0';
	if (text[len] == ':')
		TRY(wordfile_number(text + len + 1, 1, UINT16_MAX, &port, why));
	else if (text[len] != '\0')
		return wordfile_complain(why, ERR_SYNTAX, "expected scheme://host:port and no more");
	s->port = (uint16_t)port;
	return ERR_OK;
}

static enum err set_socket(struct directory_server *s, const char *text, struct wordfile_why *why)
{
	if (text[0] == '\0' || !is_host(text, strlen(text)))
		return wordfile_complain(why, ERR_SYNTAX,
					 "expected a socket with %%2F for /, as in ldapi://%%2Frun%%2Fldapi");
	return wordfile_text(s->host, sizeof s->host, text, why);
}

static enum err add_server(struct directory_settings *s, char *text, struct wordfile_why *why)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t len = strlen(schemes[i].prefix), n = strlen(text);
		if (strncasecmp(text, schemes[i].prefix, len) != 0)
			continue;
		if (s->servers_n == DIRECTORY_SERVERS_MAX)
			return wordfile_complain(why, ERR_FULL, "more than %zu servers",
						 DIRECTORY_SERVERS_MAX);
		if (text[n - 1] == '/' && n > len)
			text[n - 1] = '\0';
		struct directory_server one = { .scheme = schemes[i].scheme, .port = schemes[i].port };
		TRY((one.scheme == DIRECTORY_LDAPI ? set_socket : set_host)(&one, text + len, why));
		s->servers[s->servers_n++] = one;
		return ERR_OK;
	}
	return wordfile_complain(why, ERR_SYNTAX, "expected ldap://, ldaps:// or ldapi://");
}

static enum err set_uri(struct directory_settings *s, char *value, struct wordfile_why *why)
{
	char *rest = value;
	for (char *one; (one = strsep(&rest, " \t,")) != nullptr;)
		if (*one != '\0')
			TRY(add_server(s, one, why));
	return ERR_OK;
}

/* {{ words of the file */

typedef enum err set_word(struct directory_settings *s, char *value, struct wordfile_why *why);

static enum err set_starttls(struct directory_settings *s, char *value, struct wordfile_why *why)
{
	return wordfile_flag(value, &s->starttls, why);
}
static enum err set_scope(struct directory_settings *s, char *value, struct wordfile_why *why)
{
	static const char *const words[] = { "sub", "one", "base" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], value) == 0) {
			s->scope = (enum directory_scope)i;
			return ERR_OK;
		}
	return wordfile_complain(why, ERR_SYNTAX, "expected sub, one or base");
}
static enum err set_filter(struct directory_settings *s, char *value, struct wordfile_why *why)
{
	TRY(directory_text_check(value, true, why));
	return wordfile_text(s->filter, sizeof s->filter, value, why);
}
static enum err set_group_filter(struct directory_settings *s, char *value, struct wordfile_why *why)
{
	TRY(directory_text_check(value, false, why));
	return wordfile_text(s->groups.filter, sizeof s->groups.filter, value, why);
}
static enum err add_allowed(struct directory_settings *s, char *value, struct wordfile_why *why)
{
	if (s->groups.allowed_n == DIRECTORY_ALLOWED_MAX)
		return wordfile_complain(why, ERR_FULL, "more than %zu groups", DIRECTORY_ALLOWED_MAX);
	return wordfile_text(s->groups.allowed[s->groups.allowed_n++], DIRECTORY_NAME_MAX, value, why);
}
static enum err set_timeout(struct directory_settings *s, char *value, struct wordfile_why *why)
{
	return wordfile_number(value, 1, 40, &s->timeout_s, why);
}
static enum err set_dead(struct directory_settings *s, char *value, struct wordfile_why *why)
{
	return wordfile_number(value, 0, 86'400, &s->dead_s, why);
}

/* Letters, digits and hyphens, or numbers with dots, and options behind semicolons: RFC 4512, 2.5. */
static enum err check_attribute(const char *text, struct wordfile_why *why)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;";
	return text[strspn(text, letters)] == '\0'
		       ? ERR_OK
		       : wordfile_complain(why, ERR_SYNTAX, "expected the name of an attribute");
}

/* Texts that are only copied: where to. */
#define TEXT(word, member, is_attribute)                     \
	{ word, offsetof(struct directory_settings, member), \
	  sizeof(((struct directory_settings *)nullptr)->member), is_attribute }
static const struct {
	const char *word;
	size_t at, cap;
	bool is_attribute;
} texts[] = {
	TEXT("ca-file", ca_file, false),
	TEXT("bind-dn", bind_dn, false),
	TEXT("bind-password", bind_password, false),
	TEXT("bind-password-file", bind_password_file, false),
	TEXT("base", base, false),
	TEXT("name-attribute", name_attribute, true),
	TEXT("group-attribute", groups.attribute, true),
	TEXT("group-base", groups.base, false),
	TEXT("group-name-attribute", groups.name_attribute, true),
	TEXT("ipv4-attribute", facts[DIRECTORY_IPV4], true),
	TEXT("ipv6-attribute", facts[DIRECTORY_IPV6], true),
	TEXT("route-attribute", facts[DIRECTORY_ROUTE], true),
	TEXT("dns-attribute", facts[DIRECTORY_DNS], true),
	TEXT("session-timeout-attribute", facts[DIRECTORY_SESSION_TIMEOUT], true),
	TEXT("idle-timeout-attribute", facts[DIRECTORY_IDLE_TIMEOUT], true),
};

static const struct {
	const char *word;
	set_word *set;
} words[] = {
	{ "uri", set_uri },
	{ "starttls", set_starttls },
	{ "scope", set_scope },
	{ "filter", set_filter },
	{ "group-filter", set_group_filter },
	{ "allow-group", add_allowed },
	{ "timeout", set_timeout },
	{ "deadtime", set_dead },
};

static enum err set(struct directory_settings *s, const char *word, char *value, struct wordfile_why *why)
{
	if (value[0] == '\0')
		return wordfile_complain(why, ERR_SYNTAX, "%.40s: expected a value", word);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(texts[i].word, word) != 0)
			continue;
		if (texts[i].is_attribute)
			TRY(check_attribute(value, why));
		return wordfile_text((char *)s + texts[i].at, texts[i].cap, value, why);
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].set(s, value, why);
	return wordfile_complain(why, ERR_SYNTAX, "%.40s is not known", word);
}

/* {{ the whole */

static enum err check(const struct directory_settings *s, struct wordfile_why *why)
{
	const struct directory_groups *g = &s->groups;
	bool has_password = s->bind_password[0] != '\0' || s->bind_password_file[0] != '\0';
	if (s->servers_n == 0)
		return wordfile_complain(why, ERR_CONFIG, "no uri is set");
	if (s->base[0] == '\0')
		return wordfile_complain(why, ERR_CONFIG, "no base is set; it says where users are searched");
	if ((s->bind_dn[0] != '\0') != has_password)
		return wordfile_complain(
			why, ERR_CONFIG,
			"bind-dn and one of bind-password, bind-password-file belong together");
	if (s->bind_password[0] != '\0' && s->bind_password_file[0] != '\0')
		return wordfile_complain(why, ERR_CONFIG, "bind-password and bind-password-file: remove one");
	if ((g->base[0] != '\0') != (g->filter[0] != '\0'))
		return wordfile_complain(why, ERR_CONFIG, "group-base and group-filter belong together");
	if (g->allowed_n > 0 && g->attribute[0] == '\0' && g->base[0] == '\0')
		return wordfile_complain(why, ERR_CONFIG,
					 "allow-group needs group-attribute, or group-base and group-filter");
	return ERR_OK;
}

static enum err parse(struct directory_settings *s, char *text, struct wordfile_why *why)
{
	char *rest = text, *value;
	for (const char *word; (word = wordfile_next(&rest, &value, why)) != nullptr;)
		TRY(set(s, word, value, why));
	return check(s, why);
}

enum err directory_file_parse(struct directory_settings *s, char *text, struct wordfile_why *why)
{
	const size_t len = strlen(text);
	*s = (struct directory_settings){ .starttls = true,
					  .ca_file = "/etc/ssl/certs/ca-certificates.crt",
					  .filter = "(uid=%u)",
					  .name_attribute = "uid",
					  .groups = { .name_attribute = "cn" },
					  .timeout_s = 5,
					  .dead_s = 60 };
	*why = (struct wordfile_why){};
	enum err e = parse(s, text, why);
	explicit_bzero(text, len);
	return e;
}

enum err directory_file_password(struct directory_settings *s, char *text, struct wordfile_why *why)
{
	const size_t len = strlen(text);
	*why = (struct wordfile_why){ .line = 1 };
	text[strcspn(text, "\r\n")] = '\0';
	enum err e = text[0] != '\0' ? wordfile_text(s->bind_password, sizeof s->bind_password, text, why)
				     : wordfile_complain(why, ERR_SYNTAX, "expected a password");
	explicit_bzero(text, len);
	return e;
}
