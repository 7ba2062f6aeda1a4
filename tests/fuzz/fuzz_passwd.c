/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_passwd - passwd_next, passwd_next_group, passwd_user_problem, auth_plain_load_text */
#include <stdlib.h>
#include <string.h>

#include "base/passwd.h"
#include "keeper/auth_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(const struct passwd_line *l, const char *text, size_t size)
{
	assert(l->hash.p >= text && l->hash.p + l->hash.len <= text + size);
	assert(l->hash.p + l->hash.len == l->text.p + l->text.len);
	assert(passwd_user_problem(l->user) == nullptr);
	struct span left = l->groups, group;
	while (passwd_next_group(&left, &group))
		assert(group.len > 1 && memchr(group.p, ',', group.len) == nullptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct passwd_reader r = passwd_reader_of(text, size);
	struct passwd_line l;
	size_t seen = 0, entries = 0;
	while (passwd_next(&r, &l)) {
		seen += l.text.len + 1;
		assert(memchr(l.text.p, '\n', l.text.len) == nullptr);
		assert((l.kind == PASSWD_BAD) == (l.problem != nullptr));
		if (l.kind != PASSWD_ENTRY)
			continue;
		entries++;
		check_entry(&l, text, size);
	}
	assert(seen == size || seen == size + 1); /* the last line may lack its end */
	struct auth_plain *p;
	if (auth_plain_new(&p, "fuzz") != ERR_OK)
		return 0;
	if (auth_plain_load_text(p, text, size, nullptr, nullptr) == ERR_OK)
		assert(auth_plain_users(p) <= entries);
	auth_plain_free(p);
	return 0;
}
