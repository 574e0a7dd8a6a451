# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -DNM= -DPLUGIN= -P: the plugin exports svirt_plugin_v1 and nothing else.
execute_process(COMMAND ${NM} -D --defined-only ${PLUGIN}
  OUTPUT_VARIABLE symbols RESULT_VARIABLE result OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT result EQUAL 0 OR NOT symbols MATCHES "^[0-9a-f]+ T svirt_plugin_v1$")
  message(FATAL_ERROR "${PLUGIN} does not export svirt_plugin_v1 alone:\n${symbols}")
endif()
