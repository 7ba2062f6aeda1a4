/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base.h"

#include <stdlib.h>
#include <unistd.h>

void base_freep(void *pp)
{
	free(*(void **)pp);
	*(void **)pp = nullptr;
}

void base_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
