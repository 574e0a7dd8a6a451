# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -DBUILD=DIR -DINTO=DIR [-DWITHOUT=FILE] -P install-payload.cmake: installs the build into DIR,
# without the files of that name.
file(REMOVE_RECURSE ${INTO})
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env DESTDIR=${INTO} ${CMAKE_COMMAND} --install ${BUILD}
  COMMAND_ERROR_IS_FATAL ANY)
if(WITHOUT)
  file(GLOB_RECURSE found ${INTO}/${WITHOUT})
  if(found)
    file(REMOVE ${found})
  endif()
endif()
