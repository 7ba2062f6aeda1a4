#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# lint.sh [--tidy|--format] - layout, include arrows, sizes, names in the documents; --tidy also clang-tidy, --format rewrites the layout.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

format=$(command -v clang-format-19 || command -v clang-format) ||
	{ echo "lint: no clang-format; run: sudo scripts/setup.sh build" >&2 && exit 1; }
mapfile -t files < <(find src tools tests -name '*.[ch]' -not -path '*/corpus/*' 2>/dev/null | sort)

if [ "${1:-}" = --format ]; then
	"$format" -i "${files[@]}"
	exit
fi

bad=0
scripts/check-format.sh || bad=1
scripts/check-includes.sh || bad=1
scripts/check-sizes.sh || bad=1
scripts/check-docs.py || bad=1
if [ "${1:-}" = --tidy ]; then
	tidy=$(command -v clang-tidy-19) || { echo "lint: no clang-tidy; run: sudo scripts/setup.sh dev" >&2 && exit 1; }
	mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep '^\(src\|tools\)/.*\.c$' | grep -v '\.bpf\.c$')
	"$tidy" --quiet -p build/release --checks='-*,clang-analyzer-*,bugprone-use-after-move,bugprone-sizeof-*,bugprone-suspicious-*' \
		--warnings-as-errors='*' "${sources[@]}" || bad=1
fi
exit $bad
