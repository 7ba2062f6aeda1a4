/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coalesce: packets that are never joined, for one difference or for what they are. */
#include "test_coalesce.h"

enum change {
	SAME,
	TOS,
	TTL,
	LABEL,
	DF,
	ID_BACK,
	ID_JUMP,
	SEQ_GAP,
	SEQ_BACK,
	SEQ_AGAIN,
	ACK_SEQ,
	WINDOW,
	URGENT_POINTER,
	OPTION_VALUE,
	OPTION_LEN,
	LONGER,
	NO_PAYLOAD,
	FLAG_CWR,
	FLAG_ECE,
	FLAG_SYN,
	FLAG_RST,
	FLAG_URG,
	FLAG_NO_ACK,
	RESERVED_BIT,
	IP_OPTIONS,
	FRAGMENT_FIRST,
	FRAGMENT_LATER,
	EVIL_BIT,
	HEADER_SUM,
	PAYLOAD_BIT,
	UDP_NO_SUM,
	UDP_LENGTH,
	TRAILING,
	CHANGES
};

static const uint8_t options_a[12] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
static const uint8_t options_b[12] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 3 };
static const uint8_t ip4_nops[4] = { 1, 1, 1, 0 };
static const uint8_t ip6_dest[8] = { 0, 0, 1, 4, 0, 0, 0, 0 };

static void change_made(struct made *m, enum change which)
{
	static uint8_t dest[8];
	memcpy(dest, ip6_dest, 8);
	dest[0] = m->protocol;
	switch (which) {
	case TOS: m->tos ^= 1; break;
	case TTL: m->ttl--; break;
	case LABEL: m->label++; break;
	case DF: m->may_fragment = !m->may_fragment; break;
	case ID_BACK: m->id -= 2; break;
	case ID_JUMP: m->id += 7; break;
	case SEQ_GAP: m->seq++; break;
	case SEQ_BACK: m->seq--; break;
	case SEQ_AGAIN: m->seq -= (uint32_t)m->payload_len; break;
	case ACK_SEQ: m->ack++; break;
	case WINDOW: m->window++; break;
	case URGENT_POINTER: m->urgent++; break;
	case OPTION_VALUE: m->options = options_b; break;
	case OPTION_LEN: m->options_len = 0; break;
	case LONGER: m->payload_len++; break;
	case NO_PAYLOAD: m->payload_len = 0; break;
	case FLAG_CWR: m->flags |= CWR; break;
	case FLAG_ECE: m->flags |= ECE; break;
	case FLAG_SYN: m->flags |= SYN; break;
	case FLAG_RST: m->flags |= RST; break;
	case FLAG_URG: m->flags |= URG; break;
	case FLAG_NO_ACK: m->flags = 0; break;
	case IP_OPTIONS:
		m->middle = m->version == 4 ? ip4_nops : dest;
		m->middle_len = m->version == 4 ? sizeof ip4_nops : sizeof dest;
		m->first_next = 60;
		break;
	case SAME:
	case RESERVED_BIT:
	case FRAGMENT_FIRST:
	case FRAGMENT_LATER:
	case EVIL_BIT:
	case HEADER_SUM:
	case PAYLOAD_BIT:
	case UDP_NO_SUM:
	case UDP_LENGTH:
	case TRAILING:
	case CHANGES: break;
	}
}

static size_t change_bytes(uint8_t *p, const struct made *m, size_t len, enum change which)
{
	size_t upper = made_upper(m);
	if (which == RESERVED_BIT)
		p[upper + 12] |= 1;
	else if (which == FRAGMENT_FIRST)
		p[6] = 0x20;
	else if (which == FRAGMENT_LATER)
		p[7] = 1;
	else if (which == EVIL_BIT)
		p[6] |= 0x80;
	else if (which == UDP_LENGTH)
		p[upper + 5]--;
	if (which == RESERVED_BIT || which == FRAGMENT_FIRST || which == FRAGMENT_LATER ||
	    which == EVIL_BIT || which == UDP_LENGTH)
		mend(p, upper, len, m->protocol);
	if (which == HEADER_SUM)
		p[10] ^= 1;
	else if (which == PAYLOAD_BIT)
		p[len - 1] ^= 1;
	else if (which == UDP_NO_SUM)
		made_put16(p + upper + 6, 0);
	if (which != TRAILING)
		return len;
	p[len++] = 0;
	mend(p, upper, len, m->protocol); /* the sums count it, the length does not */
	return len;
}

/* Does the change make sense for such a packet? */
static bool is_apt(const struct made *m, enum change which)
{
	bool is_tcp = m->protocol == IP_PROTO_TCP;
	switch (which) {
	case LABEL: return m->version == 6;
	case DF:
	case ID_BACK:
	case ID_JUMP:
	case FRAGMENT_FIRST:
	case FRAGMENT_LATER:
	case EVIL_BIT:
	case HEADER_SUM: return m->version == 4;
	case UDP_NO_SUM:
	case UDP_LENGTH: return !is_tcp;
	case SEQ_GAP:
	case SEQ_BACK:
	case SEQ_AGAIN:
	case ACK_SEQ:
	case WINDOW:
	case URGENT_POINTER:
	case OPTION_VALUE:
	case OPTION_LEN:
	case FLAG_CWR:
	case FLAG_ECE:
	case FLAG_SYN:
	case FLAG_RST:
	case FLAG_URG:
	case FLAG_NO_ACK:
	case RESERVED_BIT: return is_tcp;
	case SAME:
	case TOS:
	case TTL:
	case LONGER:
	case NO_PAYLOAD:
	case IP_OPTIONS:
	case PAYLOAD_BIT:
	case TRAILING:
	case CHANGES: return true;
	}
	return true;
}

static void add_changed(struct made m, enum change which)
{
	change_made(&m, which);
	uint8_t *p = slots[slots_n];
	assert_int_equal(add_slot(change_bytes(p, &m, made_emit(&m, p), which)), ERR_OK);
}

/* Four packets that would be one run, the one at place changed. It is not in a run with the one before it, every
 * packet comes out once, unchanged, in order. */
static void try_change(struct made m, enum change which, size_t place)
{
	start(true);
	for (size_t i = 0; i < 4; i++) {
		add_changed(m, i == place ? which : SAME);
		made_advance(&m);
	}
	size_t at = 0;
	while (coalesce_next(&c, &out) == ERR_OK) {
		if (which != SAME && at < place && at + out.packets_n > place)
			fail_msg("change %u at %zu is joined, IPv%u, protocol %u", which, place, m.version,
				 m.protocol);
		if (out.packets_n == 1) {
			assert_memory_equal(out.iov[1].iov_base, originals[at], lens[at]);
			assert_int_equal(out.iov[1].iov_len, lens[at]);
		} else {
			size_t ids[4] = { at, at + 1, at + 2, at + 3 };
			expect_originals(ids, out.packets_n, false);
		}
		at += out.packets_n;
	}
	assert_int_equal(at, 4);
}

static void packet_that_differs_is_not_joined(void **)
{
	for (unsigned i = 0; i < 4; i++) {
		struct made m = i < 2 ? made_tcp(i % 2 == 0 ? 4 : 6, 100) : made_udp(i % 2 == 0 ? 4 : 6, 100);
		if (i < 2) {
			m.options = options_a;
			m.options_len = sizeof options_a;
		}
		for (enum change which = SAME; which < CHANGES; which++)
			for (size_t place = 0; place < 4; place++)
				if (is_apt(&m, which))
					try_change(m, which, place);
	}
}

/* The first of a batch: joined with nothing that follows. */
static void packet_that_begins_no_run(void **)
{
	static const enum change never[] = { NO_PAYLOAD, FLAG_SYN,       FLAG_RST,       FLAG_URG,
					     IP_OPTIONS, FRAGMENT_FIRST, FRAGMENT_LATER, EVIL_BIT,
					     HEADER_SUM, PAYLOAD_BIT,    UDP_NO_SUM,     UDP_LENGTH,
					     TRAILING };
	for (unsigned i = 0; i < 4; i++)
		for (size_t k = 0; k < ARRAY_LEN(never); k++) {
			struct made m =
				i < 2 ? made_tcp(i % 2 == 0 ? 4 : 6, 100) : made_udp(i % 2 == 0 ? 4 : 6, 100);
			if (!is_apt(&m, never[k]))
				continue;
			start(true);
			for (unsigned twice = 0; twice < 2; twice++) {
				add_changed(m, never[k]);
				m.seq += never[k] == NO_PAYLOAD ? 0 : never[k] == TRAILING ? 101 : 100;
				m.id++;
			}
			expect_out(1);
			expect_out(1);
			expect_end();
		}
}

/* Zero says that there is none, and here it would be right as one. */
static void udp_without_a_checksum_stays_so(void **)
{
	start(true);
	for (uint16_t i = 0; i < 2; i++) {
		struct made m = made_udp(6, 100);
		uint8_t *p = slots[slots_n];
		made_emit(&m, p);
		made_put16(p + 48, made_sum(0, (uint8_t[]){ p[46], p[47], p[48], p[49] }, 4));
		size_t len = 148;
		mend(p, 40, len, IP_PROTO_UDP);
		assert_int_equal(made_get16(p + 46) % 0xffff, 0);
		made_put16(p + 46, 0);
		assert_int_equal(add_slot(len), ERR_OK);
	}
	expect_out(1);
	expect_out(1);
	expect_end();
}

/* A fragment, an option: whose flow it is cannot be seen, so nothing overtakes it. */
static void stranger_ends_the_runs_of_its_pair(void **)
{
	struct made one = made_tcp(4, 100), two = made_tcp(4, 100), other = made_tcp(4, 100),
		    stranger = made_udp(4, 8);
	two.sport++;
	other.host = 7;
	start(true);
	for (unsigned i = 0; i < 4; i++) {
		if (i == 2)
			add_changed(stranger, FRAGMENT_LATER);
		add(&one), add(&two), add(&other);
		made_advance(&one), made_advance(&two), made_advance(&other);
	}
	static const unsigned expected[] = { 2, 2, 4, 1, 2, 2 };
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		expect_out(expected[i]);
	expect_end();
	/* options that leave the header's sum as it is */
	struct made m = made_udp(4, 100);
	start(true);
	for (unsigned i = 0; i < 3; i++) {
		m.middle = (const uint8_t[4]){};
		m.middle_len = i == 1 ? 4 : 0;
		add(&m); /* with the same id */
	}
	for (unsigned i = 0; i < 3; i++)
		expect_out(1);
	expect_end();
	/* what has ports of its own ends nothing else */
	start(true);
	for (unsigned i = 0; i < 4; i++) {
		add(&one);
		made_advance(&one);
		add_changed(two, NO_PAYLOAD);
	}
	expect_out(4);
	for (unsigned i = 0; i < 4; i++)
		expect_out(1);
	expect_end();
}

static void what_is_no_packet_goes_through(void **)
{
	struct made m = made_tcp(4, 100);
	for (size_t len = 1; len < 60; len++) {
		start(true);
		made_emit(&m, slots[0]);
		slots[0][0] = len % 3 == 0 ? 0x60 : slots[0][0];
		slots[0][0] = len % 7 == 0 ? 0x10 : slots[0][0];
		assert_int_equal(add_slot(len), ERR_OK);
		expect_out(1);
		assert_memory_equal(out.iov[1].iov_base, originals[0], len);
		assert_int_equal(out.iov[1].iov_len, len);
		expect_end();
	}
	assert_int_equal(coalesce_add(&c, slots[0], 0), ERR_RANGE);
	assert_int_equal(coalesce_add(&c, slots[0], 65536), ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packet_that_differs_is_not_joined),
		cmocka_unit_test(packet_that_begins_no_run),
		cmocka_unit_test(udp_without_a_checksum_stays_so),
		cmocka_unit_test(stranger_ends_the_runs_of_its_pair),
		cmocka_unit_test(what_is_no_packet_goes_through),
	};
	return cmocka_run_group_tests_name("coalesce_never", tests, nullptr, nullptr);
}
