/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/ocsp.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"

enum tag : uint8_t {
	INTEGER = 0x02,
	OCTETS = 0x04,
	OID = 0x06,
	ENUMERATED = 0x0a,
	TIME = 0x18,
	SEQUENCE = 0x30,
	CONTEXT_0 = 0xa0,
	CONTEXT_1 = 0xa1,
	CONTEXT_2 = 0xa2,
	STATUS_GOOD = 0x80,
};

/* The next element; the reader fails if it is cut short or its length is not in the shortest form. */
static struct reader any(struct reader *r, uint8_t *tag)
{
	*tag = reader_u8(r);
	size_t len = reader_u8(r);
	if (len >= 0x80) {
		size_t bytes = len & 0x7f;
		len = bytes == 1 ? reader_u8(r) : bytes == 2 ? reader_u16be(r) : SIZE_MAX;
		if (len < (bytes == 1 ? 0x80U : 0x100U))
			len = SIZE_MAX;
	}
	const uint8_t *p = len <= r->left ? reader_take(r, len) : nullptr;
	if (p != nullptr)
		return reader_of(p, len);
	r->failed = true;
	r->left = 0;
	return (struct reader){ .failed = true };
}

static struct reader expect(struct reader *r, uint8_t want)
{
	uint8_t tag;
	struct reader body = any(r, &tag);
	if (tag == want && reader_ok(r))
		return body;
	r->failed = true;
	r->left = 0;
	return (struct reader){ .failed = true };
}

static bool next_is(const struct reader *r, uint8_t tag)
{
	return r->left > 0 && r->at[0] == tag;
}

/* "YYYYMMDDHHMMSSZ", the only form that RFC 5280 permits */
static enum err take_time(struct reader *r, int64_t *out)
{
	struct reader t = expect(r, TIME);
	int d[14];
	if (!reader_ok(&t) || t.left != 15 || t.at[14] != 'Z')
		return ERR_SYNTAX;
	for (size_t i = 0; i < ARRAY_LEN(d); i++) {
		d[i] = t.at[i] - '0';
		if (d[i] < 0 || d[i] > 9)
			return ERR_SYNTAX;
	}
	struct tm tm = { .tm_year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3] - 1900,
			 .tm_mon = d[4] * 10 + d[5] - 1,
			 .tm_mday = d[6] * 10 + d[7],
			 .tm_hour = d[8] * 10 + d[9],
			 .tm_min = d[10] * 10 + d[11],
			 .tm_sec = d[12] * 10 + d[13] };
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return ERR_SYNTAX;
	*out = timegm(&tm);
	return ERR_OK;
}

static enum err take_serial(struct ocsp_info *out, struct reader *single)
{
	struct reader id = expect(single, SEQUENCE);
	expect(&id, SEQUENCE); /* hash algorithm */
	expect(&id, OCTETS);   /* hashes of the issuer's name and key */
	expect(&id, OCTETS);
	struct reader serial = expect(&id, INTEGER);
	while (serial.left > 1 && serial.at[0] == 0)
		reader_u8(&serial);
	if (!reader_ok(single) || !reader_ok(&id) || serial.left == 0 || serial.left > OCSP_SERIAL_MAX)
		return ERR_SYNTAX;
	out->serial_len = serial.left;
	memcpy(out->serial, serial.at, serial.left);
	return ERR_OK;
}

static enum err take_single(struct ocsp_info *out, struct reader single)
{
	TRY(take_serial(out, &single));
	uint8_t status;
	any(&single, &status);
	if (!reader_ok(&single))
		return ERR_SYNTAX;
	out->is_good = status == STATUS_GOOD;
	TRY(take_time(&single, &out->this_update));
	if (!next_is(&single, CONTEXT_0))
		return ERR_OK;
	struct reader next = expect(&single, CONTEXT_0);
	return take_time(&next, &out->next_update);
}

static enum err take_basic(struct ocsp_info *out, struct reader basic)
{
	struct reader whole = expect(&basic, SEQUENCE);
	struct reader data = expect(&whole, SEQUENCE);
	if (next_is(&data, CONTEXT_0))
		expect(&data, CONTEXT_0); /* version */
	uint8_t responder;
	any(&data, &responder);
	if (!reader_ok(&data) || (responder != CONTEXT_1 && responder != CONTEXT_2))
		return ERR_SYNTAX;
	int64_t produced;
	TRY(take_time(&data, &produced));
	struct reader singles = expect(&data, SEQUENCE);
	struct reader first = expect(&singles, SEQUENCE);
	if (!reader_ok(&first))
		return ERR_SYNTAX;
	return take_single(out, first);
}

enum err ocsp_parse(struct ocsp_info *out, const uint8_t *p, size_t len)
{
	static const uint8_t basic_oid[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01 };
	if (len > OCSP_RESPONSE_MAX)
		return ERR_RANGE;
	struct ocsp_info info = {};
	struct reader file = reader_of(p, len);
	struct reader response = expect(&file, SEQUENCE);
	struct reader status = expect(&response, ENUMERATED);
	struct reader tagged = expect(&response, CONTEXT_0);
	struct reader bytes = expect(&tagged, SEQUENCE);
	struct reader oid = expect(&bytes, OID);
	struct reader basic = expect(&bytes, OCTETS);
	if (!reader_ok(&basic) || file.left > 0 || status.left != 1 || status.at[0] != 0 ||
	    oid.left != sizeof basic_oid || memcmp(oid.at, basic_oid, sizeof basic_oid) != 0)
		return ERR_SYNTAX;
	TRY(take_basic(&info, basic));
	*out = info;
	return ERR_OK;
}
