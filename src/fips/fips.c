/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fips/fips.h"

#include <sys/random.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>
#ifdef HAVE_FIPS
#include <wolfssl/wolfcrypt/fips_test.h>
#endif

static struct {
	WC_RNG rng;
	bool has_rng;
} own;

#ifdef HAVE_FIPS
/* The module tests itself when it is loaded; here it is asked how that ended, and to run the tests that it would run at first use. */
static enum err test_module(const char **why)
{
	int status = wolfCrypt_GetStatus_fips();
	if (status == 0)
		status = wc_RunAllCast_fips();
	if (status == 0)
		return ERR_OK;
	*why = wc_GetErrorString(status);
	return ERR_CRYPTO;
}
#else
static enum err test_module(const char **why)
{
	*why = "the TLS library is no FIPS module";
	return ERR_UNSUPPORTED;
}
#endif

enum err fips_begin(enum config_fips mode, const char **why)
{
	if (mode == FIPS_OFF || own.has_rng)
		return ERR_OK;
	if (mode == FIPS_ON)
		TRY(test_module(why));
	int status = wc_InitRng(&own.rng);
	if (status != 0) {
		*why = wc_GetErrorString(status);
		return ERR_CRYPTO;
	}
	own.has_rng = true;
	return ERR_OK;
}

void fips_end(void)
{
	if (own.has_rng)
		wc_FreeRng(&own.rng);
	own.has_rng = false;
}

bool fips_is_on(void)
{
	return own.has_rng;
}

enum err fips_random(void *out, size_t len)
{
	if (own.has_rng)
		return wc_RNG_GenerateBlock(&own.rng, out, (word32)len) == 0 ? ERR_OK : ERR_CRYPTO;
	/* up to 256 bytes come whole or not at all */
	return getrandom(out, len, 0) == (ssize_t)len ? ERR_OK : ERR_SYS;
}
