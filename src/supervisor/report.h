/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report - text of several lines into the log */
#pragma once

#include "base/log.h"

/* One error line "event LINE" for each line of text, which may be nullptr; a warning if the line says so. */
void report_lines(const char *event, const char *text);
