/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/scrape.h"

#include <string.h>
#include <strings.h>

static const char accept_name[] = "Accept:";
static const char openmetrics[] = "application/openmetrics-text";

struct word {
	const char *at;
	size_t len;
};

static bool is_word(struct word w, const char *text)
{
	return w.len == strlen(text) && memcmp(w.at, text, w.len) == 0;
}

/* Lines end in CR LF, and nothing else of the head is a control character but tabs. */
static bool is_clean(const char *head, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)head[i];
		bool is_break = c == '\r' ? i + 1 < len && head[i + 1] == '\n'
					  : c == '\n' && i > 0 && head[i - 1] == '\r';
		if ((c < ' ' && c != '\t' && !is_break) || c == 0x7f)
			return false;
	}
	return true;
}

/* Three words with one blank between them. */
static bool split(const char *line, size_t len, struct word out[static 3])
{
	for (size_t i = 0; i < 3; i++) {
		const char *end = i < 2 ? memchr(line, ' ', len) : line + len;
		if (end == nullptr || end == line || (i == 2 && memchr(line, ' ', len) != nullptr))
			return false;
		out[i] = (struct word){ line, (size_t)(end - line) };
		if (i < 2) {
			len -= out[i].len + 1;
			line = end + 1;
		}
	}
	return true;
}

static unsigned read_line(struct scrape *out, const char *line, size_t len)
{
	struct word w[3];
	if (!split(line, len, w))
		return 400;
	if (w[2].len != 8 || memcmp(w[2].at, "HTTP/", 5) != 0)
		return 400;
	if (!is_word(w[2], "HTTP/1.1") && !is_word(w[2], "HTTP/1.0"))
		return 505;
	out->is_head = is_word(w[0], "HEAD");
	if (!out->is_head && !is_word(w[0], "GET"))
		return 405;
	const char *query = memchr(w[1].at, '?', w[1].len);
	if (query != nullptr)
		w[1].len = (size_t)(query - w[1].at);
	out->what = is_word(w[1], "/metrics") ? SCRAPE_METRICS : SCRAPE_HEALTH;
	return out->what == SCRAPE_METRICS || is_word(w[1], "/health") ? 200 : 404;
}

static bool accepts_openmetrics(const char *line, size_t len)
{
	const size_t n = sizeof accept_name - 1;
	return len > n && strncasecmp(line, accept_name, n) == 0 &&
	       memmem(line + n, len - n, openmetrics, sizeof openmetrics - 1) != nullptr;
}

/* At the end of the line that begins here; there is one. */
static const char *end_of_line(const char *at, const char *end)
{
	return memmem(at, (size_t)(end - at), "\r\n", 2);
}

enum err scrape_parse(struct scrape *out, unsigned *status, const char *head, size_t len)
{
	const char *blank = memmem(head, MIN(len, SCRAPE_HEAD_MAX), "\r\n\r\n", 4);
	*out = (struct scrape){};
	if (blank == nullptr && len < SCRAPE_HEAD_MAX)
		return ERR_SHORT;
	*status = 431;
	if (blank == nullptr)
		return ERR_PROTO;
	const char *end = blank + 2;
	*status = 400;
	if (!is_clean(head, (size_t)(end - head)))
		return ERR_PROTO;
	const char *eol = end_of_line(head, end);
	*status = read_line(out, head, (size_t)(eol - head));
	if (*status != 200)
		return ERR_PROTO;
	for (const char *at = eol + 2; at < end; at = eol + 2) {
		eol = end_of_line(at, end);
		out->wants_openmetrics |= accepts_openmetrics(at, (size_t)(eol - at));
	}
	return ERR_OK;
}
