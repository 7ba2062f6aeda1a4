/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * complete - the words that may follow, for readline
 *
 * readline asks through functions without an argument, so what they need is set before each line.
 */
#pragma once

#include "run.h"

void complete_init(const struct occtl *o);
