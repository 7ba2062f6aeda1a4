/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report - text of several lines into the log */
#pragma once

#include "base/log.h"

/* One log line "event LINE" for each line of text, which may be nullptr; an error if it has the word, else a warning. */
void report_lines(const char *event, const char *text);
