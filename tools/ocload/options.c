/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum kind : uint8_t { KIND_TEXT = 1, KIND_FLAG, KIND_NUMBER, KIND_RATE, KIND_REAL };

static const struct row {
	const char *name;
	char letter;
	enum kind kind;
	size_t at;
	const char *preset, *arg, *help;
} rows[] = {
#define OPT(name, letter, kind, field, preset, arg, help) \
	{ name, letter, KIND_##kind, offsetof(struct options, field), preset, arg, help },
#include "options.def"
#undef OPT
};

static const struct {
	const char *name, *help;
} modes[MODE_N] = {
	[MODE_LOGINS] = { "logins", "log in, open a tunnel, leave, again and again: logins a second" },
	[MODE_IDLE] = { "idle", "open sessions and hold them" },
	[MODE_UP] = { "up", "packets from the clients to an ocload peer behind the server" },
	[MODE_DOWN] = { "down", "packets from an ocload peer to the clients" },
	[MODE_ECHO] = { "echo", "ICMP echo through the tunnels: latency" },
	[MODE_PEER] = { "peer", "the other end of up and down, on a host behind the server" },
	[MODE_FLOOD] = { "flood", "send to inner addresses without being asked" },
};

const char *options_mode_name(enum mode m)
{
	return modes[m].name;
}

bool options_offers_12(const struct options *o)
{
	return strcmp(o->dtls_version, "1.3") != 0;
}

bool options_offers_13(const struct options *o)
{
	return strcmp(o->dtls_version, "1.2") != 0;
}

static void help_row(FILE *to, const struct row *r)
{
	char left[64];
	snprintf(left, sizeof left, "%s%c%c--%s%s%s", r->letter != 0 ? "-" : " ",
		 r->letter != 0 ? r->letter : ' ', r->letter != 0 ? ' ' : ' ', r->name,
		 r->arg != nullptr ? " " : "", r->arg != nullptr ? r->arg : "");
	fprintf(to, "  %-28s %s", left, r->help);
	if (r->preset != nullptr && r->preset[0] != '-' && strcmp(r->preset, "0") != 0)
		fprintf(to, " (%s)", r->preset);
	fputc('\n', to);
}

void options_help(FILE *to)
{
	fputs("usage: ocload MODE [OPTION...]\n\nModes:\n", to);
	for (size_t i = 1; i < MODE_N; i++)
		fprintf(to, "  %-8s %s\n", modes[i].name, modes[i].help);
	fputs("\nOptions:\n", to);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		help_row(to, &rows[i]);
	fputs("\nNumbers may end in k, M or G. Exit status: 0 done, 1 not done, 2 wrong use, 3 a limit was missed or a packet came\n"
	      "damaged. See ocload(1).\n",
	      to);
}

static enum err set_number(const struct row *r, const char *text, option_number *out)
{
	char *end;
	double v = strtod(text, &end);
	if (end == text || v < 0)
		return ERR_SYNTAX;
	static const char suffixes[] = "kMG";
	const char *suffix = *end != '\0' ? strchr(suffixes, *end) : nullptr;
	if (suffix != nullptr) {
		for (const char *s = suffixes; s <= suffix; s++)
			v *= 1000;
		end++;
	}
	if (*end != '\0' || v > 1e15 || (r->kind == KIND_NUMBER && v > UINT32_MAX))
		return ERR_SYNTAX;
	*out = (option_number)v;
	return ERR_OK;
}

static enum err set_real(const char *text, option_real *out)
{
	char *end;
	double v = strtod(text, &end);
	if (end == text || *end != '\0' || v > 1e9)
		return ERR_SYNTAX;
	*out = v;
	return ERR_OK;
}

static enum err set_row(struct options *o, const struct row *r, const char *text)
{
	void *field = (char *)o + r->at;
	switch (r->kind) {
	case KIND_TEXT: *(option_text *)field = text; return ERR_OK;
	case KIND_FLAG: *(option_flag *)field = true; return ERR_OK;
	case KIND_NUMBER:
	case KIND_RATE: return set_number(r, text, field);
	case KIND_REAL: return set_real(text, field);
	}
	return ERR_SYNTAX;
}

static bool complain(const char *what, const char *about)
{
	fprintf(stderr, "ocload: %s%s; try ocload --help\n", what, about);
	return false;
}

static bool take_options(struct options *o, int argc, char **argv)
{
	struct option longs[ARRAY_LEN(rows) + 1] = {};
	char shorts[2 * ARRAY_LEN(rows) + 2] = ":";
	size_t at = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool has_arg = rows[i].kind != KIND_FLAG;
		longs[i] = (struct option){ rows[i].name, has_arg ? required_argument : no_argument, nullptr,
					    256 + (int)i };
		if (rows[i].letter == 0)
			continue;
		shorts[at++] = rows[i].letter;
		if (has_arg)
			shorts[at++] = ':';
	}
	for (int c; (c = getopt_long(argc, argv, shorts, longs, nullptr)) != -1;) {
		const struct row *r = c >= 256 ? &rows[c - 256] : nullptr;
		for (size_t i = 0; r == nullptr && i < ARRAY_LEN(rows); i++)
			if (rows[i].letter != 0 && rows[i].letter == c)
				r = &rows[i];
		if (r == nullptr)
			return complain(c == ':' ? "an argument is missing: " : "unknown option: ",
					argv[optind - 1]);
		if (set_row(o, r, optarg) != ERR_OK)
			return complain("wrong value of --", r->name);
	}
	return true;
}

/* What each mode cannot do without, and ranges that later code relies on. */
static bool check(const struct options *o)
{
	bool is_client = o->mode < MODE_PEER;
	if (is_client && o->server == nullptr)
		return complain("--server is needed", "");
	if (is_client && o->user == nullptr && o->users == nullptr)
		return complain("--user or --users is needed", "");
	if (o->dtls && o->tls)
		return complain("--dtls and --tls exclude each other", "");
	if (strcmp(o->dtls_version, "1.2") != 0 && strcmp(o->dtls_version, "1.3") != 0 &&
	    strcmp(o->dtls_version, "auto") != 0)
		return complain("--dtls-version is 1.2, 1.3 or auto, not ", o->dtls_version);
	if (o->mode == MODE_FLOOD && o->to == nullptr)
		return complain("--to is needed", "");
	if (o->clients < 1 || o->clients > 100'000 || o->threads < 1 || o->threads > 256)
		return complain("--clients or --threads is out of range", "");
	if (o->flows < 1 || o->flows > 1024 || o->burst < 1 || o->port < 1 || o->port > 65535 ||
	    o->concurrency < 1)
		return complain("--flows, --burst, --concurrency or --port is out of range", "");
	if (o->size > 9000 || o->duration < 0 || o->step <= 0 || o->timeout <= 0 || o->warmup < 0)
		return complain("--size or a time is out of range", "");
	if (o->sweep && ((o->mode != MODE_UP && o->mode != MODE_DOWN) || o->passive))
		return complain("--sweep goes with up and down, not with --passive", "");
	return true;
}

bool options_parse(struct options *o, int argc, char **argv)
{
	*o = (struct options){};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].preset != nullptr && set_row(o, &rows[i], rows[i].preset) != ERR_OK)
			return complain("wrong default of --", rows[i].name);
	opterr = 0;
	if (!take_options(o, argc, argv))
		return false;
	if (o->help || o->version)
		return true;
	if (optind + 1 != argc)
		return complain("one mode is needed", "");
	for (size_t i = 1; i < MODE_N; i++)
		if (strcmp(modes[i].name, argv[optind]) == 0)
			o->mode = (enum mode)i;
	if (o->mode == MODE_NONE)
		return complain("unknown mode: ", argv[optind]);
	o->burst = MIN(o->burst, 64);
	return check(o);
}

enum err options_prefix(struct prefix *out, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	uint8_t ip[16];
	const char *slash = strchr(text, '/');
	size_t len = slash != nullptr ? (size_t)(slash - text) : strlen(text);
	if (len >= sizeof host)
		return ERR_SYNTAX;
	memcpy(host, text, len);
	host[len] = '\0';
	size_t ip_len = inet_pton(AF_INET, host, ip) == 1 ? 4 : inet_pton(AF_INET6, host, ip) == 1 ? 16 : 0;
	unsigned long bits = ip_len * 8;
	if (slash != nullptr)
		bits = strtoul(slash + 1, nullptr, 10);
	if (ip_len == 0 || bits > ip_len * 8)
		return ERR_SYNTAX;
	*out = (struct prefix){ addr_of_ip(ip, ip_len), (unsigned)(bits + 128 - ip_len * 8) };
	return ERR_OK;
}

bool prefix_has(const struct prefix *p, const struct addr *a)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;
	if (memcmp(p->base.ip, a->ip, whole) != 0)
		return false;
	return rest == 0 || (p->base.ip[whole] ^ a->ip[whole]) >> (8 - rest) == 0;
}

uint64_t prefix_count(const struct prefix *p)
{
	return 1ull << MIN(128 - p->bits, 32u);
}

struct addr prefix_nth(const struct prefix *p, uint64_t n)
{
	struct addr a = p->base;
	n %= prefix_count(p);
	for (size_t i = 16; i-- > 12; n >>= 8) {
		unsigned v = a.ip[i] + (unsigned)(n & 255);
		a.ip[i] = (uint8_t)v;
		n += (uint64_t)(v >> 8) << 8;
	}
	return a;
}
