/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ocload - load generator for VPN servers that speak the AnyConnect protocol
 *
 *	main --- crew --- hand (a thread) --- client --- conn (TLS), chan (DTLS)
 *	  |                  `- load: packets out and in, from probe and packet
 *	  `--- peer, flood: the other end, a process of its own
 *
 * No TUN device and no rights are needed: packets are made and looked at in here.
 */
#include <stdio.h>

#include "peer.h"
#include "result.h"

constexpr int STATUS_FAILED = 1, STATUS_USAGE = 2;

static int measure(const struct options *o)
{
	static struct run r; /* large */
	if (run_mode(&r, o) != ERR_OK)
		return STATUS_FAILED;
	json_t *result = result_make(&r);
	if (result != nullptr)
		result_print(stdout, result, o->json);
	json_decref(result);
	int status = result_verdict(&r);
	run_fini(&r);
	return status;
}

int main(int argc, char **argv)
{
	static struct options o;
	if (!options_parse(&o, argc, argv))
		return STATUS_USAGE;
	if (o.help) {
		options_help(stdout);
		return 0;
	}
	if (o.version) {
		puts("ocload " OCSERV_MODERN_VERSION);
		return 0;
	}
	if (o.mode == MODE_PEER)
		return peer_main(&o);
	return o.mode == MODE_FLOOD ? flood_main(&o) : measure(&o);
}
