#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# wolfssl.sh [--find|--update] - print the prefix of a wolfSSL that the server can use (last line of stdout).
#
#   (none)    a system wolfSSL that passes wolfssl-check.c, else one built earlier, else build it now
#   --find    the same without building; exit 1 when there is none
#   --update  build the newest version that Debian has, even if an older one was built earlier
#
# The source is the upstream archive of Debian's newest wolfssl package, from the mirror this machine's apt
# uses, checked by apt against the archive's signature.
# It is built once for each version, option and compiler, into ${OCSERV_MODERN_CACHE:-/var/cache/ocserv-modern}
# (for a plain user ~/.cache/ocserv-modern), outside of any build tree.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
readonly here
readonly min_version=5.8.2
readonly root_cache=/var/cache/ocserv-modern
readonly user_cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ocserv-modern

# -fPIC because we link PIE. secure-renegotiation-info: without it OpenSSL 3 clients refuse TLS 1.2; aesgcm=small:
# 512 bytes less for each key, no slower with AES-NI; atomicuser: the key getters of the record layer;
# TLS_UNIQUE: openconnect 9.01 binds its STRAP key to a Finished, with TLS 1.3 too.
readonly cflags="-O3 -fPIC -DHAVE_SECRET_CALLBACK -DHAVE_EXT_CACHE -DWOLFSSL_STATIC_PSK -DWOLFSSL_STATIC_RSA -DNO_SESSION_CACHE_REF -DWOLFSSL_HAVE_TLS_UNIQUE"
readonly options=(
	--enable-static --disable-shared --disable-examples --disable-crypttests --disable-sys-ca-certs
	--enable-sp --enable-sp-math-all
	--enable-tls13 --enable-dtls --enable-dtls13 --enable-dtlscid --enable-dtls-mtu --enable-dtls-frag-ch
	--enable-hrrcookie --enable-psk --enable-session-ticket --enable-earlydata --enable-alpn --enable-sni
	--enable-supportedcurves --enable-extended-master --enable-secure-renegotiation-info
	--enable-ocsp --enable-ocspstapling --enable-ocspstapling2 --enable-crl
	--enable-mlkem --enable-curve25519 --enable-ed25519 --enable-chacha --enable-poly1305 --enable-aesgcm=small
	--enable-keying-material --enable-pkcallbacks --enable-cryptocb --enable-atomicuser
)

say() { echo "wolfssl: $*" >&2; }
die() { say "$*"; exit 1; }
. "$here/apt.sh"

# Assembly: Intel's with AES-NI where there is AES-NI, ARMv8's crypto extension elsewhere.
asm_options() {
	case $(uname -m) in
	x86_64) echo "--enable-intelasm --enable-sp-asm" ;;
	aarch64) echo "--enable-armasm --enable-sp-asm" ;;
	esac
}

# What names one build: options, flags and the compiler.
build_key() {
	{
		echo "${options[*]} $(asm_options) $cflags"
		"$cc" --version | head -1
	} | sha256sum | cut -c1-12
}

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" = "$1" ]; }

# check FLAGS...: compile, link and run the feature test. Its verdict goes to stderr.
check() {
	local dir rc=0
	dir=$(mktemp -d)
	if "$cc" -std=gnu2x -O2 -o "$dir/check" "$here/wolfssl-check.c" "$@" -lm -lpthread 2>"$dir/log"; then
		"$dir/check" >&2 || rc=$?
	else
		grep -m3 'error' "$dir/log" >&2 || true
		rc=1
	fi
	rm -rf "$dir"
	return $rc
}

system_prefix() {
	local flags
	pkg-config --atleast-version="$min_version" wolfssl 2>/dev/null || return 1
	flags=$(pkg-config --cflags --libs wolfssl)
	# shellcheck disable=SC2086 # a list of flags
	check $flags || return 1
	pkg-config --variable=prefix wolfssl
}

# The newest finished build in our caches; the directory name carries version and key.
cached_prefix() {
	local key dir best=
	key=$(build_key)
	for dir in "${OCSERV_MODERN_CACHE:-}" "$root_cache" "$user_cache"; do
		[ -d "$dir" ] || continue
		best=$(find "$dir" -maxdepth 1 -type d -name "wolfssl-*-$key" | sort -V | tail -1)
		[ -z "$best" ] || break
	done
	[ -n "$best" ] || return 1
	echo "$best"
}

# fetch DIR: the newest upstream archive, into DIR.
fetch() {
	local dir=$1 apt
	private_apt "$dir" deb-src sid
	say "reading the list of source packages"
	"${apt[@]}" update >&2 || die "cannot read the package list of the Debian mirror"
	say "fetching the newest source archive"
	(cd "$dir/src" && "${apt[@]}" source --tar-only wolfssl) >&2 || die "cannot fetch the source archive"
}

# build SRC PREFIX ROOT LOG: the files name PREFIX as their place, but are put under ROOT first.
build() {
	local src=$1 prefix=$2 root=$3 log=$4
	# One chain: errexit does not work in a function whose result is asked for.
	# shellcheck disable=SC2046 # a list of options
	(
		exec >"$log" 2>&1
		cd "$src" &&
			{ [ -x configure ] || { : >>AUTHORS && autoreconf -fi; }; } &&
			./configure CC="$cc" CFLAGS="$cflags" --prefix="$prefix" --libdir="$prefix/lib" \
				"${options[@]}" $(asm_options) &&
			make -j"$(nproc)" V=0 &&
			make install DESTDIR="$root"
	)
}

# Everything that may write: one at a time, in a temporary folder, renamed when whole and tested.
build_newest() {
	local key=$1 tmp archive version prefix
	tmp=$(mktemp -d "$cache/build.XXXXXX")
	chmod 755 "$tmp"
	# shellcheck disable=SC2064 # the value of now
	trap "rm -rf '$tmp'" EXIT
	fetch "$tmp"
	archive=$(find "$tmp/src" -name 'wolfssl_*.orig.tar.*' ! -name '*.asc' | sort -V | tail -1)
	[ -n "$archive" ] || die "apt brought no archive"
	version=$(basename "$archive" | sed 's/^wolfssl_//; s/\.orig\.tar\..*//')
	at_least "$min_version" "$version" || die "Debian's newest is $version, $min_version or later is needed"
	prefix=$cache/wolfssl-$version-$key
	if [ -d "$prefix" ]; then
		echo "$prefix"
		return
	fi
	say "building $version with $cc on $(nproc) cores (2 to 3 minutes)"
	mkdir "$tmp/tree"
	tar -xf "$archive" -C "$tmp/tree" --strip-components=1 --no-same-owner
	build "$tmp/tree" "$prefix" "$tmp/root" "$tmp/log" || {
		tail -20 "$tmp/log" >&2
		die "the build failed"
	}
	check "-I$tmp/root$prefix/include" "$tmp/root$prefix/lib/libwolfssl.a" || die "the result fails the feature test"
	mv -T "$tmp/root$prefix" "$prefix"
	say "installed in $prefix"
	echo "$prefix"
}

main() {
	local mode=${1:-} prefix
	cc=$("$here/cc.sh")
	if [ "$mode" != --update ]; then
		prefix=$(system_prefix) || prefix=$(cached_prefix) || prefix=
		if [ -n "$prefix" ]; then
			echo "$prefix"
			return
		fi
		[ "$mode" != --find ] || return 1
	fi
	if [ -n "${OCSERV_MODERN_CACHE:-}" ]; then
		cache=$OCSERV_MODERN_CACHE
	elif [ "$(id -u)" = 0 ]; then
		cache=$root_cache
	else
		cache=$user_cache
	fi
	mkdir -p "$cache"
	exec 9>"$cache/.lock"
	flock -n 9 || { say "waiting for another build" && flock 9; }
	if [ "$mode" != --update ] && prefix=$(cached_prefix); then
		echo "$prefix"
		return
	fi
	build_newest "$(build_key)"
}

main "$@"
