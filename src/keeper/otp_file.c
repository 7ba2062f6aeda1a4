/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/otp_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

constexpr size_t FIELDS_MAX = 8; /* one more than there may be */
constexpr size_t SECRET_WEAK = 16; /* RFC 4226, R6: at least 128 bits */
constexpr uint32_t STEP_MAX_S = 86'400;
constexpr size_t STATE_MAX = 96; /* the three fields we write */

struct complaint {
	otp_complain *fn;
	void *ctx;
	uint32_t line;
};

static void complain_of(const struct complaint *to, bool is_error, const char *problem)
{
	if (to->fn != nullptr)
		to->fn(to->ctx, is_error, to->line, problem);
}

/* {{ fields }} */

static size_t split(struct span line, struct span fields[FIELDS_MAX])
{
	size_t n = 0, at = 0;
	while (n < FIELDS_MAX) {
		while (at < line.len && (line.p[at] == ' ' || line.p[at] == '\t' || line.p[at] == '\r'))
			at++;
		size_t begin = at;
		while (at < line.len && line.p[at] != ' ' && line.p[at] != '\t' && line.p[at] != '\r')
			at++;
		if (at == begin)
			break;
		fields[n++] = span_of(line.p + begin, at - begin);
	}
	return n;
}

static bool parse_u64(struct span s, uint64_t *out)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || n > (UINT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	*out = n;
	return s.len > 0;
}

/* The next word of "HOTP/T30/6"; an empty one at the end. */
static struct span next_word(struct span *left)
{
	const char *slash = left->len > 0 ? memchr(left->p, '/', left->len) : nullptr;
	size_t len = slash != nullptr ? (size_t)(slash - left->p) : left->len;
	struct span word = span_of(left->p, len);
	size_t used = len + (slash != nullptr);
	*left = span_of(left->p + used, left->len - used);
	return word;
}

static bool parse_type(struct span type, struct otp_token *t)
{
	struct span left = type, word = next_word(&left);
	uint64_t n;
	t->digits = OTP_DIGITS_MIN;
	if (!span_is(word, "HOTP") || (type.len > 0 && type.p[type.len - 1] == '/'))
		return false;
	word = next_word(&left);
	if (word.len > 0 && word.p[0] == 'T') {
		if (!parse_u64(span_of(word.p + 1, word.len - 1), &n) || n == 0 || n > STEP_MAX_S)
			return false;
		t->step_s = (uint32_t)n;
		word = next_word(&left);
	} else if (span_is(word, "E")) {
		word = next_word(&left);
	}
	if (word.len > 0) {
		if (!parse_u64(word, &n) || n < OTP_DIGITS_MIN || n > OTP_DIGITS_MAX)
			return false;
		t->digits = (uint8_t)n;
	}
	return left.len == 0;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool parse_secret(struct span hex, struct otp_token *t)
{
	if (hex.len == 0 || hex.len % 2 != 0 || hex.len / 2 > OTP_SECRET_MAX)
		return false;
	for (size_t i = 0; i < hex.len; i += 2) {
		int high = nibble(hex.p[i]), low = nibble(hex.p[i + 1]);
		if (high < 0 || low < 0)
			return false;
		t->secret[i / 2] = (uint8_t)(high << 4 | low);
	}
	t->secret_len = hex.len / 2;
	return true;
}

/* "2026-11-24T18:32:17L", local time. */
static bool parse_time(struct span s, int64_t *out)
{
	char text[32];
	struct tm tm = { .tm_isdst = -1 };
	if (s.len >= sizeof text)
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SL", &tm);
	if (end == nullptr || *end != '\0')
		return false;
	*out = (int64_t)mktime(&tm);
	return *out >= 0;
}

static bool parse_state(const struct span *fields, size_t n, struct otp_token *t)
{
	int64_t when;
	if (n == 0)
		return true;
	if (!parse_u64(fields[0], &t->last))
		return false;
	if (n == 1)
		return t->step_s == 0; /* a counter to begin with */
	if (n != 3 || fields[1].len != t->digits || !parse_time(fields[2], &when))
		return false;
	memcpy(t->last_code, fields[1].p, fields[1].len);
	t->has_last = true;
	if (t->step_s !=
	    0) /* pam_oath writes how many steps the code was before (as a negative) or after the time */
		t->last = (uint64_t)when / t->step_s + t->last;
	return true;
}

/* {{ lines }} */

static void add_token(struct otp_file *f, struct otp_token *t)
{
	struct otp_token *known;
	HASH_FIND(hh, f->by_user, t->user.p, t->user.len, known);
	f->tokens_n++;
	if (known == nullptr) {
		HASH_ADD_KEYPTR(hh, f->by_user, t->user.p, t->user.len, t);
		return;
	}
	while (known->next != nullptr)
		known = known->next;
	known->next = t;
}

/* Why the line is no token; nullptr: it is one. */
static const char *parse_token(struct span line, struct otp_token *t)
{
	struct span fields[FIELDS_MAX];
	size_t n = split(line, fields);
	if (n < 4)
		return "expected: type user pin secret";
	if (!parse_type(fields[0], t))
		return "the type is none of HOTP, HOTP/E/digits, HOTP/Tseconds/digits";
	if (!parse_secret(fields[3], t))
		return "the secret is not of 1 to 128 bytes in hex";
	if (!parse_state(fields + 4, n - 4, t))
		return "what follows the secret is not: counter last-code time";
	t->type = fields[0];
	t->user = fields[1];
	t->pin = fields[2];
	t->hex = fields[3];
	return nullptr;
}

static void take_line(struct otp_file *f, struct span text, const struct complaint *to)
{
	struct otp_line *line = &f->lines[f->lines_n++];
	line->text = text;
	struct span first[FIELDS_MAX];
	if (split(text, first) == 0 || first[0].p[0] == '#')
		return;
	struct otp_token *t = &f->tokens[f->tokens_n];
	const char *problem = parse_token(text, t);
	if (problem != nullptr) {
		complain_of(to, true, problem);
		explicit_bzero(t, sizeof *t);
		return;
	}
	if (t->secret_len < SECRET_WEAK)
		complain_of(to, false, "the secret is shorter than 128 bits and can be guessed");
	line->token = t;
	add_token(f, t);
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 1;
	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

enum err otp_file_parse(struct otp_file *out, const char *text, size_t len, otp_complain *complain, void *ctx)
{
	struct otp_file f = { .text = malloc(len + 1), .len = len };
	size_t n = count_lines(text, len);
	f.lines = calloc(n, sizeof *f.lines);
	f.tokens = calloc(n, sizeof *f.tokens);
	if (f.text == nullptr || f.lines == nullptr || f.tokens == nullptr) {
		otp_file_fini(&f);
		return ERR_NOMEM;
	}
	if (len > 0)
		memcpy(f.text, text, len);
	struct complaint to = { complain, ctx, 0 };
	for (size_t at = 0; at < len;) {
		const char *feed = memchr(f.text + at, '\n', len - at);
		size_t end = feed != nullptr ? (size_t)(feed - f.text) : len;
		to.line++;
		take_line(&f, span_of(f.text + at, end - at), &to);
		at = end + 1;
	}
	*out = f;
	return ERR_OK;
}

void otp_file_fini(struct otp_file *f)
{
	HASH_CLEAR(hh, f->by_user);
	if (f->text != nullptr)
		explicit_bzero(f->text, f->len);
	if (f->tokens != nullptr)
		explicit_bzero(f->tokens, f->tokens_n * sizeof *f->tokens);
	free(f->text);
	free(f->lines);
	free(f->tokens);
	*f = (struct otp_file){};
}

struct otp_token *otp_file_find(const struct otp_file *f, const char *user)
{
	struct otp_token *t;
	HASH_FIND(hh, f->by_user, user, strlen(user), t);
	return t;
}

/* {{ writing }} */

static size_t emit_token(char *out, size_t cap, const struct otp_token *t)
{
	char when[32];
	/* of TOTP the moment at which the step of the code began, so that the offset is zero */
	time_t at = t->step_s != 0 ? (time_t)(t->last * t->step_s) : time(nullptr);
	struct tm tm;
	localtime_r(&at, &tm);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SL", &tm);
	int n = snprintf(out, cap, "%.*s\t%.*s\t%.*s\t%.*s\t%llu\t%s\t%s", (int)t->type.len, t->type.p,
			 (int)t->user.len, t->user.p, (int)t->pin.len, t->pin.p, (int)t->hex.len, t->hex.p,
			 t->step_s != 0 ? 0ULL : (unsigned long long)t->last, t->last_code, when);
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

enum err otp_file_emit(const struct otp_file *f, char **out, size_t *len)
{
	size_t cap = f->len + f->lines_n * STATE_MAX + 2, at = 0;
	char *text = malloc(cap);
	if (text == nullptr)
		return ERR_NOMEM;
	for (size_t i = 0; i < f->lines_n; i++) {
		const struct otp_line *line = &f->lines[i];
		if (line->token != nullptr && line->token->is_changed) {
			at += emit_token(text + at, cap - at, line->token);
		} else if (line->text.len > 0) {
			memcpy(text + at, line->text.p, line->text.len);
			at += line->text.len;
		}
		text[at++] = '\n';
	}
	*out = text;
	*len = at;
	return ERR_OK;
}
