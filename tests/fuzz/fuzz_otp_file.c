/* SPDX-License-Identifier: GPL-3.0-or-later */
/* otp_file_parse, otp_file_emit: any text; what was emitted without a change is read again as the same users */
#include <stdlib.h>
#include <string.h>

#include "keeper/otp_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct otp_file f, again;
	char *text;
	size_t len;
	if (otp_file_parse(&f, (const char *)data, size, nullptr, nullptr) != ERR_OK)
		return 0;
	for (size_t i = 0; i < f.tokens_n; i++) {
		struct otp_token *t = &f.tokens[i];
		assert(t->secret_len > 0 && t->secret_len <= OTP_SECRET_MAX);
		assert(t->digits >= OTP_DIGITS_MIN && t->digits <= OTP_DIGITS_MAX);
		if (i % 2 == 0) { /* used: it is written anew */
			t->is_changed = true;
			t->has_last = true;
			t->last = 1'700'000'000 / MAX(t->step_s, 1);
			memset(t->last_code, '7', t->digits);
			t->last_code[t->digits] = '\0';
		}
	}
	if (otp_file_emit(&f, &text, &len) == ERR_OK) {
		if (otp_file_parse(&again, text, len, nullptr, nullptr) == ERR_OK) {
			assert(again.tokens_n == f.tokens_n);
			otp_file_fini(&again);
		}
		free(text);
	}
	otp_file_fini(&f);
	return 0;
}
