/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fips - what `fips` asks of the TLS library: that it is a validated module, its self-tests, and random bytes of its own generator
 *
 * Which suites, groups, keys and hashes are permitted is the business of those who choose them (config/check.c, config/priority.h,
 * keeper/key.h, keeper/auth_plain.h, worker/tls.h).
 *
 * Runs in: keeper and worker; all calls from the loop thread.
 * Source:  FIPS 140-3; wolfCrypt's user guide for its FIPS module.
 */
#pragma once

#include "config/config.h"

/*
 * At the first configuration, before anything is made with the library.  Does nothing with FIPS_OFF, and nothing the second time.
 * FIPS_ON: ERR_UNSUPPORTED if the library is no FIPS module, ERR_CRYPTO if one of its self-tests fails; *why then says which
 * (static or as long as the process lives).
 */
enum err fips_begin(enum config_fips mode, const char **why);
void fips_end(void);
/* After a fips_begin that has begun something; any thread. */
bool fips_is_on(void);

/* len random bytes for keys, cookies and nonces: of the library's generator after fips_begin, else of the kernel.  ERR_CRYPTO, ERR_SYS. */
enum err fips_random(void *out, size_t len);
