/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/stats.h"

constexpr int INBOX_BYTES = 4 * 1024 * 1024;

unsigned kit_cpus(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* The n-th processor we may use, beginning anew after the last. */
static unsigned nth_cpu(unsigned n)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 0;
	n %= (unsigned)MAX(CPU_COUNT(&set), 1);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && n-- == 0)
			return cpu;
	return 0;
}

static enum err open_inbox(struct kit *k)
{
	int pair[2], size = INBOX_BYTES;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return ERR_SYS;
	k->inbox_read = pair[0];
	k->inbox_write = pair[1];
	/* what waits is counted at the sender */
	if (setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return ERR_OK;
}

static enum err open_stats(struct kit *k, unsigned index, uint32_t slots_n)
{
	char name[32], path[64];
	snprintf(name, sizeof name, "ocserv-stats-%u", index);
	k->stats = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* mode 0400: no child can open it again through /proc for writing */
	if (k->stats < 0 || ftruncate(k->stats, (off_t)stats_size(slots_n)) != 0 ||
	    fchmod(k->stats, 0400) != 0 ||
	    fcntl(k->stats, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return ERR_SYS;
	snprintf(path, sizeof path, "/proc/self/fd/%d", k->stats);
	k->stats_read = open(path, O_RDONLY | O_CLOEXEC);
	return k->stats_read >= 0 ? ERR_OK : ERR_SYS;
}

enum err kit_init(struct kit *k, unsigned index, uint32_t stats_slots_n)
{
	*k = (struct kit){ -1, -1, -1, -1, nth_cpu(index) };
	enum err e = open_inbox(k);
	if (e == ERR_OK)
		e = open_stats(k, index, stats_slots_n);
	if (e != ERR_OK) {
		log_err("kit.failed worker=%u: %s", index, strerror(errno));
		kit_fini(k);
	}
	return e;
}

void kit_fini(struct kit *k)
{
	base_closep(&k->inbox_read);
	base_closep(&k->inbox_write);
	base_closep(&k->stats);
	base_closep(&k->stats_read);
}
