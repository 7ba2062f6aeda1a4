#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# fuzz.sh [NAME...] - each fuzz target (or the named ones) for FUZZ_SECONDS, starting from its corpus.
# New inputs go to build/fuzz/corpus/NAME, crashes to build/fuzz/crash/NAME; a fixed crash joins tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly seconds=${FUZZ_SECONDS:-30}

if [ $# -eq 0 ]; then
	for file in tests/fuzz/fuzz_*.c; do
		[ -e "$file" ] || { echo "fuzz: no targets in tests/fuzz" >&2 && exit 1; }
		name=$(basename "$file" .c)
		set -- "$@" "${name#fuzz_}"
	done
fi

bad=0
for name in "$@"; do
	grown=build/fuzz/corpus/$name
	crash=build/fuzz/crash/$name
	mkdir -p "$grown" "$crash"
	options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -artifact_prefix="$crash/")
	[ ! -f "tests/fuzz/$name.dict" ] || options+=(-dict="tests/fuzz/$name.dict")
	folders=("$grown")
	[ ! -d "tests/fuzz/corpus/$name" ] || folders+=("tests/fuzz/corpus/$name")
	if "build/fuzz/tests/fuzz/fuzz_$name" "${options[@]}" "${folders[@]}" >"build/fuzz/$name.log" 2>&1; then
		echo "fuzz: $name: $(grep -E '^(Done|#[0-9]+.*DONE)' "build/fuzz/$name.log" | tail -1)"
	else
		echo "fuzz: $name: FAILED, see build/fuzz/$name.log and $crash/"
		grep -m3 -E 'ERROR|runtime error|SUMMARY' "build/fuzz/$name.log" || true
		bad=$((bad + 1))
	fi
done
exit $((bad > 0))
