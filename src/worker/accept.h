/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accept - listening sockets: a descriptor in, a connection born */
#pragma once

#include "base/base.h"

struct worker;

enum err accept_start(struct worker *w);
void accept_stop(struct worker *w);
