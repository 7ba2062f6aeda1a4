/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

struct addr addr_of_ip(const void *ip, size_t len)
{
	struct addr a = {};
	if (len == 4) {
		memcpy(a.ip, mapped, sizeof mapped);
		memcpy(a.ip + sizeof mapped, ip, 4);
	} else if (len == 16) {
		memcpy(a.ip, ip, 16);
	}
	return a;
}

struct addr addr_of_sockaddr(const struct sockaddr *sa)
{
	struct addr a = {};
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sa, sizeof in);
		a = addr_of_ip(&in.sin_addr, 4);
		a.port = ntohs(in.sin_port);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sa, sizeof in6);
		a = addr_of_ip(&in6.sin6_addr, 16);
		a.port = ntohs(in6.sin6_port);
	}
	return a;
}

socklen_t addr_to_sockaddr(const struct addr *a, int family, struct sockaddr_storage *out)
{
	if (family == AF_INET) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };
		memcpy(&in.sin_addr, a->ip + 12, 4);
		memcpy(out, &in, sizeof in);
		return sizeof in;
	}
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };
	memcpy(&in6.sin6_addr, a->ip, 16);
	memcpy(out, &in6, sizeof in6);
	return sizeof in6;
}

bool addr_is_v4(const struct addr *a)
{
	return memcmp(a->ip, mapped, sizeof mapped) == 0;
}

bool addr_is_set(const struct addr *a)
{
	static const uint8_t none[16];
	return memcmp(a->ip, none, sizeof none) != 0;
}

bool addr_is_same_ip(const struct addr *a, const struct addr *b)
{
	return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

size_t addr_ip(const struct addr *a, const uint8_t **ip)
{
	bool v4 = addr_is_v4(a);
	*ip = v4 ? a->ip + sizeof mapped : a->ip;
	return !addr_is_set(a) ? 0 : v4 ? 4 : 16;
}

const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	const uint8_t *ip;
	size_t len = addr_ip(a, &ip);
	if (len == 0 || inet_ntop(len == 4 ? AF_INET : AF_INET6, ip, out, ADDR_TEXT_MAX) == nullptr)
		memcpy(out, "none", 5);
	return out;
}
