# SPDX-License-Identifier: MIT
# Installs the SDK below a directory of its own and builds a plugin against it, as a vendor would.
#   cmake -DBUILD=... -DSOURCE=... -DMODEL=... -DWORK=... -DNM=... -DREADELF=... -DCXX=...
#         -DGENERATOR=... -P package_test.cmake
foreach(name BUILD SOURCE MODEL WORK NM READELF CXX GENERATOR)
  if(NOT ${name})
    message(FATAL_ERROR "${name} is not given")
  endif()
endforeach()

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE output TIMEOUT 240)
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\n${output}\nstatus ${status}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${WORK}/sdk)
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX}
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_PREFIX_PATH=${WORK}/sdk
    "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wconversion -Werror")
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${CMAKE_COMMAND} --install ${WORK}/build --prefix ${WORK}/vendor)

file(GLOB_RECURSE plugins ${WORK}/vendor/*.so)
list(LENGTH plugins count)
if(NOT count EQUAL 1 OR NOT plugins MATCHES "/svirt/plugins/svirt-${MODEL}\\.so$")
  message(FATAL_ERROR "expected one svirt-${MODEL}.so in svirt/plugins, got: ${plugins}")
endif()

run(${NM} -D --defined-only ${plugins})
string(REGEX REPLACE "[0-9a-f]+ [A-Za-z] " "" symbols "${output}")
string(STRIP "${symbols}" symbols)
if(NOT symbols STREQUAL "svirt_plugin_v1")
  message(FATAL_ERROR "svirt-${MODEL}.so exports: ${symbols}")
endif()

run(${READELF} -p .note.svirt ${plugins})
foreach(line SVIRT "abi=1\\.[0-9]+" "model=${MODEL}[^a-z0-9-]" "version=[0-9.]+" "min-host=1\\.[0-9]+"
        "priority=[0-9]+")
  if(NOT output MATCHES "${line}")
    message(FATAL_ERROR "the note of svirt-${MODEL}.so lacks ${line}:\n${output}")
  endif()
endforeach()

run(${READELF} -dW ${plugins})
if(NOT output MATCHES "NODELETE" OR NOT output MATCHES "NOW")
  message(FATAL_ERROR "svirt-${MODEL}.so is not linked with nodelete and now:\n${output}")
endif()
