#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# check-sizes.sh - sizes of functions and files, and the licence line.
#   listed: function > 60 lines, .c > 600, header > 200
#   fails:  function > 100 lines, .c > 900, header > 300, no SPDX line in the first three lines
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(find src tools tests scripts cmake packaging .ci Makefile CMakeLists.txt \
	-type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.proto' -o -name '*.sh' -o -name '*.cmake' -o -name '*.py' \
	-o -name Makefile -o -name CMakeLists.txt \) -not -path '*/corpus/*' 2>/dev/null | sort)

unlicensed=$(awk '
	FNR <= 3 && /SPDX-License-Identifier: GPL-3.0-or-later/ { has[FILENAME] = 1 }
	FNR == 3 { nextfile }
	END { for (i = 1; i < ARGC; i++) if (!(ARGV[i] in has)) print ARGV[i] ": no line of the licence in the first three" }
' "${files[@]}" </dev/null)
[ -z "$unlicensed" ] || echo "$unlicensed"
bad=$(grep -c . <<<"$unlicensed" || true)

mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep '\.[ch]$')

# With our layout a function starts with its '{' alone in the first column and ends with '}' there.
sizes=$(awk '
	function say(word, what, n, aim) { printf "%s %s: %s has %d lines (aim below %d)\n", word, before, what, n, aim }
	function judge(what, n, ask, stop) { if (n > stop) say("FAIL", what, n, ask); else if (n > ask) say("ask ", what, n, ask) }
	function judge_file() {
		if (before ~ /\.c$/) judge("the file", lines, 600, 900)
		else if (before ~ /\.h$/) judge("the file", lines, 200, 300)
	}
	FNR == 1 { judge_file(); start = 0; before = FILENAME }
	/^[a-zA-Z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
	/^\{/ { start = FNR }
	/^\}/ { if (start && $0 == "}") judge(name "()", FNR - start - 1, 60, 100); start = 0 }
	{ lines = FNR }
	END { judge_file() }
' "${sources[@]}" </dev/null)
[ -z "$sizes" ] || echo "$sizes"
bad=$((bad + $(grep -c '^FAIL' <<<"$sizes" || true)))
echo "check-sizes: ${#files[@]} files, $bad too large or without licence"
[ "$bad" -eq 0 ]
