/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_sign - the library's signature callbacks, which send the private key's work to the keeper */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

void tls_sign_install(WOLFSSL_CTX *ctx);
