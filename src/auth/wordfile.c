/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/wordfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static const char blanks[] = " \t\r";

enum err wordfile_complain(struct wordfile_why *why, enum err e, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
	return e;
}

char *wordfile_next(char **rest, char **value, struct wordfile_why *why)
{
	for (char *line; (line = strsep(rest, "\n")) != nullptr;) {
		why->line++;
		line += strspn(line, blanks);
		if (*line == '\0' || *line == '#')
			continue;
		for (size_t n = strlen(line); n > 0 && strchr(blanks, line[n - 1]) != nullptr; n--)
			line[n - 1] = '\0';
		*value = line + strcspn(line, blanks);
		if (**value != '\0')
			*(*value)++ = '\0';
		*value += strspn(*value, blanks);
		return line;
	}
	why->line = 0;
	return nullptr;
}

/* {{ values }} */

enum err wordfile_text(char *out, size_t cap, const char *text, struct wordfile_why *why)
{
	if (strlen(text) >= cap)
		return wordfile_complain(why, ERR_RANGE, "a value of more than %zu characters", cap - 1);
	memcpy(out, text, strlen(text) + 1);
	return ERR_OK;
}

enum err wordfile_number(const char *text, uint32_t least, uint32_t most, uint32_t *out,
			 struct wordfile_why *why)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n < least || n > most)
		return wordfile_complain(why, ERR_RANGE, "expected a number from %u to %u", least, most);
	*out = (uint32_t)n;
	return ERR_OK;
}

enum err wordfile_flag(const char *text, bool *out, struct wordfile_why *why)
{
	bool yes = strcasecmp(text, "yes") == 0 || strcasecmp(text, "true") == 0;
	if (!yes && strcasecmp(text, "no") != 0 && strcasecmp(text, "false") != 0)
		return wordfile_complain(why, ERR_SYNTAX, "expected yes or no");
	*out = yes;
	return ERR_OK;
}

/* {{ files }} */

static enum err refuse(char *problem, size_t cap, const char *whose, const char *path, const char *what)
{
	snprintf(problem, cap, "%s %s: %s", whose, path, what);
	return ERR_CONFIG;
}

enum err wordfile_explain(char *problem, size_t cap, const char *whose, const char *path,
			  const struct wordfile_why *why)
{
	if (why->line == 0)
		return refuse(problem, cap, whose, path, why->text);
	snprintf(problem, cap, "%s %s:%u: %s", whose, path, why->line, why->text);
	return ERR_CONFIG;
}

enum err wordfile_read(char **out, const char *whose, const char *path, bool is_secret, char *problem,
		       size_t cap)
{
	struct stat st;
	int fd OWNED(base_closep) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		return refuse(problem, cap, whose, path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)WORDFILE_MAX)
		return refuse(problem, cap, whose, path, "not a file, or too long");
	if (is_secret && (st.st_mode & S_IRWXO) != 0)
		log_warn("%s.open_secrets file=\"%s\" note=\"everybody can read it\"", whose, path);
	char *text = calloc(1, WORDFILE_MAX + 1);
	if (text == nullptr)
		return ERR_NOMEM;
	size_t at = 0;
	ssize_t n;
	while (at < WORDFILE_MAX && (n = read(fd, text + at, WORDFILE_MAX - at)) > 0)
		at += (size_t)n;
	if (strlen(text) != at) {
		wordfile_drop(&text);
		return refuse(problem, cap, whose, path, "has a zero byte");
	}
	*out = text;
	return ERR_OK;
}

void wordfile_drop(char **text)
{
	if (*text != nullptr)
		explicit_bzero(*text, WORDFILE_MAX);
	free(TAKE(*text));
}
