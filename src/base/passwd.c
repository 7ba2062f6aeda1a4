/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/passwd.h"

#include <string.h>

bool span_is(struct span s, const char *text)
{
	return strlen(text) == s.len && memcmp(s.p, text, s.len) == 0;
}

/* Cut what stands before sep from the front of *s; the rest is empty if there is no sep. */
static struct span cut(struct span *s, char sep, bool *found)
{
	const char *at = s->len > 0 ? memchr(s->p, sep, s->len) : nullptr;
	*found = at != nullptr;
	size_t len = at != nullptr ? (size_t)(at - s->p) : s->len;
	struct span head = span_of(s->p, len);
	size_t step = len + (at != nullptr);
	*s = span_of(step > 0 ? s->p + step : s->p, s->len - step);
	return head;
}

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool has(struct span s, char c)
{
	return s.len > 0 && memchr(s.p, c, s.len) != nullptr;
}

const char *passwd_user_problem(struct span user)
{
	if (user.len == 0)
		return "the user name is empty";
	if (user.len > PASSWD_NAME_MAX)
		return "the user name is longer than 255 bytes";
	if (has_control(user))
		return "the user name has a control character";
	if (has(user, ':'))
		return "the user name has a ':'";
	if (user.p[0] == '#')
		return "the user name begins with '#'";
	return nullptr;
}

const char *passwd_groups_problem(struct span groups)
{
	if (has_control(groups))
		return "a group name has a control character";
	if (has(groups, ':'))
		return "a group name has a ':'";
	struct span group;
	while (passwd_next_group(&groups, &group))
		if (group.len > PASSWD_NAME_MAX)
			return "a group name is longer than 255 bytes";
	return nullptr;
}

bool passwd_next_group(struct span *left, struct span *group)
{
	bool more = true;
	while (more) {
		struct span one = cut(left, ',', &more);
		if (one.len > 1) {
			*group = one;
			return true;
		}
	}
	return false;
}

static const char *hash_problem(struct span hash)
{
	for (size_t i = 0; i < hash.len; i++)
		if ((uint8_t)hash.p[i] <= ' ' || (uint8_t)hash.p[i] >= 0x7f)
			return "the password hash has a space or a character outside of ASCII";
	return nullptr;
}

static const char *split(struct passwd_line *l)
{
	if (l->text.len > PASSWD_LINE_MAX)
		return "the line is too long";
	if (has_control(l->text))
		return "a control character (does the file have DOS line ends?)";
	struct span left = l->text;
	bool first, second;
	l->user = cut(&left, ':', &first);
	l->groups = cut(&left, ':', &second);
	if (!first || !second)
		return "not of the form user:group:hash";
	if (has(left, ':'))
		return "more than three fields";
	if (left.len == 0)
		return "no password hash";
	l->locked = left.p[0] == '!' || left.p[0] == '*';
	l->hash = left.p[0] == '!' ? span_of(left.p + 1, left.len - 1) : left;
	const char *problem = passwd_user_problem(l->user);
	problem = problem != nullptr ? problem : passwd_groups_problem(l->groups);
	return problem != nullptr ? problem : hash_problem(l->hash);
}

bool passwd_next(struct passwd_reader *r, struct passwd_line *out)
{
	if (r->left.len == 0)
		return false;
	bool found;
	struct passwd_line line = { .number = ++r->number };
	line.text = cut(&r->left, '\n', &found);
	if (line.text.len == 0 || line.text.p[0] == '#') {
		line.kind = PASSWD_BLANK;
	} else {
		line.problem = split(&line);
		line.kind = line.problem == nullptr ? PASSWD_ENTRY : PASSWD_BAD;
	}
	*out = line;
	return true;
}
