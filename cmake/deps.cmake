# SPDX-License-Identifier: GPL-3.0-or-later
# What the product stands on. Each becomes one target dep::NAME, so a link line below reads as a list of rights.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# dep(NAME MODULE): one library that pkg-config knows.
function(dep name module)
	pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET GLOBAL ${module})
	add_library(dep::${name} ALIAS PkgConfig::${name})
endfunction()

# dep_plain(NAME HEADER LIBRARY): one that it does not.
function(dep_plain name header library)
	find_path(${name}_INCLUDE ${header} REQUIRED)
	find_library(${name}_LIBRARY ${library} REQUIRED)
	add_library(dep_${name} INTERFACE)
	target_include_directories(dep_${name} SYSTEM INTERFACE ${${name}_INCLUDE})
	target_link_libraries(dep_${name} INTERFACE ${${name}_LIBRARY})
	add_library(dep::${name} ALIAS dep_${name})
endfunction()

dep(uv libuv)
dep(expat expat)
dep(jansson jansson)
dep(lz4 liblz4)
dep(mnl libmnl)
dep(nftables libnftables)
dep(bpf libbpf)
dep(protobuf_c libprotobuf-c)
dep(seccomp libseccomp)
dep(cap_ng libcap-ng)
dep(crypt libcrypt)
dep(readline readline)
dep(sqlite3 sqlite3)
dep(maxminddb libmaxminddb)
dep(curl libcurl)
dep(cjose cjose)
dep(lasso lasso)
dep(xml2 libxml-2.0)
dep(gobject gobject-2.0)
dep(crypto libcrypto)
dep(ldap ldap)
dep(gssapi krb5-gssapi)
dep_plain(pam security/pam_appl.h pam)
find_path(uthash_INCLUDE uthash.h REQUIRED)

# mimalloc replaces malloc by being linked first; a sanitizer brings its own.
add_library(dep_malloc INTERFACE)
if(CMAKE_BUILD_TYPE MATCHES "^(Release|Debug)$")
	find_library(mimalloc_LIBRARY mimalloc REQUIRED)
	target_link_libraries(dep_malloc INTERFACE -Wl,--push-state,--no-as-needed ${mimalloc_LIBRARY} -Wl,--pop-state)
endif()
add_library(dep::malloc ALIAS dep_malloc)

# HTTP requests: llhttp where the distribution has it, else its predecessor with the same callbacks.
add_library(dep_http INTERFACE)
find_path(llhttp_INCLUDE llhttp.h)
find_library(llhttp_LIBRARY llhttp)
if(llhttp_INCLUDE AND llhttp_LIBRARY)
	target_compile_definitions(dep_http INTERFACE HAVE_LLHTTP)
	target_include_directories(dep_http SYSTEM INTERFACE ${llhttp_INCLUDE})
	target_link_libraries(dep_http INTERFACE ${llhttp_LIBRARY})
	set(http_parser llhttp)
else()
	find_path(http_parser_INCLUDE http_parser.h REQUIRED)
	find_library(http_parser_LIBRARY http_parser REQUIRED)
	target_include_directories(dep_http SYSTEM INTERFACE ${http_parser_INCLUDE})
	target_link_libraries(dep_http INTERFACE ${http_parser_LIBRARY})
	set(http_parser http-parser)
endif()
add_library(dep::http ALIAS dep_http)

# wolfSSL: the prefix that scripts/wolfssl.sh chose, or -DWOLFSSL_PREFIX=DIR.
if(NOT WOLFSSL_PREFIX OR NOT EXISTS ${WOLFSSL_PREFIX})
	execute_process(
		COMMAND ${CMAKE_SOURCE_DIR}/scripts/wolfssl.sh --find
		OUTPUT_VARIABLE found
		OUTPUT_STRIP_TRAILING_WHITESPACE
		ERROR_QUIET
		RESULT_VARIABLE failed)
	if(failed)
		message(FATAL_ERROR "no wolfSSL with the features we need; run: sudo scripts/setup.sh build")
	endif()
	set(WOLFSSL_PREFIX ${found} CACHE PATH "Prefix of wolfSSL" FORCE)
endif()
find_path(wolfssl_INCLUDE wolfssl/options.h PATHS ${WOLFSSL_PREFIX}/include NO_DEFAULT_PATH NO_CACHE REQUIRED)
find_library(wolfssl_LIBRARY NAMES libwolfssl.a wolfssl PATHS ${WOLFSSL_PREFIX}/lib
	PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH NO_CACHE REQUIRED)
# A validated module says so in its options: what `fips = true` needs.
file(STRINGS ${wolfssl_INCLUDE}/wolfssl/options.h wolfssl_is_fips REGEX "^#define HAVE_FIPS$")
add_library(dep_wolfssl INTERFACE)
target_include_directories(dep_wolfssl SYSTEM INTERFACE ${wolfssl_INCLUDE})
target_compile_definitions(dep_wolfssl INTERFACE WOLFSSL_USE_OPTIONS_H)
target_link_libraries(dep_wolfssl INTERFACE ${wolfssl_LIBRARY} m Threads::Threads)
add_library(dep::wolfssl ALIAS dep_wolfssl)

message(STATUS "Compiler: ${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}, flavour ${CMAKE_BUILD_TYPE}")
message(STATUS "wolfSSL: ${WOLFSSL_PREFIX}; HTTP: ${http_parser}")
