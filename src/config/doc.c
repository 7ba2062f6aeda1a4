/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doc - the reference of options, as Markdown and as a man page, from options.def */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/value.h"

/* The rows in the order of options.def, with the headings between them. */
static const struct doc_row {
	const char *heading; /* nullptr: an option */
	enum config_option_id id;
} rows[] = {
#define HEADING(text) { .heading = text },
#define OPT_G(field, ...) { .id = OPTION_##field },
#define OPT_V(field, ...) { .id = OPTION_##field },
#define OPT_U(field, ...) { .id = OPTION_##field },
#define OPT_ONLY_U(field, ...) { .id = OPTION_##field },
#include "config/options.def"
};

static const char *scope_text(enum config_scope s)
{
	switch (s) {
	case SCOPE_G: return "global";
	case SCOPE_V: return "vhost";
	case SCOPE_U: return "vhost, user";
	case SCOPE_ONLY_U: return "user only";
	}
	assert(false);
}

static const char *reload_text(enum config_reload r)
{
	switch (r) {
	case RELOAD_LIVE: return "at once";
	case RELOAD_NEW_SESSIONS: return "new sessions";
	case RELOAD_RESTART: return "restart";
	}
	assert(false);
}

static const char *state_text(enum config_state s)
{
	switch (s) {
	case STATE_DONE: return "";
	case STATE_PLANNED: return "Not implemented yet, has no effect. ";
	case STATE_OBSOLETE: return "Accepted for compatibility, has no effect. ";
	case STATE_ALIAS: break;
	}
	assert(false);
}

/* "number 576 to 9000", "one of ssl, new-tunnel", "list of networks" */
static void print_type(FILE *out, const struct config_option *o)
{
	fputs(config_value_type_name(o), out);
	if (o->type == TYPE_U32 && (o->min != 0 || o->max != UINT32_MAX))
		fprintf(out, " %u to %u", o->min, o->max);
	const char *lead = ": ";
	for (const struct config_word *w = config_words; w->key != nullptr; w++) {
		if (strcmp(w->key, o->key) != 0)
			continue;
		fprintf(out, "%s%s", lead, w->word);
		lead = ", ";
	}
}

static const char *default_text(const struct config_option *o)
{
	return o->dflt != nullptr ? o->dflt : "unset";
}

/* --- Markdown */

static void print_md(FILE *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '|' || *s == '<' || *s == '>' || *s == '*')
			fputc('\\', out);
		fputc(*s, out);
	}
}

static void print_md_option(FILE *out, const struct config_option *o)
{
	fprintf(out, "| `%s` | ", o->key);
	print_type(out, o);
	fprintf(out, " | %s%s%s | %s | %s | %s", o->dflt != nullptr ? "`" : "", default_text(o),
		o->dflt != nullptr ? "`" : "", scope_text(o->scope), reload_text(o->reload),
		state_text(o->state));
	print_md(out, o->help);
	fputs(" |\n", out);
}

static void print_md_old(FILE *out)
{
	fputs("\n## Old names\n\n"
	      "Accepted with a warning.\n\n| name | what to do |\n|---|---|\n",
	      out);
	for (const struct config_alias *a = config_aliases; a->old != nullptr; a++)
		fprintf(out, "| `%s` | write `%s`%s |\n", a->old, config_options[a->id].key,
			a->is_inverse ? " with the opposite value" : "");
	for (const struct config_obsolete *o = config_obsoletes; o->key != nullptr; o++)
		fprintf(out, "| `%s` | has no effect: %s |\n", o->key, o->advice);
}

void config_print_markdown(FILE *out)
{
	fputs("# Options of ocserv.conf\n\n"
	      "<!-- Generated from src/config/options.def by tools/options-doc: change that file, not this one. -->\n\n"
	      "One `option = value` a line. A `#` at the start of a line or after white space begins a comment. A value may\n"
	      "stand in double quotes, and then may hold a `#`. `[vhost:NAME]` begins the section of a virtual host, chosen by\n"
	      "the server name a client asks for; it inherits what it does not set. `ocserv-modern -t -c FILE` tells all\n"
	      "mistakes at once.\n\n"
	      "*Where*: global: above the first section only; vhost: also in `[vhost:NAME]`; user: also in files of users and\n"
	      "groups. *Reload*: when a change takes effect after SIGHUP or `occtl reload`.\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].heading == nullptr)
			print_md_option(out, &config_options[rows[i].id]);
		else
			fprintf(out,
				"\n## %s\n\n| option | value | default | where | reload | meaning |\n"
				"|---|---|---|---|---|---|\n",
				rows[i].heading);
	}
	print_md_old(out);
}

/* --- man */

static void print_roff(FILE *out, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", out);
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			fputs("\\e", out);
		else if (*s == '-')
			fputs("\\-", out);
		else if (strncmp(s, "…", strlen("…")) == 0) {
			fputs("...", out);
			s += strlen("…") - 1;
		} else
			fputc(*s, out);
	}
}

static void print_man_option(FILE *out, const struct config_option *o)
{
	fputs(".TP\n.B ", out);
	print_roff(out, o->key);
	fputs("\n", out);
	print_roff(out, state_text(o->state));
	print_roff(out, o->help);
	fputs("\n.br\n(", out);
	print_type(out, o);
	fputs("; default: ", out);
	print_roff(out, default_text(o));
	fprintf(out, "; %s; reload: %s)\n", scope_text(o->scope), reload_text(o->reload));
}

static void print_man_old(FILE *out)
{
	fputs(".SH OLD NAMES\nAccepted with a warning.\n", out);
	for (const struct config_alias *a = config_aliases; a->old != nullptr; a++) {
		fputs(".TP\n.B ", out);
		print_roff(out, a->old);
		fputs("\nWrite ", out);
		print_roff(out, config_options[a->id].key);
		fputs(a->is_inverse ? " with the opposite value.\n" : ".\n", out);
	}
	for (const struct config_obsolete *o = config_obsoletes; o->key != nullptr; o++) {
		fputs(".TP\n.B ", out);
		print_roff(out, o->key);
		fputs("\nHas no effect: ", out);
		print_roff(out, o->advice);
		fputs(".\n", out);
	}
}

static void print_man_heading(FILE *out, const char *heading)
{
	fputs(".SH ", out);
	for (const char *s = heading; *s != '\0'; s++)
		fputc(toupper((unsigned char)*s), out);
	fputc('\n', out);
}

void config_print_man(FILE *out)
{
	fputs(".\\\" Generated from src/config/options.def by tools/options-doc: change that file, not this one.\n"
	      ".TH OCSERV.CONF 5 \"\" ocserv\\-modern\n"
	      ".SH NAME\nocserv.conf \\- configuration of the SSL VPN server ocserv\\-modern\n"
	      ".SH DESCRIPTION\n"
	      "One \"option = value\" a line.\n"
	      "A # at the start of a line or after white space begins a comment.\n"
	      "A value may stand in double quotes, and then may hold a #.\n"
	      "[vhost:NAME] begins the section of a virtual host, chosen by the server name a client asks for; it inherits\n"
	      "what it does not set.\n"
	      ".B ocserv\\-modern \\-t \\-c FILE\ntells all mistakes at once.\n"
	      ".PP\n"
	      "In brackets behind each option: its value; its default; where it may stand (global: above the first section;\n"
	      "vhost: also in a section; user: also in files of users and groups); and when a change takes effect after\n"
	      "SIGHUP or\n.BR \"occtl reload\" .\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].heading != nullptr)
			print_man_heading(out, rows[i].heading);
		else
			print_man_option(out, &config_options[rows[i].id]);
	}
	print_man_old(out);
	fputs(".SH SEE ALSO\n.BR occtl (8),\n.BR ocpasswd (8)\n", out);
}
