/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_control - a line on occtl's socket
 *
 * Targets: request_parse, cmds_find.
 */
#include <string.h>

#include "control/cmds.h"
#include "control/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const struct request *r)
{
	assert(r->words_n >= 1 && r->words_n <= REQUEST_WORDS_MAX);
	for (size_t i = 0; i < r->words_n; i++) {
		size_t len = strnlen(r->words[i], sizeof r->words[i]);
		assert(len >= 1 && len <= REQUEST_WORD_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r;
	const struct cmd *cmd = nullptr;
	const char *arg = nullptr;
	char text[256] = "";
	struct writer why = writer_of(text, sizeof text - 1);
	if (request_parse(&r, (const char *)data, size) != ERR_OK)
		return 0;
	check_request(&r);
	enum err e = cmds_find(&r, &cmd, &arg, &why);
	assert(e == ERR_OK ? cmd != nullptr : strlen(text) > 0);
	assert(e != ERR_OK || (*cmd->arg == '\0') == (arg == nullptr));
	return 0;
}
