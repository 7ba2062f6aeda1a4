# SPDX-License-Identifier: GPL-3.0-or-later
# Tests, by label: unit, bpf, corpus, net, once (as net, on the release build only), lint. Names are LABEL.NAME. A test that cannot run here exits 77.

find_library(cmocka_LIBRARY cmocka)
set(test_dir ${CMAKE_SOURCE_DIR}/tests)
set(every_part supervisor_core keeper_core worker_core control_core metrics_core auth_core guard wire ipc config base)
set(sanitizer_env
	"ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:check_initialization_order=1:allocator_may_return_null=1"
	"UBSAN_OPTIONS=print_stacktrace=1"
	"TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

# test_program(TARGET SOURCE SUBDIR): a program on top of every part; the linker takes the objects it needs.
function(test_program target source subdir)
	add_executable(${target} ${source})
	target_link_libraries(${target} PRIVATE ${every_part} Threads::Threads)
	target_include_directories(${target} PRIVATE ${test_dir})
	target_compile_definitions(${target} PRIVATE TEST_DATA_DIR="${test_dir}")
	add_dependencies(${target} bpf_skeletons ipc_messages)
	set_target_properties(${target} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/${subdir})
endfunction()

function(register label name timeout)
	set_tests_properties(${label}.${name} PROPERTIES
		LABELS ${label}
		TIMEOUT ${timeout}
		SKIP_RETURN_CODE 77
		ENVIRONMENT "BUILD_DIR=${CMAKE_BINARY_DIR};SOURCE_DIR=${CMAKE_SOURCE_DIR};${sanitizer_env}")
endfunction()

# tests/LABEL/test_NAME.c: one program each.
function(cmocka_tests label timeout)
	file(GLOB sources CONFIGURE_DEPENDS ${test_dir}/${label}/test_*.c)
	if(label STREQUAL "bpf" AND NOT OCSERV_BPF)
		return()
	endif()
	if(sources AND NOT cmocka_LIBRARY)
		message(STATUS "no cmocka: tests/${label} left out; run: sudo scripts/setup.sh test")
		return()
	endif()
	foreach(source ${sources})
		get_filename_component(file ${source} NAME_WE)
		string(REGEX REPLACE "^test_" "" name ${file})
		test_program(${label}_${name} ${source} ${label})
		set_target_properties(${label}_${name} PROPERTIES OUTPUT_NAME ${file})
		target_link_libraries(${label}_${name} PRIVATE ${cmocka_LIBRARY} dep::bpf)
		add_test(NAME ${label}.${name} COMMAND ${label}_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
		register(${label} ${name} ${timeout})
	endforeach()
endfunction()

# tests/fuzz/fuzz_NAME.c: libFuzzer in the fuzz preset; elsewhere a program that runs the corpus once.
function(fuzz_targets)
	file(GLOB sources CONFIGURE_DEPENDS ${test_dir}/fuzz/fuzz_*.c)
	foreach(source ${sources})
		get_filename_component(file ${source} NAME_WE)
		string(REGEX REPLACE "^fuzz_" "" name ${file})
		test_program(${file} ${source} fuzz)
		if(CMAKE_BUILD_TYPE STREQUAL "Fuzz")
			target_link_options(${file} PRIVATE -fsanitize=fuzzer)
			continue()
		endif()
		target_sources(${file} PRIVATE ${test_dir}/fuzz/driver.c)
		add_test(NAME corpus.${name} COMMAND ${file} ${test_dir}/fuzz/corpus/${name})
		register(corpus ${name} 120)
	endforeach()
endfunction()

# tests/net/NAME.sh: real programs in network namespaces, as root. Those that count what is lost, what memory is used or how long something takes run alone. tests/net/NAME.c: their helpers.
function(net_tests)
	file(GLOB helpers CONFIGURE_DEPENDS ${test_dir}/net/*.c)
	foreach(source ${helpers})
		get_filename_component(name ${source} NAME_WE)
		add_executable(net_${name} ${source})
		target_link_libraries(net_${name} PRIVATE wire ipc base dep::wolfssl dep::uv dep::jansson Threads::Threads)
		set_target_properties(net_${name} PROPERTIES
			OUTPUT_NAME ${name}
			RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
	endforeach()
	# rawtunnel stands on the channels of ocload
	foreach(name tls chan chan13 udp conn reply options)
		target_sources(net_rawtunnel PRIVATE ${CMAKE_SOURCE_DIR}/tools/ocload/${name}.c)
	endforeach()
	target_include_directories(net_rawtunnel PRIVATE ${CMAKE_SOURCE_DIR}/tools/ocload)
	file(GLOB scripts CONFIGURE_DEPENDS ${test_dir}/net/*.sh)
	list(FILTER scripts EXCLUDE REGEX "/lib[^/]*\\.sh$")
	set(alone many steering hostile dtls13 sandbox auth_radius auth_oidc auth_sso guard_xdp timing)
	# long, and sanitizers would see nothing in them that others do not show: numbers, clients, mixes
	set(once systemd openconnect openconnect_newest tls_scan timing chaos many steering survive samples guard_xdp)
	foreach(script ${scripts})
		get_filename_component(name ${script} NAME_WE)
		add_test(NAME net.${name} COMMAND bash ${script} WORKING_DIRECTORY ${test_dir}/net)
		register(net ${name} 900)
		if(name IN_LIST once)
			set_tests_properties(net.${name} PROPERTIES LABELS once)
		endif()
		if(name IN_LIST alone)
			set_tests_properties(net.${name} PROPERTIES RUN_SERIAL ON)
		endif()
	endforeach()
endfunction()

# tests/net/peers/dtls_LIBRARY.c: clients on other libraries than ours; one whose library is not here is left out.
function(peer_programs)
	foreach(entry "openssl|ssl crypto|openssl/ssl.h" "gnutls|gnutls|gnutls/dtls.h")
		string(REPLACE "|" ";" entry "${entry}")
		list(GET entry 0 library)
		list(GET entry 1 names)
		list(GET entry 2 header)
		separate_arguments(names)
		find_path(peer_${library}_INCLUDE ${header})
		list(GET names 0 first)
		find_library(peer_${library}_LIBRARY ${first})
		if(NOT peer_${library}_INCLUDE OR NOT peer_${library}_LIBRARY)
			message(STATUS "no ${library}: a peer of tests/net left out; run: sudo scripts/setup.sh test")
			continue()
		endif()
		add_executable(peer_${library} ${test_dir}/net/peers/dtls_${library}.c)
		target_link_libraries(peer_${library} PRIVATE ${names})
		set_target_properties(peer_${library} PROPERTIES
			OUTPUT_NAME dtls_${library}
			RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
	endforeach()
endfunction()

# tests/bench/NAME.c: what tests/bench/run.sh measures with.
function(bench_programs)
	file(GLOB sources CONFIGURE_DEPENDS ${test_dir}/bench/*.c)
	if(NOT OCSERV_BPF)
		list(FILTER sources EXCLUDE REGEX "/bench_shield\\.c$")
	endif()
	foreach(source ${sources})
		get_filename_component(name ${source} NAME_WE)
		add_executable(bench_${name} ${source})
		target_link_libraries(bench_${name} PRIVATE guard wire base dep::wolfssl dep::uv dep::jansson dep::bpf Threads::Threads)
		add_dependencies(bench_${name} bpf_skeletons)
		target_include_directories(bench_${name} PRIVATE ${test_dir})
		set_target_properties(bench_${name} PROPERTIES
			OUTPUT_NAME ${name}
			RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
	endforeach()
	# octun is ocload with a device in place of its generator
	file(GLOB load_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/ocload/*.c)
	list(FILTER load_sources EXCLUDE REGEX "/(main|load|run|result|peer|stream)\\.c$")
	target_sources(bench_octun PRIVATE ${load_sources})
	target_include_directories(bench_octun PRIVATE ${CMAKE_SOURCE_DIR}/tools/ocload)
endfunction()

function(lint_tests)
	foreach(script format.sh includes.sh sizes.sh docs.py)
		cmake_path(GET script STEM name)
		add_test(NAME lint.${name} COMMAND ${CMAKE_SOURCE_DIR}/scripts/check-${script}
			WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
		register(lint ${name} 60)
	endforeach()
endfunction()

if(NOT CMAKE_BUILD_TYPE STREQUAL "Fuzz")
	cmocka_tests(unit 120)
	cmocka_tests(bpf 120)
	net_tests()
	peer_programs()
	bench_programs()
	lint_tests()
endif()
fuzz_targets()
