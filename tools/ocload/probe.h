/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe - what a packet of ocload carries, so that whoever gets it can tell lost, twice, late and damaged ones exactly
 *
 *	magic 3, kind 1, run 4, flow 4, checksum 4, seq 8, time 8 | fill
 *
 * The fill is a piece of a fixed pattern chosen by seq: a byte of another packet in it is noticed.
 *
 * Never:  allocates.
 */
#pragma once

#include "base/base.h"

constexpr size_t PROBE_LEN = 32;
constexpr size_t PROBE_FILLS = 64; /* different pieces */
constexpr size_t PROBE_FILL_MAX = 65536;

enum probe_kind : uint8_t {
	PROBE_DATA = 1,
	PROBE_START,   /* client -> peer: send me a flow; body struct probe_wish */
	PROBE_STARTED, /* answer */
	PROBE_QUERY,   /* client -> peer: what came and went in this run? */
	PROBE_REPORT,  /* answer; body struct probe_report */
};

struct probe {
	enum probe_kind kind;
	uint32_t run; /* random: a run is not mixed up with an earlier one */
	uint32_t flow;
	uint64_t seq;     /* from 0 in each flow and run */
	uint64_t time_ns; /* CLOCK_MONOTONIC of the sender */
};

/* What a client wishes to be sent. */
struct probe_wish {
	uint16_t size;    /* of the IP packet */
	uint16_t flows_n; /* numbered on from the probe's flow, to the sender's port and the ones behind it */
	uint32_t millis;
	uint64_t rate_mpps; /* thousandth packets a second, all flows together; 0: as fast as possible */
};
constexpr size_t PROBE_WISH_LEN = 16;

/* What the peer has counted in a run. */
struct probe_report {
	uint64_t received, bytes, twice, reordered, late, corrupt;
	uint64_t dropped; /* by the peer's own socket */
	uint64_t sent;
};
constexpr size_t PROBE_REPORT_LEN = 64;

void probe_put(uint8_t out[static PROBE_LEN], const struct probe *p);
/* ERR_SHORT or ERR_PROTO: not one of ours; ERR_AUTH: ours, but damaged. */
enum err probe_get(struct probe *out, const uint8_t *p, size_t n);

/* PROBE_FILL_MAX bytes at least; never written to. */
const uint8_t *probe_fill(uint64_t seq);
bool probe_is_fill(const uint8_t *p, size_t n, uint64_t seq);

void probe_put_wish(uint8_t out[static PROBE_WISH_LEN], const struct probe_wish *w);
enum err probe_get_wish(struct probe_wish *out, const uint8_t *p, size_t n);
void probe_put_report(uint8_t out[static PROBE_REPORT_LEN], const struct probe_report *r);
enum err probe_get_report(struct probe_report *out, const uint8_t *p, size_t n);
