#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# openconnect.sh [--find|--update] - print the path of the newest openconnect that Debian has (last line of stdout), for tests.
#
#   (none)    one fetched earlier, else fetch it now
#   --find    the same without fetching; exit 1 when there is none
#   --update  fetch the newest, even if an older one was fetched earlier
#
# It is Debian testing's package with all libraries it needs, down to the C library, from the mirror this machine's apt uses, checked by
# apt against the archive's signature. Nothing is installed: it is unpacked (80 MB) into ${OCSERV_MODERN_CACHE:-/var/cache/ocserv-modern}
# (for a plain user ~/.cache/ocserv-modern) and run there by its own dynamic linker, so that it needs no chroot and sees the files and
# the network namespace of the test. A whole root by debootstrap took more than 9 minutes where this takes 15 seconds.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
readonly here
readonly root_cache=/var/cache/ocserv-modern
readonly user_cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ocserv-modern
readonly limit=300 # seconds for the network

say() { echo "openconnect: $*" >&2; }
die() { say "$*"; exit 1; }
. "$here/apt.sh"

# The newest that is whole.
cached() {
	local dir best=
	for dir in "${OCSERV_MODERN_CACHE:-}" "$root_cache" "$user_cache"; do
		[ -d "$dir" ] || continue
		best=$(find "$dir" -maxdepth 1 -type d -name 'openconnect-[0-9]*' | sort -V | tail -1)
		[ -z "$best" ] || break
	done
	[ -n "$best" ] && [ -x "$best/openconnect" ] || return 1
	echo "$best/openconnect"
}

# The program: the linker of that root, its libraries, and then the program itself.
write_starter() {
	local linker
	linker=$(cd "$1/root" && find usr -name 'ld-linux*.so.*' | head -1)
	[ -n "$linker" ] || die "no dynamic linker among the packages"
	cat >"$1/openconnect" <<-'END'
		#!/bin/sh
		root=$(dirname "$0")/root
		libs=$(find "$root/usr/lib" -name '*.so*' ! -type d -exec dirname {} + | sort -u | tr '\n' ':')
	END
	# shellcheck disable=SC2016 # for the starter
	printf 'exec "$root/%s" --library-path "$libs" "$root/usr/sbin/openconnect" "$@"\n' "$linker" >>"$1/openconnect"
	chmod 755 "$1/openconnect"
}

# fetch DIR: archives of the package and of all it needs; as if nothing at all were installed.
fetch() {
	local dir=$1 apt
	private_apt "$dir" deb testing
	: >"$dir/status"
	apt+=(-o "Dir::State::status=$dir/status" -o APT::Install-Recommends=false -o Acquire::Languages=none
		-o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -o Acquire::Retries=1)
	say "fetching the package list and the packages of Debian testing"
	timeout $limit "${apt[@]}" update >&2 || die "cannot read the package list of the Debian mirror"
	timeout $limit "${apt[@]}" -y --download-only install openconnect >&2 || die "cannot fetch the packages"
}

# One at a time, in a temporary folder, renamed when whole and tried.
fetch_newest() {
	local tmp archive version prefix
	tmp=$(mktemp -d "$cache/fetch.XXXXXX")
	chmod 755 "$tmp"
	# shellcheck disable=SC2064 # the value of now
	trap "rm -rf '$tmp'" EXIT
	fetch "$tmp"
	archive=$(find "$tmp/cache/archives" -name 'openconnect_*.deb')
	[ -n "$archive" ] || die "apt brought no package"
	version=$(dpkg-deb -f "$archive" Version)
	prefix=$cache/openconnect-${version//[^0-9A-Za-z.+~-]/_}
	if [ ! -d "$prefix" ]; then
		mkdir -p "$tmp/whole/root"
		chmod 755 "$tmp/whole"
		for archive in "$tmp"/cache/archives/*.deb; do
			dpkg-deb -x "$archive" "$tmp/whole/root"
		done
		rm -rf "$tmp"/whole/root/usr/share/{doc,man,locale,info}
		write_starter "$tmp/whole"
		"$tmp/whole/openconnect" --version >&2 || die "the program does not run"
		mv -T "$tmp/whole" "$prefix"
		say "unpacked in $prefix"
	fi
	echo "$prefix/openconnect"
}

main() {
	local mode=${1:-}
	if [ "$mode" != --update ] && cached; then
		return
	fi
	[ "$mode" != --find ] || return 1
	if [ -n "${OCSERV_MODERN_CACHE:-}" ]; then
		cache=$OCSERV_MODERN_CACHE
	elif [ "$(id -u)" = 0 ]; then
		cache=$root_cache
	else
		cache=$user_cache
	fi
	mkdir -p "$cache"
	exec 9>"$cache/.openconnect.lock"
	flock 9
	if [ "$mode" = --update ] || ! cached; then
		fetch_newest
	fi
}

main "$@"
