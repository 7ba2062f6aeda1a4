# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# apt.sh - for scripts that take something from another Debian than the installed one: this machine's mirror, the archive's
# key, and an apt with lists and cache of its own. apt's own configuration and lists are not touched. To be sourced; the caller has
# die TEXT.

# Where this machine's apt gets Debian from; no host name is written down here.
mirror() {
	# shellcheck disable=SC2016 # apt's own variable
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -1
}

# private_apt DIR KIND SUITE: ${apt[@]} is an apt-get that works in DIR with this one source (KIND: deb or deb-src).
private_apt() {
	local dir=$1 kind=$2 suite=$3 uri keyring
	uri=$(mirror)
	if [ -z "$uri" ] && [ "$(id -u)" = 0 ]; then
		apt-get -q update >&2
		uri=$(mirror)
	fi
	[ -n "$uri" ] || die "apt knows no Debian mirror; run apt-get update as root first"
	keyring=$(find /usr/share/keyrings -name 'debian-archive-keyring.*' | sort | head -1)
	[ -n "$keyring" ] || die "no Debian archive key; install the package debian-archive-keyring"
	mkdir -p "$dir"/{lists/partial,cache/archives/partial,src}
	echo "$kind [signed-by=$keyring] $uri $suite main" >"$dir/sources.list"
	if [ "$(id -u)" = 0 ] && getent passwd _apt >/dev/null; then
		chown -R _apt "$dir/lists" "$dir/cache" "$dir/src"
	fi
	# shellcheck disable=SC2034 # for the caller
	apt=(apt-get -qq -o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir/cache" -o APT::Get::List-Cleanup=0)
}
