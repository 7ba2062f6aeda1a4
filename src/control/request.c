/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/request.h"

#include <jansson.h>
#include <string.h>

static enum err take_word(struct request *r, const json_t *word)
{
	if (!json_is_string(word) || json_string_length(word) == 0)
		return ERR_SYNTAX;
	size_t len = json_string_length(word);
	if (len > REQUEST_WORD_MAX || r->words_n == REQUEST_WORDS_MAX)
		return ERR_RANGE;
	memcpy(r->words[r->words_n++], json_string_value(word), len + 1);
	return ERR_OK;
}

static enum err take_words(struct request *r, const json_t *cmd)
{
	if (!json_is_array(cmd) || json_array_size(cmd) == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < json_array_size(cmd); i++)
		TRY(take_word(r, json_array_get(cmd, i)));
	return ERR_OK;
}

static enum err take_object(struct request *r, const json_t *object)
{
	const json_t *version = json_object_get(object, "v");
	if (!json_is_integer(version))
		return ERR_SYNTAX;
	if (json_integer_value(version) != REQUEST_VERSION)
		return ERR_UNSUPPORTED;
	/* unknown is refused: "cmd" and "v" are all there is */
	if (json_object_size(object) != 2)
		return ERR_SYNTAX;
	return take_words(r, json_object_get(object, "cmd"));
}

enum err request_parse(struct request *out, const char *line, size_t len)
{
	if (len > REQUEST_LEN_MAX)
		return ERR_RANGE;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, nullptr);
	if (object == nullptr)
		return ERR_SYNTAX;
	struct request r = {};
	enum err e = take_object(&r, object);
	json_decref(object);
	if (e == ERR_OK)
		*out = r;
	return e;
}
