#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# run.sh - every test on the release build, then unit, corpus and net under ASan+UBSan.
# Progress is a line a test; the last line is 'N passed, N failed' and the exit status says the same.
#
#   LABELS='unit|corpus'  only these         JOBS=4  how many at once
#
# The presets must be built. A cmocka program counts each of its cases, anything else counts as one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
readonly jobs=${JOBS:-$(($(nproc) + 1))} # they wait more than they work

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# run PRESET LABELS
run() {
	local preset=$1 labels=$2
	echo "== $preset: ${labels//|/, }"
	# Output of a passed test is kept too: the cases are counted in it.
	ctest --test-dir "build/$preset" -L "^($labels)\$" -j "$jobs" --no-tests=error --no-label-summary --output-on-failure \
		--test-output-size-passed 10000000 --test-output-size-failed 10000000 \
		--output-junit "$results/$preset.xml" 2>&1 | grep --line-buffered -v '^ *Start \|^Internal ctest'
	# No result at all (crash of ctest, no test found) must not look like success.
	[ -s "$results/$preset.xml" ] || echo "$preset" >>"$results/broken"
}

# pick LABELS: those of them that were asked for and that this user can run.
pick() {
	local label out=
	for label in ${1//|/ }; do
		[[ "|${LABELS:-$1}|" == *"|$label|"* ]] || continue
		if [ "$(id -u)" != 0 ] && [[ $label =~ ^(net|once|bpf)$ ]]; then
			echo "== label $label needs root, left out: sudo make test" >&2
			continue
		fi
		out+="|$label"
	done
	echo "${out#|}"
}

release=$(pick 'unit|corpus|lint|bpf|net|once')
asan=$(pick 'unit|corpus|net')
[ -z "$release" ] || run release "$release"
[ -z "$asan" ] || run asan "$asan"
python3 tests/count.py "$results"
