/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/report.h"

#include <string.h>

void report_lines(const char *event, const char *text)
{
	while (text != nullptr && *text != '\0') {
		size_t len = strcspn(text, "\n");
		static const char word[] = ": warning: ";
		bool is_warning = memmem(text, len, word, sizeof word - 1) != nullptr;
		log_line(is_warning ? LOG_LEVEL_WARN : LOG_LEVEL_ERR, "%s %.*s", event, (int)len, text);
		text += len + (text[len] == '\n');
	}
}
