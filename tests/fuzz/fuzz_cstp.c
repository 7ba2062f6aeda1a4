/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: cstp_parse, cstp_frame_len, cstp_put_header, cstp_parse_bye, cstp_is_known, cstp_reason_text. */
#include <string.h>

#include "wire/cstp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was said of the whole holds for each cut of it: a stream is judged the same however it arrives. */
static void check_cuts(const uint8_t *p, const struct cstp_frame *whole)
{
	const size_t cuts[] = { 0, 1, 4, 7, 8, whole->len / 2, whole->len - 1 };
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		struct cstp_frame f;
		enum err e = cstp_parse(p, MIN(cuts[i], whole->len - 1), &f);
		assert(e == ERR_SHORT);
		size_t want = cstp_frame_len(p, MIN(cuts[i], whole->len - 1));
		assert(want == CSTP_HEAD_LEN || want == whole->len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cstp_frame f;
	for (size_t at = 0; cstp_parse(data + at, size - at, &f) == ERR_OK; at += f.len) {
		uint8_t head[CSTP_HEAD_LEN];
		assert(f.len >= CSTP_HEAD_LEN && f.len <= size - at &&
		       f.len == CSTP_HEAD_LEN + f.payload_len);
		assert(f.payload == data + at + CSTP_HEAD_LEN && f.payload_len <= CSTP_PAYLOAD_MAX);
		cstp_put_header(head, f.type, f.payload_len);
		assert(memcmp(head, data + at, sizeof head) == 0);
		check_cuts(data + at, &f);
		assert(cstp_frame_len(data + at, size - at) == f.len);
		struct cstp_bye bye = cstp_parse_bye(f.payload, f.payload_len);
		assert(bye.text_len < MAX(f.payload_len, 1));
		assert(cstp_reason_text(bye.reason) != nullptr);
		cstp_is_known(f.type);
	}
	return 0;
}
