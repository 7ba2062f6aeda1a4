/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: directory_file_parse; directory_text_filter, directory_text_group, directory_facts_add.
 *
 * The first byte says what the rest is: a file of configuration, a name that a user typed, a value of a directory.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/directory_facts.h"
#include "auth/directory_text.h"
#include "auth/fact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_file(char *text)
{
	struct directory_settings s;
	struct wordfile_why why;
	const size_t len = strlen(text);
	enum err e = directory_file_parse(&s, text, &why);
	for (size_t i = 0; i < len; i++)
		assert(text[i] == '\0');
	if (e != ERR_OK)
		return;
	assert(s.servers_n > 0 && s.servers_n <= DIRECTORY_SERVERS_MAX && s.base[0] != '\0');
	for (size_t i = 0; i < s.servers_n; i++)
		assert(s.servers[i].host[0] != '\0');
	assert(strstr(s.filter, "%u") != nullptr);
}

/* Whatever the name is, the filter has the brackets and stars of the configuration and no more. */
static void put_name(const char *name)
{
	static const char filter[] = "(&(objectClass=*)(|(uid=%u)(member=%d)))";
	char out[8192];
	size_t brackets = 0, stars = 0;
	if (directory_text_filter(out, sizeof out, filter, name, name) != ERR_OK)
		return;
	for (const char *at = out; *at != '\0'; at++) {
		brackets += *at == '(' || *at == ')';
		stars += *at == '*';
		assert((unsigned char)*at >= ' ' && (unsigned char)*at < 0x7f);
	}
	assert(brackets == 10 && stars == 1);
}

static void read_value(const char *value, size_t len)
{
	Msg__Facts *f = fact_new();
	if (f == nullptr)
		return;
	for (unsigned i = 0; i < DIRECTORY_FACT_N; i++)
		if (directory_facts_add(f, (enum directory_fact)i, value, len) != ERR_OK)
			continue;
	if (directory_facts_add_group(f, value, len) == ERR_OK)
		assert(f->n_groups == 1 && directory_text_is_name(f->groups[0]));
	assert(f->ipv4.len == 0 || f->ipv4.len == 4);
	assert(f->ipv6.len == 0 || f->ipv6.len == 16);
	msg__facts__free_unpacked(f, nullptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	/* an exact copy, so that a sanitizer sees each byte too many */
	char *text = malloc(size);
	if (text == nullptr)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] == 'f')
		read_file(text);
	else if (data[0] == 'n')
		put_name(text);
	else
		read_value(text, size - 1);
	free(text);
	return 0;
}
