/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"

/* the headers of an older kernel lack them */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
constexpr unsigned TSO = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
constexpr unsigned USO = TUN_F_USO4 | TUN_F_USO6;

static void tell_failed(const char *call, int error)
{
	const char *cure =
		error == ENOENT || error == ENODEV || error == ENXIO
			? "run 'modprobe tun'; in a container give it the device (--device /dev/net/tun)"
		: error == EPERM || error == EACCES
			? "start as root, or in a container with --cap-add NET_ADMIN"
		: error == EBUSY ? "a device with the number exists already: set another device name"
				 : "see the error";
	log_err("tun.failed /dev/net/tun: %s: %s; %s", call, strerror(error), cure);
}

/* On the first call req names the pattern, afterwards the device. */
static enum err open_queue(int *out, struct ifreq *req)
{
	int fd OWNED(base_closep) = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		tell_failed("open", errno);
		return ERR_SYS;
	}
	req->ifr_flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, req) != 0) {
		tell_failed("TUNSETIFF", errno);
		return ERR_SYS;
	}
	int len = TUN_VNET_HDR_LEN;
	if (ioctl(fd, TUNSETVNETHDRSZ, &len) != 0) {
		tell_failed("TUNSETVNETHDRSZ", errno);
		return ERR_SYS;
	}
	*out = fd;
	fd = -1;
	return ERR_OK;
}

/* Offloads belong to the device: set once, best first.  UDP segmentation needs Linux 6.2. */
static unsigned set_offloads(int fd, bool wanted)
{
	static const unsigned sets[] = { TSO | USO, TSO, 0 };
	for (size_t i = wanted ? 0 : ARRAY_LEN(sets) - 1; i < ARRAY_LEN(sets); i++)
		if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)sets[i]) == 0)
			return sets[i];
	return 0;
}

const char *tun_offloads_text(const struct tun *t)
{
	return (t->offloads & USO) != 0 ? "tso+uso" : t->offloads != 0 ? "tso" : "off";
}

enum err tun_open(struct tun *t, const char *prefix, unsigned queues_n, bool want_offloads)
{
	assert(queues_n >= 1 && queues_n <= TUN_QUEUES_MAX);
	*t = (struct tun){ 0 };
	struct ifreq req = { 0 };
	/* the kernel puts the lowest free number for %d */
	int n = snprintf(req.ifr_name, sizeof req.ifr_name, "%s%%d", prefix);
	if (n < 3 || (size_t)n >= sizeof req.ifr_name - 1 || strpbrk(prefix, "%/ :") != nullptr) {
		log_err("tun.name device=%s: needs 1 to 12 letters, digits, '-' or '_', to which a number is added",
			prefix);
		return ERR_RANGE;
	}
	for (; t->queues_n < queues_n; t->queues_n++)
		if (open_queue(&t->fds[t->queues_n], &req) != ERR_OK) {
			tun_close(t);
			return ERR_SYS;
		}
	memcpy(t->name, req.ifr_name, sizeof t->name);
	t->offloads = set_offloads(t->fds[0], want_offloads);
	if (want_offloads && (t->offloads & USO) == 0)
		log_notice("tun.offload device=%s has=%s: large UDP transfers cost more", t->name,
			   tun_offloads_text(t));
	return ERR_OK;
}

void tun_close(struct tun *t)
{
	while (t->queues_n > 0)
		base_closep(&t->fds[--t->queues_n]);
}
