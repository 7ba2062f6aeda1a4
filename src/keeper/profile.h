/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile - what is left to the keeper once it has its channel: see base/sandbox.h */
#pragma once

#include "base/sandbox.h"

extern const struct sandbox_profile profile_keeper;
