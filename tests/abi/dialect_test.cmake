# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -DCOMPILER= -DSTANDARD= -DLANGUAGE= -DINCLUDE= -DSOURCES= -P: the sources compile in this
# dialect without a warning.
find_program(compiler ${COMPILER})
if(NOT compiler)
  message(STATUS "skipped: needs the compiler ${COMPILER}, which is not installed")
  return()
endif()
set(warnings -Wall -Wextra -pedantic -Werror)
if(NOT LANGUAGE STREQUAL "c++")
  list(APPEND warnings -Wstrict-prototypes -Wmissing-prototypes)
endif()
foreach(source IN LISTS SOURCES)
  execute_process(COMMAND ${compiler} -x ${LANGUAGE} -std=${STANDARD} ${warnings} -I${INCLUDE}
    -fsyntax-only ${source} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${source} does not compile as ${STANDARD} with ${COMPILER}")
  endif()
endforeach()
