/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err - the one error type; the list is in err.def */
#pragma once

#include <stdint.h>

enum [[nodiscard]] err : uint8_t {
#define ERR(name, text) ERR_##name,
#include "base/err.def"
#undef ERR
	ERR_N
};

/* Text of the error for a log line; static storage, never nullptr. */
const char *err_text(enum err e);
