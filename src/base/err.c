/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

static const char *const texts[ERR_N] = {
#define ERR(name, text) [ERR_##name] = text,
#include "base/err.def"
#undef ERR
};

const char *err_text(enum err e)
{
	return e < ERR_N ? texts[e] : "unknown error";
}
