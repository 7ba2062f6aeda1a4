/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/report.h"

#include <string.h>

void report_lines(const char *event, const char *text)
{
	while (text != nullptr && *text != '\0') {
		size_t len = strcspn(text, "\n");
		bool is_error = memmem(text, len, ": error: ", 9) != nullptr;
		log_line(is_error ? LOG_LEVEL_ERR : LOG_LEVEL_WARN, "%s %.*s", event, (int)len, text);
		text += len + (text[len] == '\n');
	}
}
