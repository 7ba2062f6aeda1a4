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

bad=0
for file in "${files[@]}"; do
	if ! head -3 "$file" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later'; then
		echo "$file: no line 'SPDX-License-Identifier: GPL-3.0-or-later'"
		bad=$((bad + 1))
	fi
done

mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep '\.[ch]$')

# With our layout a function starts with its '{' alone in the first column and ends with '}' there.
sizes=$(awk '
	function say(word, what, n, aim) { printf "%s %s: %s has %d lines (aim below %d)\n", word, FILENAME, what, n, aim }
	function judge(what, n, ask, stop) { if (n > stop) say("FAIL", what, n, ask); else if (n > ask) say("ask ", what, n, ask) }
	FNR == 1 { start = 0 }
	/^[a-zA-Z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
	/^\{/ { start = FNR }
	/^\}/ { if (start && $0 == "}") judge(name "()", FNR - start - 1, 60, 100); start = 0 }
	ENDFILE { if (FILENAME ~ /\.c$/) judge("the file", FNR, 600, 900); else if (FILENAME ~ /\.h$/) judge("the file", FNR, 200, 300) }
' "${sources[@]}" </dev/null)
[ -z "$sizes" ] || echo "$sizes"
bad=$((bad + $(grep -c '^FAIL' <<<"$sizes" || true)))
echo "check-sizes: ${#files[@]} files, $bad too large or without licence"
[ "$bad" -eq 0 ]
