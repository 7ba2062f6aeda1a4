/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/name.h"

#include <string.h>

bool name_fits(const struct session *s, const char *text)
{
	char name[ENCODE_BASE64_LEN(SESSION_HASH_LEN)];
	size_t len, typed = strlen(text);
	return encode_to_base64(s->cookie_hash, SESSION_HASH_LEN, name, sizeof name, &len) == ERR_OK &&
	       typed <= len && memcmp(name, text, typed) == 0;
}

enum err name_find(const struct sessions *a, const char *text, const struct session **out)
{
	const struct session *found = nullptr;
	if (strlen(text) < NAME_LEAST)
		return ERR_NOTFOUND;
	for (const struct session *s = a->by_cookie; s != nullptr; s = s->hh.next) {
		if (s->state == SESSION_ENDING || !name_fits(s, text))
			continue;
		if (found != nullptr)
			return ERR_BUSY;
		found = s;
	}
	if (found == nullptr)
		return ERR_NOTFOUND;
	*out = found;
	return ERR_OK;
}
