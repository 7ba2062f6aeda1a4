/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: pack_choose, pack_expand, pack_compress: a compressed frame of either method.  First byte: method and MTU. */
#include <stdlib.h>
#include <string.h>

#include "wire/ip.h"
#include "wire/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_choice(const uint8_t *data, size_t size)
{
	char order[64];
	struct slice offered = { .p = (const char *)data, .n = size };
	text_copy_ascii(order, sizeof order, offered);
	enum pack_method m = pack_choose(offered, order);
	assert(m < PACK_N);
	m = pack_choose(offered, nullptr);
	assert(m == PACK_NONE || text_list_has(offered, ',', pack_name(m)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	enum pack_method m = data[0] % PACK_N;
	size_t mtu = 576 + (size_t)(data[0] >> 2) * 128, len = 0, n = 0;
	uint8_t *out = malloc(mtu), *packed = malloc(mtu);
	assert(out != nullptr && packed != nullptr);
	if (pack_expand(m, data + 1, size - 1, out, mtu, &len) == ERR_OK) {
		struct ip_packet k;
		assert(len <= mtu);
		if (ip_parse(out, len, &k) == ERR_OK)
			assert(k.len <= len);
		if (len > 0 && pack_compress(m, out, len, packed, len - 1, &n) == ERR_OK)
			assert(n < len);
	}
	free(out);
	free(packed);
	check_choice(data + 1, size - 1);
	return 0;
}
