/* SPDX-License-Identifier: GPL-3.0-or-later */
/* human - numbers as people and ocserv's tools write them; each answer is a small value, no memory to free */
#pragma once

#include "base/base.h"

struct human {
	char s[64];
};

/* "488 bytes", "10.0 MB": powers of 1000 */
struct human human_bytes(uint64_t n);
/* "122 bytes/sec" */
struct human human_rate(uint64_t n);
/* "4s", "3m:07s", "5h:20m", "12d:03h" */
struct human human_span(uint64_t secs);
/* "2026-11-22 11:26", local time */
struct human human_time(uint64_t unix_s);
/* Address of 4 or 16 bytes; "" for any other length */
struct human human_ip(const uint8_t *addr, size_t len);
struct human human_number(uint64_t n);
