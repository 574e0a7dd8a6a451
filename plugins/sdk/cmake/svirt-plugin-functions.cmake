# SPDX-License-Identifier: MIT
# How a plugin is built, in this tree and out of it (find_package(svirt-sdk)).

# svirt_plugin(MODEL SOURCES... [LINK libs...]): svirt-MODEL.so with one exported symbol.
function(svirt_plugin model)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_library(svirt-${model} MODULE ${arg_UNPARSED_ARGUMENTS})
  set_target_properties(svirt-${model} PROPERTIES
    PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins
    LINK_DEPENDS ${SVIRT_PLUGIN_MAP})
  target_link_libraries(svirt-${model} PRIVATE svirt::sdk ${arg_LINK})
  if(TARGET svirt_options)  # in the tree of the host itself
    target_link_libraries(svirt-${model} PRIVATE svirt_options)
  elseif(CMAKE_CXX_COMPILER_LOADED)  # not in a project in C
    target_compile_features(svirt-${model} PRIVATE cxx_std_20)
  endif()
  target_link_options(svirt-${model} PRIVATE -Wl,-z,nodelete -Wl,-z,now -Wl,-z,relro
    -Wl,--version-script=${SVIRT_PLUGIN_MAP})
  # With -z defs a missing library shows at link time; sanitizers leave symbols to the program.
  if(NOT SVIRT_SANITIZE)
    target_link_options(svirt-${model} PRIVATE -Wl,-z,defs)
  endif()
  install(TARGETS svirt-${model} LIBRARY DESTINATION ${SVIRT_PLUGIN_DIR})
endfunction()
