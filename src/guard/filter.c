/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard/filter.h"

#include <sys/mman.h>

enum err filter_map(struct filter *f, int fd, size_t len)
{
	*f = (struct filter){};
	if (len == 0)
		return ERR_OK;
	void *p = fd >= 0 ? mmap(nullptr, len, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (p == MAP_FAILED)
		return ERR_SYS;
	*f = (struct filter){ p, len };
	enum err e = trie_check(p, len);
	if (e != ERR_OK)
		filter_unmap(f);
	return e;
}

void filter_unmap(struct filter *f)
{
	if (f->trie != nullptr)
		munmap((void *)(uintptr_t)f->trie, f->len);
	*f = (struct filter){};
}
