#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# check-includes.sh - the arrows between folders:
#   base < wire, guard, config < fips, ipc < supervisor, keeper, worker, auth, control, metrics
# The six processes never include each other; tools use base and wire only.
set -euo pipefail
cd "$(dirname "$0")/.."

# allowed FOLDER: the folders whose headers its files may include.
allowed() {
	case $1 in
	src/base) echo "base" ;;
	src/wire) echo "base wire" ;;
	src/guard) echo "base guard" ;;
	src/fips) echo "base config fips" ;;
	src/config) echo "base config" ;;
	src/ipc) echo "base ipc" ;;
	src/bpf) echo "bpf" ;;
	src/supervisor) echo "base guard config ipc bpf supervisor" ;;
	src/keeper) echo "base guard fips config ipc bpf keeper" ;;
	src/worker) echo "base guard fips config ipc wire bpf worker" ;;
	src/auth) echo "base config ipc wire auth" ;; # of wire, what it links: radius
	src/control) echo "base config ipc control" ;;
	src/metrics) echo "base config ipc bpf metrics" ;;
	tools/options-doc) echo "base config" ;; # prints the table of options
	tools/*) echo "base wire ${1#tools/}" ;;
	*) return 1 ;;
	esac
}

# The folders that are ours: an include of another one ("sys/...", <wolfssl/...>) is a library's.
readonly ours=" base wire guard config ipc bpf supervisor keeper worker auth control metrics "

bad=0
checked=0
for folder in src/* tools/*; do
	[ -d "$folder" ] || continue
	if ! may=$(allowed "$folder"); then
		echo "$folder: unknown folder; add its arrows to $0"
		bad=$((bad + 1))
		continue
	fi
	while IFS=: read -r file line target; do
		checked=$((checked + 1))
		[[ $ours != *" $target "* || " $may " == *" $target "* ]] && continue
		echo "$file:$line: $folder must not include $target/ (may: $may)"
		bad=$((bad + 1))
	done < <(grep -rnE --include='*.[ch]' --include='*.def' '^[[:space:]]*#[[:space:]]*include[[:space:]]+["<][a-z_]+/' "$folder" |
		sed -E 's/^([^:]+):([0-9]+):[^"<]*["<]([a-z_]+)\/.*/\1:\2:\3/')
	# A path that climbs escapes the check above.
	while IFS=: read -r file line _; do
		echo "$file:$line: include from src/, not by ../"
		bad=$((bad + 1))
	done < <(grep -rnE --include='*.[ch]' --include='*.def' '^[[:space:]]*#[[:space:]]*include[[:space:]]+["<]\.\./' "$folder")
done
echo "check-includes: $checked includes, $bad against the arrows"
[ "$bad" -eq 0 ]
