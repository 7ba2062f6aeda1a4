/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/stats.h"

#include <sys/mman.h>
#include <unistd.h>

constexpr uint64_t LEAST_NS = 1'000; /* the bound of the first bucket */

void stats_hist_add(struct stats_hist *h, uint64_t ns)
{
	size_t i = ns <= LEAST_NS ? 0 : 64 - (size_t)__builtin_clzll((ns - 1) / LEAST_NS);
	stats_add(&h->n[MIN(i, STATS_BOUNDS_N)], 1);
	stats_add(&h->sum_ns, ns);
}

enum err stats_map(const struct stats_region **out, int fd, uint32_t slots_n)
{
	/* not fstat, which is a path call in the C library */
	off_t size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		return ERR_SYS;
	if ((size_t)size < stats_size(slots_n))
		return ERR_RANGE;
	void *p = mmap(nullptr, stats_size(slots_n), PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return ERR_SYS;
	*out = p;
	return ERR_OK;
}

void stats_unmap(const struct stats_region *r, uint32_t slots_n)
{
	munmap((void *)(uintptr_t)r, stats_size(slots_n));
}
