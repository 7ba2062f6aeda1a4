#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# build.sh [PRESET...] - configure (first time) and build presets; default release. TARGET=programs leaves the tests out.
# One at a time in a folder. Under sudo the result belongs to the owner of the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."

# give_back PATH: to whom called sudo, if the checkout is theirs.
give_back() {
	[ "$(id -u)" = 0 ] && [ -n "${SUDO_UID:-}" ] || return 0
	[ "$(stat -c %u .)" = "$SUDO_UID" ] || return 0
	chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$1"
}

# A configured folder is good while it uses the wolfSSL that we would choose now.
configured() {
	[ -f "$1/build.ninja" ] && [ "$(sed -n 's/^WOLFSSL_PREFIX:[A-Z]*=//p' "$1/CMakeCache.txt")" = "$wolfssl" ]
}

build() {
	local dir=build/$1
	mkdir -p "$dir"
	exec 9>"$dir/.lock"
	flock -n 9 || { echo "build: waiting for another build of $1" >&2 && flock 9; }
	configured "$dir" || cmake --preset "$1" -Wno-dev -DWOLFSSL_PREFIX="$wolfssl" | sed -n '/^-- [Cw]/p; /rror/,$p'
	cmake --build "$dir" --target "${TARGET:-all}"
	exec 9>&-
}

wolfssl=$(scripts/wolfssl.sh --find) || { echo "build: no wolfSSL yet; run: sudo scripts/setup.sh build" >&2 && exit 1; }
trap 'give_back build' EXIT
for preset in "${@:-release}"; do
	echo "build: $preset" >&2
	build "$preset"
done
