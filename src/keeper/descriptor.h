/* SPDX-License-Identifier: GPL-3.0-or-later */
/* descriptor - files that come as descriptors: what they are, and their bytes; with calls that the sandbox permits */
#pragma once

#include <sys/stat.h>

#include "base/base.h"

/* ERR_RANGE: not a regular file of at most max bytes. */
enum err descriptor_stat(int fd, size_t max, struct stat *out);

/* Up to size bytes from the beginning; *len is less if the file shrank.  Moves no position. */
enum err descriptor_read(int fd, void *out, size_t size, size_t *len);
