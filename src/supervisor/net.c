/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Over a link of 1500 bytes: IPv4 20, UDP 8, record header 13, nonce 8, tag 16, type 1.  A packet that is longer fits in no
 * session over DTLS, so the kernel may refuse it (and tell the sender) before a worker must. */
constexpr uint32_t LINK_MTU = 1500, OVERHEAD_MIN = 66;
constexpr uint32_t MTU_MIN = 1280; /* of IPv6 */
constexpr uint32_t QUEUE_LEN = 1000;

struct net {
	struct mnl_socket *sock;
	unsigned index;
	uint32_t seq;
	char buf[8192];
};

enum err net_open(struct net **out, const char *device)
{
	struct net *n OWNED(net_freep) = calloc(1, sizeof *n);
	if (n == nullptr)
		return ERR_NOMEM;
	n->index = if_nametoindex(device);
	if (n->index == 0)
		return ERR_NOTFOUND;
	n->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (n->sock == nullptr || mnl_socket_bind(n->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return ERR_SYS;
	*out = TAKE(n);
	return ERR_OK;
}

void net_free(struct net *n)
{
	if (n == nullptr)
		return;
	if (n->sock != nullptr)
		mnl_socket_close(n->sock);
	free(n);
}

void net_freep(struct net **n)
{
	net_free(*n);
	*n = nullptr;
}

static struct nlmsghdr *begin(struct net *n, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(n->buf);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	h->nlmsg_seq = ++n->seq;
	return h;
}

/* errno tells why. */
static enum err ask(struct net *n, const struct nlmsghdr *h)
{
	if (mnl_socket_sendto(n->sock, h, h->nlmsg_len) < 0)
		return ERR_SYS;
	ssize_t got = mnl_socket_recvfrom(n->sock, n->buf, sizeof n->buf);
	if (got < 0)
		return ERR_SYS;
	return mnl_cb_run(n->buf, (size_t)got, n->seq, mnl_socket_get_portid(n->sock), nullptr, nullptr) < 0
		       ? ERR_SYS
		       : ERR_OK;
}

/* No link-local address: it would make the kernel send router solicitations into the tunnel. */
static enum err no_link_local(struct net *n)
{
	struct nlmsghdr *h = begin(n, RTM_NEWLINK, 0);
	struct ifinfomsg *i = mnl_nlmsg_put_extra_header(h, sizeof *i);
	i->ifi_family = AF_UNSPEC;
	i->ifi_index = (int)n->index;
	struct nlattr *spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	struct nlattr *v6 = mnl_attr_nest_start(h, AF_INET6);
	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, v6);
	mnl_attr_nest_end(h, spec);
	return ask(n, h);
}

enum err net_set_up(struct net *n, uint32_t mtu)
{
	if (no_link_local(n) != ERR_OK)
		log_debug("net.link_local kept: %s", strerror(errno)); /* a kernel without IPv6 */
	struct nlmsghdr *h = begin(n, RTM_NEWLINK, 0);
	struct ifinfomsg *i = mnl_nlmsg_put_extra_header(h, sizeof *i);
	i->ifi_family = AF_UNSPEC;
	i->ifi_index = (int)n->index;
	i->ifi_flags = IFF_UP;
	i->ifi_change = IFF_UP;
	mnl_attr_put_u32(h, IFLA_MTU, mtu);
	mnl_attr_put_u32(h, IFLA_TXQLEN, QUEUE_LEN);
	return ask(n, h);
}

enum err net_add_address(struct net *n, const struct prefix *p)
{
	size_t len = p->family == AF_INET6 ? 16 : 4;
	struct nlmsghdr *h = begin(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(h, sizeof *a);
	a->ifa_family = (uint8_t)p->family;
	a->ifa_prefixlen = p->len;
	a->ifa_flags = p->family == AF_INET6 ? IFA_F_NODAD : 0;
	a->ifa_index = n->index;
	mnl_attr_put(h, IFA_LOCAL, len, p->addr);
	mnl_attr_put(h, IFA_ADDRESS, len, p->addr);
	return ask(n, h);
}

enum err net_route(struct net *n, const struct prefix *p, bool gone)
{
	size_t len = p->family == AF_INET6 ? 16 : 4;
	struct nlmsghdr *h =
		begin(n, gone ? RTM_DELROUTE : RTM_NEWROUTE, gone ? 0 : NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *r = mnl_nlmsg_put_extra_header(h, sizeof *r);
	r->rtm_family = (uint8_t)p->family;
	r->rtm_dst_len = p->len;
	r->rtm_table = RT_TABLE_MAIN;
	r->rtm_protocol = RTPROT_STATIC;
	r->rtm_scope = p->family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	r->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_DST, len, p->addr);
	mnl_attr_put_u32(h, RTA_OIF, n->index);
	enum err e = ask(n, h);
	return e != ERR_OK && gone && errno == ESRCH ? ERR_OK : e;
}

enum err net_own_address(struct prefix *out, const struct prefix *pool)
{
	size_t bytes = pool->family == AF_INET6 ? 16 : 4;
	if (pool->len + 2u > bytes * 8)
		return ERR_RANGE;
	struct prefix own = *pool;
	for (size_t bit = pool->len; bit < bytes * 8; bit++)
		own.addr[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	own.addr[bytes - 1] |= 1;
	*out = own;
	return ERR_OK;
}

uint32_t net_device_mtu(uint32_t mtu)
{
	/* the option is the largest packet inside the tunnel */
	return MAX(mtu != 0 ? mtu : LINK_MTU - OVERHEAD_MIN, MTU_MIN);
}

static const char *text_of(const struct prefix *p, char out[static INET6_ADDRSTRLEN + 5])
{
	char a[INET6_ADDRSTRLEN] = "?";
	inet_ntop(p->family, p->addr, a, sizeof a);
	snprintf(out, INET6_ADDRSTRLEN + 5, "%s/%u", a, p->len);
	return out;
}

static enum err add_pool(struct net *n, const struct prefix *pool, const char *device)
{
	char text[INET6_ADDRSTRLEN + 5];
	struct prefix own;
	if (pool->family == AF_UNSPEC)
		return ERR_OK;
	if (net_own_address(&own, pool) != ERR_OK) {
		log_err("net.pool %s has no room for the server and a client: make it larger",
			text_of(pool, text));
		return ERR_RANGE;
	}
	if (net_add_address(n, &own) != ERR_OK) {
		log_err("net.address %s on %s: %s; is the address family enabled?", text_of(&own, text),
			device, strerror(errno));
		return ERR_SYS;
	}
	log_info("net.address device=%s address=%s", device, text_of(&own, text));
	return ERR_OK;
}

static void warn_not_forwarding(bool is_v6)
{
	const char *file = is_v6 ? "/proc/sys/net/ipv6/conf/all/forwarding" : "/proc/sys/net/ipv4/ip_forward";
	FILE *f = fopen(file, "re");
	if (f == nullptr)
		return;
	if (fgetc(f) == '0')
		log_notice("net.no_forwarding clients reach this host only: set %s to go further",
			   is_v6 ? "net.ipv6.conf.all.forwarding=1" : "net.ipv4.ip_forward=1");
	fclose(f);
}

enum err net_configure(const struct config *c, const char *device, uint32_t mtu)
{
	struct net *n OWNED(net_freep) = nullptr;
	enum err e = net_open(&n, device);
	if (e == ERR_OK)
		e = net_set_up(n, mtu);
	if (e != ERR_OK) {
		log_err("net.failed device=%s: %s", device, strerror(errno));
		return e;
	}
	bool has_v4 = false, has_v6 = false;
	for (size_t i = 0; i < c->vhosts_n; i++) {
		const struct vhost *v = &c->vhosts[i];
		/* inherited from the default host, it replaces itself */
		TRY(add_pool(n, &v->ipv4_network, device));
		TRY(add_pool(n, &v->ipv6_network, device));
		has_v4 |= v->ipv4_network.family != AF_UNSPEC;
		has_v6 |= v->ipv6_network.family != AF_UNSPEC;
	}
	if (has_v4)
		warn_not_forwarding(false);
	if (has_v6)
		warn_not_forwarding(true);
	return ERR_OK;
}
