#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# completions.sh DIR - write the completions of occtl for bash (DIR/occtl) and zsh (DIR/_occtl) from the table of commands.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: completions.sh DIR" >&2 && exit 1; }

# command|argument, a line each
commands=$(sed -n 's/^CMD("\([^"]*\)", *"\([^"]*\)".*/\1|\2/p' src/control/cmds.def | sort -u)
[ "$(wc -l <<<"$commands")" = "$(grep '^CMD(' src/control/cmds.def | sed 's/^CMD("\([^"]*\)", *"\([^"]*\)".*/\1|\2/' | sort -u | wc -l)" ] ||
	{ echo "completions.sh: a row of src/control/cmds.def is not understood" >&2 && exit 1; }

mkdir -p "$1"
for pair in occtl.bash.in:occtl occtl.zsh.in:_occtl; do
	text=$(<"packaging/completions/${pair%:*}")
	printf '%s\n' "${text/@COMMANDS@/"$commands"}" >"$1/${pair#*:}"
done
