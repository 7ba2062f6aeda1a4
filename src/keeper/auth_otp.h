/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_otp - one-time codes of an otp= file
 *
 * A code is good once: its counter or time step must be above the last one used, in the file and in memory.  The use is
 * in the file before the user is in (auth_backend.c), else he stays out.  Five wrong codes in a row close a user for a
 * minute (RFC 4226, 7.3).
 *
 * Owner:    a back end (auth_backend.c).
 * Runs in:  made and freed on the loop thread; between these only on the back end's thread.
 * Never:    opens a file; keeps or logs a code that was refused.
 */
#pragma once

#include "keeper/auth_job.h"
#include "keeper/auth_plain.h"

constexpr unsigned AUTH_OTP_TRIES = 5;
constexpr uint32_t AUTH_OTP_PAUSE_S = 60;
constexpr uint32_t AUTH_OTP_TOTP_WINDOW = 1;  /* steps before and after; default of totp-window */
constexpr uint32_t AUTH_OTP_HOTP_WINDOW = 10; /* codes to look ahead; default of hotp-window */

struct auth_otp;

enum err auth_otp_new(struct auth_otp **out, const char *file);
void auth_otp_free(struct auth_otp *o);

/* As auth_plain_load. */
enum err auth_otp_load(struct auth_otp *o, int fd, auth_plain_complain *complain, void *ctx);
enum err auth_otp_load_text(struct auth_otp *o, const char *text, size_t len, auth_plain_complain *complain,
			    void *ctx);

/* job->password is the code, after the PIN if the file has one.  On ERR_OK job->must_save is set. */
void auth_otp_verify(struct auth_otp *o, struct auth_job *job, int64_t unix_now, struct mono now);

/* Write the file with all uses: current is the one in place, which may have changed, next takes the new content.
 * ERR_SYS: it is not safe on the disk. */
enum err auth_otp_save(struct auth_otp *o, int current, int next);

size_t auth_otp_users(const struct auth_otp *o);
