/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile - what is left to the metrics process once it has its descriptors: see base/sandbox.h */
#pragma once

#include "base/sandbox.h"

extern const struct sandbox_profile profile_metrics;
