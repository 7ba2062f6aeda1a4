#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# setup.sh [build|test|bench|dev|package] - install what that job needs and is not here yet, then have a wolfSSL.
#
#   build  compiler, tools and libraries (the default)
#   test   and the peers and tools of the tests
#   bench  and the peers that are measured
#   dev    and clang-tidy, shellcheck, debugger
#   package and what makes and tries Debian packages
#
# Debian 12 and 13. Takes a second when all is there. Needs root only when something is missing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
readonly here
PATH=$PATH:/usr/sbin:/sbin
readonly accounts="ocserv-keeper ocserv-worker ocserv-control ocserv-metrics"

# A name with bars is a choice: the first one that is installed or that apt has.
readonly build_packages=(
	clang-19 lld-19 llvm-19 libclang-rt-19-dev clang-format-19
	make cmake ninja-build pkg-config dpkg-dev
	libuv1-dev libmimalloc-dev libexpat1-dev 'libllhttp-dev|libhttp-parser-dev'
	libprotobuf-c-dev protobuf-c-compiler libjansson-dev liblz4-dev uthash-dev
	libmnl-dev libnftables-dev libbpf-dev bpftool libseccomp-dev libcap-ng-dev libcrypt-dev libreadline-dev libsqlite3-dev libmaxminddb-dev
	libpam0g-dev libldap-dev libkrb5-dev libcjose-dev liblasso3-dev libxml2-dev libglib2.0-dev libcurl4-openssl-dev libssl-dev
	linux-libc-dev libc6-dev
	autoconf automake libtool debian-archive-keyring
	openssl iproute2 util-linux hostname
)
readonly test_packages=(
	openconnect ocserv iperf3 iputils-ping tcpdump gnutls-bin socat nftables ethtool
	libcmocka-dev python3 python3-cryptography sqlite3 curl procps util-linux netcat-openbsd systemd zsh
	chromium oathtool freeradius freeradius-utils slapd ldap-utils
	krb5-kdc krb5-admin-server krb5-user python3-gssapi
	xmlsec1
	haproxy testssl.sh nmap
	libgnutls28-dev
	prometheus python3-prometheus-client # promtool, a parser of OpenMetrics
)
readonly bench_packages=(openvpn wireguard-tools wireguard-go linux-perf)
readonly dev_packages=(clang-tidy-19 shellcheck gdb strace)
readonly package_packages=(dpkg-dev debhelper dh-apparmor lintian debootstrap apparmor systemd systemd-container)

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }

wanted() {
	printf '%s\n' "${build_packages[@]}"
	case $1 in
	build) ;;
	test) printf '%s\n' "${test_packages[@]}" ;;
	bench) printf '%s\n' "${test_packages[@]}" "${bench_packages[@]}" ;;
	dev) printf '%s\n' "${test_packages[@]}" "${dev_packages[@]}" ;;
	package) printf '%s\n' "${package_packages[@]}" ;;
	*) die "usage: setup.sh [build|test|bench|dev|package]" ;;
	esac
}

# missing JOB: those of its packages, choices included, of which nothing is installed.
missing() {
	local have entry name
	have=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' 2>/dev/null) "
	while read -r entry; do
		for name in ${entry//|/ }; do
			[[ $have != *" installed:$name "* ]] || continue 2
		done
		echo "$entry"
	done < <(wanted "$1")
}

# choose ENTRY: the first name of it that apt can install.
choose() {
	local name
	for name in ${1//|/ }; do
		if apt-cache policy "$name" 2>/dev/null | grep 'Candidate:' | grep -qv '(none)'; then
			echo "$name"
			return
		fi
	done
	die "apt has no package ${1//|/ or }; Debian 12 or 13 with its 'main' component is needed"
}

# A VPN server comes as a test peer: no package may start a daemon while we install.
forbid_daemons() {
	local policy=/usr/sbin/policy-rc.d
	saved_policy=
	if [ -e "$policy" ]; then
		saved_policy=$(mktemp "$policy.XXXXXX")
		mv "$policy" "$saved_policy"
	fi
	trap restore_policy EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
}

restore_policy() {
	rm -f /usr/sbin/policy-rc.d
	[ -z "$saved_policy" ] || mv "$saved_policy" /usr/sbin/policy-rc.d
	trap - EXIT
}

# What comes as a peer of the tests must not take a port at the next boot; only if it is we who install it.
disable_peers() {
	local name
	[ -d /run/systemd/system ] || return 0
	for name in "$@"; do
		case $name in
		ocserv) systemctl disable --now ocserv.service ocserv.socket ;;
		freeradius | haproxy | prometheus | slapd | krb5-kdc | krb5-admin-server) systemctl disable --now "$name.service" ;;
		esac >/dev/null 2>&1 || true
	done
}

install_missing() {
	local entry name names=()
	say "reading the package lists"
	apt-get -qq -o DPkg::Lock::Timeout=300 update || die "apt-get update failed"
	for entry in "$@"; do
		name=$(choose "$entry") || exit 1
		names+=("$name")
	done
	say "installing ${#names[@]} packages: ${names[*]}"
	forbid_daemons
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install --no-install-recommends -y \
		"${names[@]}" >&2 || die "apt-get install failed"
	restore_policy
	disable_peers "${names[@]}"
}

packages() {
	local list
	mapfile -t list < <(missing "$1")
	if [ ${#list[@]} -eq 0 ]; then
		say "packages for '$1': all installed"
		return
	fi
	[ "$(id -u)" = 0 ] || die "missing: ${list[*]}; run: sudo $0 $1"
	install_missing "${list[@]}"
}

# Each process of the server runs as its own user.
users() {
	local name
	for name in $accounts; do
		! getent passwd "$name" >/dev/null || continue
		if [ "$(id -u)" != 0 ]; then
			say "no user $name yet (made when run as root)"
			continue
		fi
		say "adding system user $name"
		useradd --system --user-group --no-create-home --home-dir /nonexistent \
			--shell /usr/sbin/nologin "$name"
	done
}

main() {
	local job=${1:-build} prefix
	[ $# -le 1 ] || die "one job at a time; usage: setup.sh [build|test|bench|dev|package]"
	wanted "$job" >/dev/null
	command -v apt-get >/dev/null || die "no apt-get here: install by hand what this script names"
	packages "$job"
	users
	prefix=$("$here/wolfssl.sh" | tail -1)
	[ -d "$prefix" ] || die "no wolfSSL"
	say "wolfSSL in $prefix"
}

main "$@"
