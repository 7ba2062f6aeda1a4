/* SPDX-License-Identifier: GPL-3.0-or-later */
/* netns - a network namespace of its own for a test program, with the loopback interface up */
#pragma once

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

constexpr int NETNS_SKIP = 77; /* status by which ctest knows a test that cannot run here */

static inline bool netns_enter(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	if (unshare(CLONE_NEWNET) != 0) {
		puts("SKIP: no privilege to make a network namespace; run as root");
		return false;
	}
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return ok;
}
