# SPDX-License-Identifier: MIT
# Builds the template with nothing but pkg-config and a compiler.
#   cmake -DBUILD=... -DSOURCE=... -DWORK=... -DPKG_CONFIG=... -DNM=... -DCXX=... -DLIBDIR=...
#         -P pkgconfig_test.cmake
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${WORK}/sdk
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

function(ask result)
  execute_process(
    COMMAND ${PKG_CONFIG} --define-variable=prefix=${WORK}/sdk ${ARGN}
            ${WORK}/sdk/${LIBDIR}/pkgconfig/svirt-plugin.pc
    OUTPUT_VARIABLE output OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${output}" PARENT_SCOPE)
endfunction()
ask(cflags --cflags)
ask(script --variable=versionscript)
ask(plugindir --variable=plugindir)
ask(version --modversion)

if(NOT plugindir STREQUAL "${WORK}/sdk/${LIBDIR}/svirt/plugins")
  message(FATAL_ERROR "plugindir is ${plugindir}")
endif()
if(NOT version MATCHES "^1\\.[0-9]+$")
  message(FATAL_ERROR "the version is not that of the ABI: ${version}")
endif()
separate_arguments(cflags)
execute_process(
  COMMAND ${CXX} -std=c++20 ${cflags} -fPIC -fvisibility=hidden -shared
          -Wl,--version-script=${script} -o ${WORK}/svirt-example.so ${SOURCE}/example.cc
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${NM} -D --defined-only ${WORK}/svirt-example.so
                OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
if(NOT symbols MATCHES "^[0-9a-f]+ T svirt_plugin_v1\n$")
  message(FATAL_ERROR "svirt-example.so exports: ${symbols}")
endif()
