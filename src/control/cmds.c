/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/cmds.h"

#include <string.h>

#include "control/ask.h"
#include "control/guards.h"

static const struct cmd table[] = {
#define CMD(words, arg, right, start, view, help) { words, arg, right, start, view, help },
#include "control/cmds.def"
#undef CMD
};
constexpr size_t TABLE_N = ARRAY_LEN(table);
constexpr size_t WORDS_MAX = 4; /* of a command, without its argument */

/* What is left of the table after each word. */
struct choice {
	bool in[TABLE_N];
	size_t n;
};

static size_t words_of(const struct cmd *c)
{
	size_t n = 1;
	for (const char *p = c->words; (p = strchr(p, ' ')) != nullptr; p++)
		n++;
	return n;
}

static size_t args_of(const struct cmd *c)
{
	return *c->arg == '\0' ? 0 : strchr(c->arg, ' ') == nullptr ? 1 : 2;
}

/* Word i of a command and its length; "" if it has fewer. */
static const char *word_at(const struct cmd *c, size_t i, size_t *len)
{
	const char *w = c->words;
	for (; i > 0 && w != nullptr; i--) {
		w = strchr(w, ' ');
		w = w == nullptr ? nullptr : w + 1;
	}
	*len = w == nullptr ? 0 : strcspn(w, " ");
	return w == nullptr ? "" : w;
}

static bool fits(const struct cmd *c, size_t i, const char *typed, bool whole)
{
	size_t len;
	const char *w = word_at(c, i, &len);
	size_t typed_len = strlen(typed);
	return (whole ? typed_len == len : typed_len <= len) && strncmp(w, typed, typed_len) == 0;
}

static bool any_whole(const struct choice *ch, size_t i, const char *typed)
{
	for (size_t t = 0; t < TABLE_N; t++)
		if (ch->in[t] && fits(&table[t], i, typed, true))
			return true;
	return false;
}

/* Keep the commands whose word i begins with what was typed; a word typed in full beats all longer ones. */
static void narrow(struct choice *ch, size_t i, const char *typed)
{
	bool whole = any_whole(ch, i, typed);
	for (size_t t = 0; t < TABLE_N; t++) {
		if (!ch->in[t] || words_of(&table[t]) <= i || fits(&table[t], i, typed, whole))
			continue;
		ch->in[t] = false;
		ch->n--;
	}
}

static struct choice choose(const struct request *r)
{
	struct choice ch = { .n = TABLE_N };
	memset(ch.in, true, sizeof ch.in);
	for (size_t i = 0; i < r->words_n && i < WORDS_MAX; i++)
		narrow(&ch, i, r->words[i]);
	return ch;
}

/* The only one left that has all its words and as many arguments as were typed; nullptr if none or several. */
static const struct cmd *only_fit(const struct choice *ch, const struct request *r)
{
	const struct cmd *found = nullptr;
	for (size_t t = 0; t < TABLE_N; t++) {
		if (!ch->in[t] || words_of(&table[t]) + args_of(&table[t]) != r->words_n)
			continue;
		if (found != nullptr)
			return nullptr;
		found = &table[t];
	}
	return found;
}

static void put_typed(struct writer *w, const struct request *r)
{
	for (size_t i = 0; i < r->words_n; i++)
		writer_fmt(w, "%s%s", i == 0 ? "" : " ", r->words[i]);
}

static void put_choice(struct writer *w, const struct choice *ch)
{
	const char *sep = "";
	for (size_t t = 0; t < TABLE_N; t++) {
		if (!ch->in[t])
			continue;
		writer_fmt(w, "%s%s%s%s", sep, table[t].words, args_of(&table[t]) > 0 ? " " : "",
			   table[t].arg);
		sep = ", ";
	}
}

static enum err explain(const struct choice *ch, const struct request *r, struct writer *why)
{
	if (ch->n == 0) {
		writer_str(why, "unknown command '");
		put_typed(why, r);
		writer_str(why, "'; 'help' lists the commands");
		return ERR_NOTFOUND;
	}
	writer_str(why, "'");
	put_typed(why, r);
	writer_str(why, ch->n == 1 ? "': the command is " : "' may be ");
	put_choice(why, ch);
	return ch->n == 1 ? ERR_SYNTAX : ERR_BUSY;
}

enum err cmds_find(const struct request *r, const struct cmd **cmd, const char **arg, struct writer *why)
{
	struct choice ch = choose(r);
	const struct cmd *found = only_fit(&ch, r);
	if (found == nullptr)
		return explain(&ch, r, why);
	*cmd = found;
	*arg = args_of(found) > 0 ? r->words[words_of(found)] : nullptr;
	return ERR_OK;
}

json_t *cmds_help(void)
{
	json_t *list = json_array();
	for (size_t t = 0; t < TABLE_N; t++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "command", table[t].words, "arg",
						      table[t].arg, "help", table[t].help));
	return list;
}
