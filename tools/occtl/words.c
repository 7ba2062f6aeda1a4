/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include <string.h>

static const char BLANKS[] = " \t\r\n";

/* End of the word that begins at s; an open quote ends with the line. */
static char *end_of(char *s, bool quoted)
{
	return quoted ? strchrnul(s, '"') : s + strcspn(s, BLANKS);
}

size_t words_cut(char *line, char *words[], size_t max)
{
	size_t n = 0;
	for (char *s = line + strspn(line, BLANKS); *s != '\0'; s += strspn(s, BLANKS)) {
		bool quoted = *s == '"';
		s += quoted ? 1 : 0;
		char *end = end_of(s, quoted);
		if (n < max)
			words[n] = s;
		n++;
		s = end;
		if (*s != '\0')
			*s++ = '\0';
	}
	return n;
}
