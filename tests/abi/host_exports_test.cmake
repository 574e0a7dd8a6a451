# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -DNM= -DLIBSVIRT= -DHOST= -DCOMMAND= -P: libsvirt shows the C API and nothing else, the file
# it shares with the command shows svirt's own names alone, and the host's code is in that file only.
function(symbols out file)
  execute_process(COMMAND ${NM} -C --defined-only ${ARGN} ${file}
    OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE ";" "" text "${text}")
  string(REPLACE "\n" ";" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

symbols(shown ${LIBSVIRT} -D)
list(FILTER shown EXCLUDE REGEX " (T svirt_[a-z_]+@@SVIRT_1\\.[0-9]+|A SVIRT_1\\.[0-9]+)$|^$")
if(shown)
  list(GET shown 0 first)
  message(FATAL_ERROR "${LIBSVIRT} shows more than the C API: ${first}")
endif()

symbols(shown ${HOST} -D)
list(FILTER shown EXCLUDE REGEX "^[0-9a-f]+ [A-Za-z] (typeinfo (name )?for |vtable for )?svirt::|^$")
if(shown)
  list(GET shown 0 first)
  message(FATAL_ERROR "${HOST} shows names that are not svirt's own: ${first}")
endif()

foreach(file IN ITEMS ${HOST} ${LIBSVIRT} ${COMMAND})
  symbols(all ${file})
  list(FILTER all INCLUDE REGEX " T svirt::Machine::Machine\\(")
  if(all)
    list(APPEND owners ${file})
  endif()
endforeach()
if(NOT owners STREQUAL HOST)
  message(FATAL_ERROR "The host's code is in '${owners}', not in ${HOST} alone")
endif()
