/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

constexpr size_t TEXT_MAX = 1 << 20;

enum err config_read_fd(int fd, char **out, size_t *len)
{
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
	if (size < 0)
		return ERR_SYS;
	if ((size_t)size > TEXT_MAX)
		return ERR_RANGE;
	char *text OWNED(base_freep) = malloc((size_t)size + 1);
	if (text == nullptr)
		return ERR_NOMEM;
	size_t at = 0;
	/* pread: the description is shared with the other children, and so is its position */
	while (at < (size_t)size) {
		ssize_t n = pread(fd, text + at, (size_t)size - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_SYS;
		at += (size_t)n;
	}
	text[at] = '\0';
	*len = at;
	*out = TAKE(text);
	return ERR_OK;
}
