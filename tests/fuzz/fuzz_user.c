/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_user - config_user_make, config_ports_parse, acl_new, acl_permits, acl_place_of
 *
 * The input is the file of a user, and behind a byte 0 a packet.  One that parses must parse again over itself, and its rules
 * must judge any packet.
 */
#include <stdlib.h>
#include <string.h>

#include "config/user.h"
#include "worker/acl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char base[] =
	"auth = plain[passwd=/x]\nserver-cert = /c\nserver-key = /k\nipv4-network = 192.0.2.0/24\n"
	"route = 10.0.0.0/8\ndns = 192.0.2.53\n";

static void check_ports(const struct vhost *v)
{
	struct config_ports ports;
	if (v->restrict_user_to_ports == nullptr)
		return;
	if (config_ports_parse(v->restrict_user_to_ports, &ports) != ERR_OK)
		abort(); /* the parser has let it pass */
	assert(ports.n > 0 && ports.n <= CONFIG_PORTS_MAX);
}

static void judge(const struct config *c, const struct vhost *v, const uint8_t *packet, size_t len)
{
	struct acl *a = nullptr;
	struct ip_packet k;
	if (acl_new(&a, v, c) != ERR_OK)
		abort();
	if (a != nullptr && ip_parse(packet, len, &k) == ERR_OK) {
		(void)acl_permits(a, &k);
		(void)acl_place_of(a, &k);
	}
	acl_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c OWNED(config_putp) = nullptr;
	struct config_report report OWNED(config_report_fini) = {};
	struct vhost *v OWNED(config_user_freep) = nullptr, *again OWNED(config_user_freep) = nullptr;
	const uint8_t *zero = memchr(data, 0, size);
	const size_t len = zero != nullptr ? (size_t)(zero - data) : size;
	const struct config_user_text text = { .file = "user", .text = (const char *)data, .len = len };
	if (config_parse(&c, "base", base, sizeof base - 1, &report) != ERR_OK)
		abort();
	if (config_user_make(&v, &c->vhosts[0], &text, 1, &report) != ERR_OK)
		return 0;
	assert(v->explicit_ipv4.family == 0 || v->explicit_ipv4.len == 32);
	if (config_user_make(&again, v, &text, 1, &report) != ERR_OK)
		abort();
	assert(again->route.n == v->route.n && again->dns.n == v->dns.n);
	check_ports(v);
	judge(c, v, zero != nullptr ? zero + 1 : nullptr, zero != nullptr ? size - len - 1 : 0);
	return 0;
}
