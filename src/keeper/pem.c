/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/pem.h"

#include <string.h>

static const char begin[] = "-----BEGIN ";
static const char dashes[] = "-----";

/* Where text stands in s; nullptr if nowhere. */
static const char *find(struct span s, const char *text)
{
	return s.len > 0 ? memmem(s.p, s.len, text, strlen(text)) : nullptr;
}

static struct span from(struct span s, const char *at)
{
	return span_of(at, s.len - (size_t)(at - s.p));
}

/* "-----END label-----" that closes the block: its begin in *at, what follows in *rest */
static bool find_end(struct span s, struct span label, const char **at, struct span *rest)
{
	static const char end[] = "-----END ";
	const char *p = find(s, end);
	if (p == nullptr)
		return false;
	*at = p;
	s = from(s, p + strlen(end));
	if (s.len < label.len + strlen(dashes) || memcmp(s.p, label.p, label.len) != 0 ||
	    memcmp(s.p + label.len, dashes, strlen(dashes)) != 0)
		return false;
	*rest = from(s, s.p + label.len + strlen(dashes));
	return true;
}

static bool take(struct span s, const char *start, struct span *left, struct pem_block *out)
{
	s = from(s, start + strlen(begin));
	const char *label_end = find(s, dashes);
	if (label_end == nullptr)
		return false;
	out->label = span_of(s.p, (size_t)(label_end - s.p));
	if (memchr(out->label.p, '\n', out->label.len) != nullptr)
		return false;
	s = from(s, label_end + strlen(dashes));
	const char *end;
	if (!find_end(s, out->label, &end, left))
		return false;
	out->body = span_of(s.p, (size_t)(end - s.p));
	out->whole = span_of(start, (size_t)(left->p - start));
	return true;
}

bool pem_next(struct span *left, struct pem_block *out)
{
	const char *start;
	while ((start = find(*left, begin)) != nullptr) {
		if (take(*left, start, left, out))
			return true;
		*left = from(*left, start + strlen(begin));
	}
	return false;
}
