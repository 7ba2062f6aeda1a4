/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/descriptor.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum err descriptor_stat(int fd, size_t max, struct stat *out)
{
	/* fstat() of glibc 2.33 and later is newfstatat, which the sandbox denies because it takes names, too */
	if (syscall(SYS_fstat, fd, out) < 0)
		return ERR_SYS;
	return S_ISREG(out->st_mode) && out->st_size >= 0 && (size_t)out->st_size <= max ? ERR_OK : ERR_RANGE;
}

enum err descriptor_read(int fd, void *out, size_t size, size_t *len)
{
	size_t at = 0;
	while (at < size) {
		ssize_t n = pread(fd, (uint8_t *)out + at, size - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_SYS;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	*len = at;
	return ERR_OK;
}
