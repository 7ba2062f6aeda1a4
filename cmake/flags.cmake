# SPDX-License-Identifier: GPL-3.0-or-later
# Language, warnings, hardening and the flavours. One flavour is one CMAKE_BUILD_TYPE, named like its preset.

set(clang_min 19)
set(gnu_min 14)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang" AND CMAKE_C_COMPILER_VERSION VERSION_LESS ${clang_min})
	message(FATAL_ERROR "clang >= ${clang_min} is needed for C23, this is ${CMAKE_C_COMPILER_VERSION}")
elseif(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_LESS ${gnu_min})
	message(FATAL_ERROR "gcc >= ${gnu_min} is needed for C23, this is ${CMAKE_C_COMPILER_VERSION}")
endif()
set(is_clang OFF)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
	set(is_clang ON)
endif()

set(flavours Release Debug Asan Tsan Fuzz)
set_property(CACHE CMAKE_BUILD_TYPE PROPERTY STRINGS ${flavours})
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release)
endif()
if(NOT CMAKE_BUILD_TYPE IN_LIST flavours)
	message(FATAL_ERROR "CMAKE_BUILD_TYPE must be one of: ${flavours}")
endif()

# Asserts stay on everywhere: NDEBUG is never defined.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -D_FORTIFY_SOURCE=3")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g3 -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_ASAN "-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all")
set(CMAKE_C_FLAGS_TSAN "-O1 -g -fno-omit-frame-pointer -fsanitize=thread")
set(CMAKE_C_FLAGS_FUZZ "-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all")
foreach(kind EXE SHARED MODULE)
	set(CMAKE_${kind}_LINKER_FLAGS_ASAN "")
	set(CMAKE_${kind}_LINKER_FLAGS_TSAN "")
	set(CMAKE_${kind}_LINKER_FLAGS_FUZZ "")
endforeach()
if(CMAKE_BUILD_TYPE STREQUAL "Fuzz" AND NOT is_clang)
	message(FATAL_ERROR "the fuzz preset needs clang (libFuzzer)")
endif()

add_compile_definitions(_GNU_SOURCE)
add_compile_options(
	-std=gnu23
	-Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
	-Wswitch-enum -Wvla -Wformat=2 -Wpointer-arith -Wundef -Wwrite-strings
	-Wimplicit-fallthrough -Wunused -Werror
	-fstack-protector-strong -fPIE -fno-plt -fno-common -fvisibility=hidden)
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)

if(is_clang)
	add_compile_options(-Wthread-safety -Wno-gnu-statement-expression -Wno-gnu-zero-variadic-macro-arguments
		-Wno-gnu-folding-constant)
else()
	# gcc has no switch to allow only statement expressions under -Wpedantic.
	add_compile_options(-Wno-pedantic)
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
	add_compile_options(-fcf-protection)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
	add_compile_options(-mbranch-protection=standard)
endif()

if(is_clang)
	string(REGEX MATCH "^[0-9]+" major ${CMAKE_C_COMPILER_VERSION})
	find_program(LLD NAMES ld.lld-${major} ld.lld)
	if(LLD)
		add_link_options(--ld-path=${LLD})
	endif()
endif()
