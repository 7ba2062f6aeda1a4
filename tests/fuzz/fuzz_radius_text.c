/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fact_route, radius_facts_groups: texts of a server; the first byte is the separator */
#include <string.h>

#include "auth/fact.h"
#include "auth/radius_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[254], route[64];
	if (size == 0)
		return 0;
	size_t len = MIN(size - 1, sizeof text - 1);
	memcpy(text, data + 1, len);
	text[len] = '\0';
	if (fact_route(text, route, sizeof route) == ERR_OK)
		assert(strchr(route, '/') != nullptr);
	Msg__Facts *f = msg__facts__unpack(nullptr, 0, nullptr);
	if (f == nullptr)
		return 0;
	if (radius_facts_groups(f, text, len, (char)data[0]) == ERR_OK)
		for (size_t i = 0; i < f->n_groups; i++)
			assert(f->groups[i][0] != '\0' && strlen(f->groups[i]) <= 255);
	msg__facts__free_unpacked(f, nullptr);
	return 0;
}
