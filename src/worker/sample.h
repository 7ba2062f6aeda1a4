/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sample - which batches of packets are measured: one in eight, so that the clock that is read for it costs nothing one could measure
 *
 * Owner:  the worker; one number a direction, 0 at the beginning.
 */
#pragma once

#include "base/base.h"

constexpr uint32_t SAMPLE_ONE_IN = 8;

static inline bool sample_is_due(uint32_t *passed)
{
	if (++*passed < SAMPLE_ONE_IN)
		return false;
	*passed = 0;
	return true;
}
