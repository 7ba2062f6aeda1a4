/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words - a typed line cut into words; "..." holds a word with spaces */
#pragma once

#include "base/base.h"

/* Cuts line in place.  Number of words, which may be larger than max: only max of them are in words. */
size_t words_cut(char *line, char *words[], size_t max);
