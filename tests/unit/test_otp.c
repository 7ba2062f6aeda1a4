/* SPDX-License-Identifier: GPL-3.0-or-later */
/* otp, otp_file, auth_otp: vectors of the RFCs, files that are wrong, codes that are used, guessed or too old */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "keeper/auth_otp.h"
#include "keeper/otp_file.h"

#define TEST(module, what) static void module##_##what(void **)

static const uint8_t rfc_secret[] = "12345678901234567890";
#define HEX "3132333435363738393031323334353637383930"
constexpr size_t RFC_LEN = sizeof rfc_secret - 1;
constexpr int64_t NOW = 1'700'000'010; /* 10 s into a step */

TEST(otp, vectors_of_rfc_4226)
{
	static const char *const codes[] = { "755224", "287082", "359152", "969429", "338314",
					     "254676", "287922", "162583", "399871", "520489" };
	char code[OTP_CODE_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		assert_int_equal(otp_code(rfc_secret, RFC_LEN, i, 6, code), ERR_OK);
		assert_string_equal(code, codes[i]);
	}
}

TEST(otp, vectors_of_rfc_6238)
{
	static const struct {
		uint64_t at;
		const char *code;
	} rows[] = { { 59, "94287082" },         { 1111111109, "07081804" }, { 1111111111, "14050471" },
		     { 1234567890, "89005924" }, { 2000000000, "69279037" }, { 20000000000, "65353130" } };
	char code[OTP_CODE_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(otp_code(rfc_secret, RFC_LEN, rows[i].at / 30, 8, code), ERR_OK);
		assert_string_equal(code, rows[i].code);
	}
}

TEST(otp, out_of_range_is_refused)
{
	char code[OTP_CODE_SIZE];
	assert_int_equal(otp_code(rfc_secret, RFC_LEN, 0, 5, code), ERR_RANGE);
	assert_int_equal(otp_code(rfc_secret, RFC_LEN, 0, 9, code), ERR_RANGE);
	assert_int_equal(otp_code(rfc_secret, 0, 0, 6, code), ERR_RANGE);
	assert_int_equal(otp_code(rfc_secret, OTP_SECRET_MAX + 1, 0, 6, code), ERR_RANGE);
}

TEST(otp, find_looks_at_the_window_only)
{
	uint64_t at = 99;
	assert_int_equal(otp_find(rfc_secret, RFC_LEN, 1, 3, 6, "969429", &at), ERR_OK);
	assert_int_equal(at, 3);
	static const char *const wrong[] = { "755224", "338314", "", "96942", "9694290", "969428", "abcdef" };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(otp_find(rfc_secret, RFC_LEN, 1, 3, 6, wrong[i], &at), ERR_AUTH);
	assert_int_equal(otp_find(rfc_secret, RFC_LEN, 1, 0, 6, "287082", &at), ERR_AUTH);
}

/* {{ the file }} */

static unsigned errors_n;

static void count_errors(void *, bool is_error, uint32_t, const char *)
{
	errors_n += is_error;
}

TEST(otp_file, malformed_lines_are_told_and_kept)
{
	static const char *const wrong[] = {
		"HOTP",
		"HOTP u",
		"HOTP u -",
		"TOTP u - " HEX,
		"HOTP/ u - " HEX,
		"HOTP/T u - " HEX,
		"HOTP/T0 u - " HEX,
		"HOTP/T99999 u - " HEX,
		"HOTP/E/5 u - " HEX,
		"HOTP/E/9 u - " HEX,
		"HOTP/T30/6/7 u - " HEX,
		"HOTP/X u - " HEX,
		"hotp u - " HEX,
		"HOTP u - 0",
		"HOTP u - 0g",
		"HOTP u - " HEX " x",
		"HOTP u - " HEX " -1",
		"HOTP u - " HEX " 99999999999999999999",
		"HOTP u - " HEX " 1 755224",
		"HOTP u - " HEX " 1 75522 2026-11-24T18:32:17L",
		"HOTP u - " HEX " 1 755224 yesterday",
		"HOTP u - " HEX " 1 755224 2026-11-24T18:32:17",
		"HOTP u - " HEX " 1 755224 2026-11-24T18:32:17L more",
		"HOTP/T30 u - " HEX " 5",
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct otp_file f;
		char *text;
		size_t len;
		errors_n = 0;
		assert_int_equal(otp_file_parse(&f, wrong[i], strlen(wrong[i]), count_errors, nullptr),
				 ERR_OK);
		if (errors_n != 1 || f.tokens_n != 0 || otp_file_find(&f, "u") != nullptr)
			fail_msg("accepted: %s", wrong[i]);
		assert_int_equal(otp_file_emit(&f, &text, &len), ERR_OK);
		assert_int_equal(len, strlen(wrong[i]) + 1);
		assert_memory_equal(text, wrong[i], len - 1);
		free(text);
		otp_file_fini(&f);
	}
}

TEST(otp_file, every_type_is_read)
{
	static const struct {
		const char *type;
		unsigned digits, step_s;
	} rows[] = { { "HOTP", 6, 0 },       { "HOTP/E", 6, 0 },    { "HOTP/E/7", 7, 0 },
		     { "HOTP/E/8", 8, 0 },   { "HOTP/T30", 6, 30 }, { "HOTP/T60/8", 8, 60 },
		     { "HOTP/T30/6", 6, 30 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[128];
		struct otp_file f;
		snprintf(line, sizeof line, "# one\n%s\tu\t-  " HEX "\r\n", rows[i].type);
		assert_int_equal(otp_file_parse(&f, line, strlen(line), nullptr, nullptr), ERR_OK);
		const struct otp_token *t = otp_file_find(&f, "u");
		assert_non_null(t);
		assert_int_equal(t->digits, rows[i].digits);
		assert_int_equal(t->step_s, rows[i].step_s);
		assert_int_equal(t->secret_len, RFC_LEN);
		assert_memory_equal(t->secret, rfc_secret, RFC_LEN);
		otp_file_fini(&f);
	}
}

/* {{ the back end }} */

static void drop(struct auth_otp **o)
{
	auth_otp_free(*o);
}

static struct auth_otp *load(const char *text)
{
	struct auth_otp *o;
	assert_int_equal(auth_otp_new(&o, "file"), ERR_OK);
	assert_int_equal(auth_otp_load_text(o, text, strlen(text), nullptr, nullptr), ERR_OK);
	return o;
}

static enum err try_at(struct auth_otp *o, const char *user, const char *code, int64_t now, uint64_t mono_s)
{
	struct auth_job *job = auth_job_new();
	assert_non_null(job);
	snprintf(job->username, sizeof job->username, "%s", user);
	snprintf(job->password, sizeof job->password, "%s", code);
	job->totp_window = 1;
	job->hotp_window = 10;
	auth_otp_verify(o, job, now, clock_add_s((struct mono){ 1 }, mono_s));
	enum err e = job->result;
	assert_int_equal(job->must_save, e == ERR_OK);
	auth_job_free(job);
	return e;
}

static enum err try(struct auth_otp *o, const char *user, const char *code)
{
	return try_at(o, user, code, NOW, 0);
}

static const char *hotp(uint64_t counter)
{
	static char code[OTP_CODE_SIZE];
	assert_int_equal(otp_code(rfc_secret, RFC_LEN, counter, 6, code), ERR_OK);
	return code;
}

static const char *totp(int64_t at)
{
	return hotp((uint64_t)at / 30);
}

TEST(auth_otp, a_code_is_good_once_and_only_forward)
{
	struct auth_otp *o OWNED(drop) = load("HOTP h - " HEX "\nHOTP/T30 t - " HEX "\n");
	assert_int_equal(try(o, "h", hotp(3)), ERR_OK);
	assert_int_equal(try(o, "h", hotp(3)), ERR_AUTH);
	assert_int_equal(try(o, "h", hotp(2)), ERR_AUTH);
	assert_int_equal(try(o, "h", hotp(15)), ERR_AUTH);
	assert_int_equal(try(o, "h", hotp(14)), ERR_OK);
	assert_int_equal(try(o, "t", totp(NOW + 30)), ERR_OK);
	assert_int_equal(try(o, "t", totp(NOW + 30)), ERR_AUTH);
	assert_int_equal(try(o, "t", totp(NOW)), ERR_AUTH);
	assert_int_equal(try(o, "t", totp(NOW - 30)), ERR_AUTH);
	assert_int_equal(try_at(o, "t", totp(NOW + 60), NOW + 30, 0), ERR_OK);
}

TEST(auth_otp, the_window_ends)
{
	struct auth_otp *o OWNED(drop) =
		load("HOTP/T30 t - " HEX "\nHOTP/T30 u - " HEX "\nHOTP h - " HEX " 5\n");
	assert_int_equal(try(o, "t", totp(NOW - 60)), ERR_AUTH);
	assert_int_equal(try(o, "t", totp(NOW + 60)), ERR_AUTH);
	assert_int_equal(try(o, "t", totp(NOW - 30)), ERR_OK);
	assert_int_equal(try(o, "u", totp(NOW)), ERR_OK);
	assert_int_equal(try(o, "h", hotp(4)), ERR_AUTH);
	assert_int_equal(try(o, "h", hotp(5)), ERR_OK);
}

TEST(auth_otp, nobody_else_and_no_pin_too_few)
{
	struct auth_otp *o OWNED(drop) = load("HOTP p 4711 " HEX "\nHOTP q + " HEX "\n");
	char with_pin[32];
	assert_int_equal(try(o, "p", hotp(0)), ERR_AUTH);
	snprintf(with_pin, sizeof with_pin, "4712%s", hotp(0));
	assert_int_equal(try(o, "p", with_pin), ERR_AUTH);
	assert_int_equal(try(o, "p", "4711"), ERR_AUTH);
	snprintf(with_pin, sizeof with_pin, "4711%s", hotp(0));
	assert_int_equal(try(o, "p", with_pin), ERR_OK);
	assert_int_equal(try(o, "q", with_pin), ERR_AUTH);
	assert_int_equal(try(o, "q", hotp(0)), ERR_OK);
	assert_int_equal(try(o, "", hotp(0)), ERR_AUTH);
	assert_int_equal(try(o, "stranger", hotp(0)), ERR_AUTH);
}

TEST(auth_otp, five_wrong_codes_close_a_user_for_a_minute)
{
	struct auth_otp *o OWNED(drop) = load("HOTP a - " HEX "\nHOTP b - " HEX "\n");
	for (unsigned i = 0; i < AUTH_OTP_TRIES; i++)
		assert_int_equal(try(o, "a", "000000"), ERR_AUTH);
	assert_int_equal(try(o, "a", hotp(0)), ERR_AUTH);
	assert_int_equal(try_at(o, "a", hotp(0), NOW, AUTH_OTP_PAUSE_S - 1), ERR_AUTH);
	assert_int_equal(try(o, "b", hotp(0)), ERR_OK);
	assert_int_equal(try_at(o, "a", hotp(0), NOW, AUTH_OTP_PAUSE_S), ERR_OK);
}

TEST(auth_otp, a_success_forgets_wrong_codes)
{
	struct auth_otp *o OWNED(drop) = load("HOTP a - " HEX "\n");
	for (unsigned i = 0; i < 3 * AUTH_OTP_TRIES; i++) {
		assert_int_equal(try(o, "a", "000000"), ERR_AUTH);
		if (i % (AUTH_OTP_TRIES - 1) == 0)
			assert_int_equal(try(o, "a", hotp(i)), ERR_OK);
	}
}

TEST(auth_otp, an_old_file_does_not_make_codes_good_again)
{
	static const char text[] = "HOTP a - " HEX "\nHOTP/T30 t - " HEX "\n";
	struct auth_otp *o OWNED(drop) = load(text);
	assert_int_equal(try(o, "a", hotp(0)), ERR_OK);
	assert_int_equal(try(o, "t", totp(NOW)), ERR_OK);
	assert_int_equal(auth_otp_load_text(o, text, strlen(text), nullptr, nullptr), ERR_OK);
	assert_int_equal(try(o, "a", hotp(0)), ERR_AUTH);
	assert_int_equal(try(o, "t", totp(NOW)), ERR_AUTH);
	assert_int_equal(try(o, "a", hotp(1)), ERR_OK);
}

static int file_of(const char *text)
{
	int fd = memfd_create("otp", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

/* What was written is what a new process, or pam_oath, goes on from. */
TEST(auth_otp, uses_are_in_the_file)
{
	static const char before[] = "# kept\nHOTP a - " HEX "\nHOTP/T30 t - " HEX "\nHOTP untouched - " HEX;
	struct auth_otp *o OWNED(drop) = load(before);
	int current OWNED(base_closep) = file_of(before), next OWNED(base_closep) = file_of("");
	assert_int_equal(try(o, "a", hotp(4)), ERR_OK);
	assert_int_equal(try(o, "t", totp(NOW)), ERR_OK);
	assert_int_equal(auth_otp_save(o, current, next), ERR_OK);
	char text[1024] = "";
	assert_true(pread(next, text, sizeof text - 1, 0) > 0);
	assert_non_null(strstr(text, "# kept\nHOTP\ta\t-\t" HEX "\t4\t338314\t20"));
	assert_non_null(strstr(text, "\nHOTP untouched - " HEX "\n"));
	struct auth_otp *again OWNED(drop) = load(text);
	assert_int_equal(try(again, "a", hotp(4)), ERR_AUTH);
	assert_int_equal(try(again, "t", totp(NOW)), ERR_AUTH);
	assert_int_equal(try(again, "t", totp(NOW - 30)), ERR_AUTH);
	assert_int_equal(try(again, "a", hotp(5)), ERR_OK);
	assert_int_equal(try(again, "t", totp(NOW + 30)), ERR_OK);
}

TEST(auth_otp, a_file_that_cannot_be_written_is_told)
{
	struct auth_otp *o OWNED(drop) = load("HOTP a - " HEX "\n");
	int current OWNED(base_closep) = file_of("HOTP a - " HEX "\n");
	assert_int_equal(auth_otp_save(o, current, -1), ERR_SYS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(otp_vectors_of_rfc_4226),
		cmocka_unit_test(otp_vectors_of_rfc_6238),
		cmocka_unit_test(otp_out_of_range_is_refused),
		cmocka_unit_test(otp_find_looks_at_the_window_only),
		cmocka_unit_test(otp_file_malformed_lines_are_told_and_kept),
		cmocka_unit_test(otp_file_every_type_is_read),
		cmocka_unit_test(auth_otp_a_code_is_good_once_and_only_forward),
		cmocka_unit_test(auth_otp_the_window_ends),
		cmocka_unit_test(auth_otp_nobody_else_and_no_pin_too_few),
		cmocka_unit_test(auth_otp_five_wrong_codes_close_a_user_for_a_minute),
		cmocka_unit_test(auth_otp_a_success_forgets_wrong_codes),
		cmocka_unit_test(auth_otp_an_old_file_does_not_make_codes_good_again),
		cmocka_unit_test(auth_otp_uses_are_in_the_file),
		cmocka_unit_test(auth_otp_a_file_that_cannot_be_written_is_told),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
