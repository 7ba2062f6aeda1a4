/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table - uthash and utlist with our hash function
 *
 * The seed is random in each process, so that nobody outside can choose keys that fall into one bucket.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Multiply and fold (64x64 -> 128) over 8-byte words; quick for keys of 4 to 32 bytes. */
uint32_t table_hash(const void *key, size_t len);

#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = table_hash((keyptr), (keylen)))

#include <uthash.h>
#include <utlist.h>
