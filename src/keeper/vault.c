/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/vault.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

static void lock(void *p, size_t len)
{
	static bool warned; /* one line, not one a key */
	if (mlock(p, len) == 0 || warned)
		return;
	warned = true;
	log_warn("keeper.mlock_failed why=\"%s\" note=\"keys may be swapped out; raise RLIMIT_MEMLOCK\"",
		 strerror(errno));
}

enum err vault_new(struct vault *out, size_t len)
{
	void *p = mmap(nullptr, MAX(len, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return ERR_NOMEM;
	lock(p, MAX(len, 1));
	madvise(p, MAX(len, 1), MADV_DONTDUMP);
	madvise(p, MAX(len, 1), MADV_WIPEONFORK);
	*out = (struct vault){ .p = p, .len = len };
	return ERR_OK;
}

void vault_fini(struct vault *s)
{
	if (s->p == nullptr)
		return;
	explicit_bzero(s->p, s->len);
	munmap(s->p, MAX(s->len, 1));
	*s = (struct vault){};
}
