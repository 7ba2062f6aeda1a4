/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/guardmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/board.h"

constexpr off_t TURN_LEN = 4096;

static int make(const char *name, off_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* mode 0400: no child can open it again through /proc for writing */
	if (fd >= 0 && (ftruncate(fd, len) != 0 || fchmod(fd, 0400) != 0 ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0))
		base_closep(&fd);
	return fd;
}

static enum err format(int fd)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		return ERR_SYS;
	void *b = mmap(nullptr, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b == MAP_FAILED)
		return ERR_SYS;
	board_format(b, seed);
	munmap(b, sizeof(struct board));
	return ERR_OK;
}

static enum err open_all(struct guardmem *g)
{
	char path[64];
	g->board = make("ocserv-board", (off_t)sizeof(struct board));
	g->turn = make("ocserv-turn", TURN_LEN);
	if (g->board < 0 || g->turn < 0)
		return ERR_SYS;
	TRY(format(g->board));
	snprintf(path, sizeof path, "/proc/self/fd/%d", g->board);
	g->board_read = open(path, O_RDONLY | O_CLOEXEC);
	return g->board_read >= 0 ? ERR_OK : ERR_SYS;
}

enum err guardmem_init(struct guardmem *g)
{
	*g = (struct guardmem){ -1, -1, -1 };
	enum err e = open_all(g);
	if (e == ERR_OK)
		return ERR_OK;
	log_err("guard.no_memory error=\"%s\": no address is banned, and rate-limit-ms has no effect",
		strerror(errno));
	guardmem_fini(g);
	return e;
}

void guardmem_fini(struct guardmem *g)
{
	base_closep(&g->board);
	base_closep(&g->board_read);
	base_closep(&g->turn);
}
