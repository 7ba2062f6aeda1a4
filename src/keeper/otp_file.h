/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * otp_file - users of one-time codes, in the format of liboath's usersfile (pam_oath)
 *
 *	HOTP[/E][/DIGITS] | HOTP/Tseconds[/DIGITS]   user  pin  secret-in-hex  [counter  last-code  YYYY-MM-DDTHH:MM:SSL]
 *
 * The last three are written by us (and by pam_oath) when a code was used; the counter of an HOTP line is the one used
 * last, of a TOTP line the steps between the time and the code.  pin: "-" none, "+" another method asks for it, else it
 * stands before the code.  All other lines are kept as they are.
 *
 * Owner:    auth_otp.c.
 * Runs in:  one thread at a time.
 */
#pragma once

#include <time.h>

#include "base/passwd.h"
#include "base/table.h"
#include "keeper/otp.h"

/* A token.  A user may have several: each of his lines is one. */
struct otp_token {
	struct span type, user, pin, hex; /* into the text */
	uint8_t secret[OTP_SECRET_MAX];
	size_t secret_len;
	uint8_t digits;
	uint32_t step_s; /* of TOTP; 0: HOTP */
	bool has_last;   /* a code was used before */
	uint64_t
		last; /* counter or time step of the last code; without has_last the first counter that is good */
	char last_code[OTP_CODE_SIZE];
	bool is_changed; /* since it was read: emit writes it anew */
	struct otp_token *next; /* of the same user */
	UT_hash_handle hh; /* the first of each user */
};

struct otp_line {
	struct span text; /* without the line feed */
	struct otp_token *token; /* nullptr: not one */
};

struct otp_file {
	char *text;
	size_t len;
	struct otp_line *lines;
	size_t lines_n;
	struct otp_token *tokens; /* an array of as many as there are lines */
	size_t tokens_n;
	struct otp_token *by_user;
};

typedef void otp_complain(void *ctx, bool is_error, uint32_t line, const char *problem);

/* Takes a copy of the text.  A line that is malformed is told and kept, but nobody can log in with it. */
enum err otp_file_parse(struct otp_file *out, const char *text, size_t len, otp_complain *complain,
			void *ctx);
void otp_file_fini(struct otp_file *f);
struct otp_token *otp_file_find(const struct otp_file *f, const char *user);

/* The whole file as it is to be written; malloc'ed, the caller wipes and frees it. */
enum err otp_file_emit(const struct otp_file *f, char **out, size_t *len);
