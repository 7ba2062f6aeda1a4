/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ask - read a password: twice from a terminal without echo, or one line from a pipe
 *
 * Never:  shows or logs it.
 */
#pragma once

#include "base/base.h"

constexpr size_t ASK_MAX = 512; /* bytes with the end; the longest pass phrase of crypt() */

/* On ERR_OK the caller must wipe out.  Otherwise the reason was printed to standard error. */
enum err ask_password(char out[ASK_MAX]);
