/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/expand.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"

static bool is_unreserved(uint8_t c)
{
	return c < 0x80 && (isalnum(c) || (c != '\0' && strchr("-._~", c) != nullptr));
}

static void put_name(struct writer *w, const char *name, enum expand_as as)
{
	for (; name != nullptr && *name != '\0'; name++) {
		uint8_t c = (uint8_t)*name;
		if (as == EXPAND_URL && !is_unreserved(c))
			writer_fmt(w, "%%%02X", c);
		else
			writer_u8(w, c >= 0x20 && c < 0x7f ? c : '?');
	}
}

enum err expand(char *out, size_t cap, const char *text, const char *user, const char *group,
		enum expand_as as)
{
	struct writer w = writer_of(out, cap);
	while (*text != '\0') {
		if (strncmp(text, "%{U}", 4) == 0 || strncmp(text, "%{G}", 4) == 0) {
			put_name(&w, text[2] == 'U' ? user : group, as);
			text += 4;
		} else {
			writer_u8(&w, (uint8_t)*text++);
		}
	}
	writer_u8(&w, '\0');
	if (writer_ok(&w))
		return ERR_OK;
	out[0] = '\0';
	return ERR_RANGE;
}

bool expand_is_needed(const char *text)
{
	return strstr(text, "%{U}") != nullptr || strstr(text, "%{G}") != nullptr;
}
