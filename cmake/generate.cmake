# SPDX-License-Identifier: GPL-3.0-or-later
# Generated sources. They appear under build/<preset>/gen and are included as "ipc/NAME.pb-c.h", "bpf/NAME.skel.h".

set(gen_dir ${CMAKE_BINARY_DIR}/gen)

# Messages: src/ipc/NAME.proto -> gen/ipc/NAME.pb-c.[ch]; the list of .c files goes to OUT.
function(generate_messages out)
	file(GLOB protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/ipc/*.proto)
	set(sources "")
	if(protos)
		find_program(PROTOC_C protoc-c REQUIRED)
	endif()
	foreach(proto ${protos})
		get_filename_component(name ${proto} NAME_WE)
		set(stem ${gen_dir}/ipc/${name}.pb-c)
		file(MAKE_DIRECTORY ${gen_dir}/ipc)
		add_custom_command(
			OUTPUT ${stem}.c ${stem}.h
			COMMAND ${PROTOC_C} --c_out=${gen_dir} -I ${CMAKE_SOURCE_DIR}/src ${proto}
			DEPENDS ${proto}
			COMMENT "protoc-c ${name}.proto"
			VERBATIM)
		set_source_files_properties(${stem}.c PROPERTIES COMPILE_OPTIONS "-w")
		list(APPEND sources ${stem}.c ${stem}.h)
	endforeach()
	set(${out} "${sources}" PARENT_SCOPE)
endfunction()

# BPF programs: src/bpf/NAME.bpf.c -> gen/bpf/NAME.skel.h, all behind the target bpf_skeletons.
function(generate_bpf)
	add_custom_target(bpf_skeletons)
	file(GLOB programs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/bpf/*.bpf.c)
	if(NOT OCSERV_BPF OR NOT programs)
		return()
	endif()
	find_program(BPF_CLANG NAMES clang-19 clang-20 clang-21 clang REQUIRED)
	find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)
	file(MAKE_DIRECTORY ${gen_dir}/bpf)
	foreach(program ${programs})
		get_filename_component(file ${program} NAME)
		string(REGEX REPLACE "\\.bpf\\.c$" "" name ${file})
		set(object ${gen_dir}/bpf/${name}.bpf.o)
		set(skeleton ${gen_dir}/bpf/${name}.skel.h)
		add_custom_command(
			OUTPUT ${object}
			COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -std=gnu23 -O2 -g -Wall -Werror
				-I ${CMAKE_SOURCE_DIR}/src -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
				-MMD -MF ${object}.d -MT ${object} -c ${program} -o ${object}
			DEPENDS ${program}
			DEPFILE ${object}.d
			COMMENT "bpf ${file}"
			VERBATIM)
		# Written beside and renamed: a failed bpftool must not leave an empty header.
		add_custom_command(
			OUTPUT ${skeleton}
			COMMAND sh -c "\"$0\" gen skeleton \"$1\" name \"$2\" >\"$3.new\" && mv \"$3.new\" \"$3\""
				${BPFTOOL} ${object} ${name} ${skeleton}
			DEPENDS ${object}
			COMMENT "skeleton ${name}.skel.h"
			VERBATIM)
		add_custom_target(skeleton_${name} DEPENDS ${skeleton})
		add_dependencies(bpf_skeletons skeleton_${name})
	endforeach()
endfunction()
