# SPDX-License-Identifier: GPL-3.0-or-later
# How a folder becomes a library or a program. A folder that is not there yet, or is empty, is left out.

# part(NAME SOURCES files... LINK targets...): a static library; without sources only its name, so that
# the link lines of others need not ask.
function(part name)
	cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
	if(ARG_SOURCES)
		add_library(${name} STATIC ${ARG_SOURCES})
		target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
		target_include_directories(${name} SYSTEM PUBLIC ${gen_dir})
		target_link_libraries(${name} PUBLIC ${ARG_LINK})
		add_dependencies(${name} bpf_skeletons ipc_messages)
	else()
		add_library(${name} INTERFACE)
		target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
		target_include_directories(${name} SYSTEM INTERFACE ${gen_dir})
		target_link_libraries(${name} INTERFACE ${ARG_LINK})
	endif()
endfunction()

# process(NAME OUTPUT DIR LINK targets...): src/NAME without main.c is the library NAME_core,
# main.c on top of it the program DIR/OUTPUT.
function(process name output dir)
	cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c)
	set(main ${CMAKE_SOURCE_DIR}/src/${name}/main.c)
	list(FIND sources ${main} has_main)
	list(REMOVE_ITEM sources ${main})
	part(${name}_core SOURCES ${sources} LINK ${ARG_LINK})
	if(has_main EQUAL -1)
		return()
	endif()
	add_executable(${name} ${main})
	target_link_libraries(${name} PRIVATE dep::malloc ${name}_core)
	add_dependencies(${name} bpf_skeletons ipc_messages)
	set_target_properties(${name} PROPERTIES
		OUTPUT_NAME ${output}
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${dir})
	if(dir STREQUAL "bin")
		install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
	else()
		install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR})
	endif()
endfunction()

# tool(NAME LINK targets...): tools/NAME/*.c is the program bin/NAME.
function(tool name)
	cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/${name}/*.c)
	if(NOT sources)
		return()
	endif()
	add_executable(${name} ${sources})
	target_link_libraries(${name} PRIVATE ${ARG_LINK})
	target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tools/${name})
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
	install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
