# SPDX-License-Identifier: GPL-3.0-or-later
# Chooses the compiler before project(), when neither CC nor CMAKE_C_COMPILER says which.
# The same order as scripts/cc.sh.
if(DEFINED CMAKE_C_COMPILER OR DEFINED ENV{CC})
	return()
endif()
execute_process(
	COMMAND ${CMAKE_SOURCE_DIR}/scripts/cc.sh
	OUTPUT_VARIABLE found
	OUTPUT_STRIP_TRAILING_WHITESPACE
	RESULT_VARIABLE failed)
if(failed)
	message(FATAL_ERROR "no compiler for C23; run: sudo scripts/setup.sh build")
endif()
set(CMAKE_C_COMPILER ${found} CACHE STRING "C compiler")
