/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_io - the library's read and write callbacks over struct tls */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

void tls_io_install(WOLFSSL_CTX *ctx);
