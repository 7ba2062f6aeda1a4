#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# cc.sh - print the C compiler to build with: $CC, else clang >= 19, else gcc >= 14.
# The same order as cmake/compiler.cmake.
set -eu

if [ -n "${CC:-}" ]; then
	echo "$CC"
	exit 0
fi
for c in clang-19 clang-20 clang-21 clang-22 clang gcc-14 gcc-15 gcc-16 gcc; do
	command -v "$c" >/dev/null 2>&1 || continue
	major=$("$c" -dumpversion | cut -d. -f1)
	case $c in
	clang*) [ "$major" -ge 19 ] || continue ;;
	*) [ "$major" -ge 14 ] || continue ;;
	esac
	echo "$c"
	exit 0
done
echo "cc.sh: no C23 compiler (clang >= 19 or gcc >= 14); run: sudo scripts/setup.sh build" >&2
exit 1
