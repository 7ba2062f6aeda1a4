# SPDX-License-Identifier: GPL-3.0-or-later
# The front door. `make help` lists what there is; the work is done by scripts/ and the CMake presets.
PRESET ?= release
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 30
export PRESET FUZZ_SECONDS DESTDIR

.PHONY: help run test test-package build install package bench docs fuzz lint tidy format clean
.DEFAULT_GOAL := build
.NOTPARALLEL:

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

run: ## as root: install what is missing, build, start a server to try and say how to connect
	@scripts/setup.sh build
	@TARGET=programs scripts/build.sh $(PRESET)
	@exec scripts/run.sh

test: ## as root: install what is missing, build, run every test; ends with 'N passed, N failed'
	@scripts/setup.sh test
	@scripts/build.sh release asan
	@tests/run.sh

build: ## build PRESET (release, debug, asan, tsan, fuzz) in build/PRESET
	@scripts/build.sh $(PRESET)

install: ## install into DESTDIR/PREFIX
	@TARGET=programs scripts/build.sh release
	@cmake --install build/release --prefix $(PREFIX)

package: ## Debian packages in build/package: server, tools, debug symbols
	@scripts/setup.sh package
	@scripts/package.sh

test-package: ## as root: install, start, upgrade and purge them in bare roots of Debian 12 and 13 (takes minutes)
	@scripts/setup.sh package
	@tests/package/run.sh

bench: ## measure, side by side with the peers installed
	@if [ ! -x tests/bench/run.sh ]; then echo "no benchmark in this version"; exit 1; fi
	@scripts/setup.sh bench
	@scripts/build.sh release
	@tests/bench/run.sh

docs: ## write docs/options.md and ocserv.conf(5) anew from the table of options
	@scripts/build.sh release
	@cmake --build build/release --target docs

fuzz: ## each fuzz target for FUZZ_SECONDS
	@scripts/build.sh fuzz
	@scripts/fuzz.sh

lint: ## layout, include arrows, sizes, names in the documents
	@scripts/lint.sh

tidy: ## lint and clang-tidy
	@scripts/build.sh release
	@scripts/lint.sh --tidy

format: ## rewrite the layout
	@scripts/lint.sh --format

clean: ## remove build/ (not the cached wolfSSL, not state/)
	@rm -rf build
