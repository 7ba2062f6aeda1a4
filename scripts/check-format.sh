#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# check-format.sh - the layout of all C is what .clang-format says; `make format` mends it.
set -euo pipefail
cd "$(dirname "$0")/.."

format=$(command -v clang-format-19 || command -v clang-format) ||
	{ echo "check-format: no clang-format; run: sudo scripts/setup.sh build" >&2 && exit 1; }
mapfile -t files < <(find src tools tests -name '*.[ch]' -not -path '*/corpus/*' | sort)
"$format" --dry-run -Werror "${files[@]}"
echo "check-format: ${#files[@]} files"
