/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Target: ocsp_parse. */
#include "keeper/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ocsp_info info = {}, again = {};
	if (ocsp_parse(&info, data, size) != ERR_OK)
		return 0;
	assert(info.serial_len > 0 && info.serial_len <= OCSP_SERIAL_MAX);
	assert(info.serial_len == 1 || info.serial[0] != 0);
	for (size_t n = 0; n < size; n += 1 + size / 64) {
		enum err e = ocsp_parse(&again, data, n);
		assert(e != ERR_OK); /* the outermost length is that of the file */
	}
	return 0;
}
