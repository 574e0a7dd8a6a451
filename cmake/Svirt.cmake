# SPDX-License-Identifier: LGPL-2.1-or-later
# How targets of this project are built; every CMakeLists.txt uses these.

# Off: who builds a release years later has compilers and libraries that warn of more. Presets set it.
option(SVIRT_WERROR "Treat warnings as errors" OFF)
option(SVIRT_UNITY_TESTS "Compile each test program in one piece, in half the time" OFF)
option(SVIRT_FULL_TESTS "Add the tests of run-tests --full, which take hours" OFF)
set(SVIRT_SANITIZE "" CACHE STRING "Sanitizers, as given to -fsanitize=")

add_library(svirt_options INTERFACE)
target_compile_features(svirt_options INTERFACE cxx_std_20 c_std_99)
target_compile_options(svirt_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion
                       $<$<BOOL:${SVIRT_WERROR}>:-Werror>)
# GCC 12 sees overlapping copies in std::string concatenations that are none (GCC PR 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(svirt_options INTERFACE -Wno-restrict)
endif()
if(SVIRT_SANITIZE)
  target_compile_options(svirt_options INTERFACE -fsanitize=${SVIRT_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(svirt_options INTERFACE -fsanitize=${SVIRT_SANITIZE})
else()
  target_compile_options(svirt_options INTERFACE -fstack-protector-strong)
  target_compile_definitions(svirt_options INTERFACE
                             $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
  target_link_options(svirt_options INTERFACE -Wl,-z,now -Wl,-z,relro)
endif()

# svirt_library(NAME SOURCES... [TESTING] [LINK libs...]): a part of the host, TESTING of its tests
# alone. Tests link the parts that they are about; programs link svirt_host, which has all of them.
function(svirt_library name)
  cmake_parse_arguments(arg "TESTING" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE svirt_options PUBLIC svirt_abi ${arg_LINK})
  if(NOT arg_TESTING)
    set_property(GLOBAL APPEND PROPERTY SVIRT_HOST_PARTS ${name})
  endif()
endfunction()

# Builds the programs with the label threads, which are what ThreadSanitizer is for.
add_custom_target(threads)

# svirt_test(NAME SOURCES... [LINK libs...] [LABELS labels...] [ARGUMENTS words...]): a GoogleTest
# program. tests/README.md lists the labels.
function(svirt_test name)
  cmake_parse_arguments(arg "" "" "LINK;LABELS;ARGUMENTS" ${ARGN})
  if(NOT BUILD_TESTING)
    return()
  endif()
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  if(SVIRT_UNITY_TESTS)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE svirt_options ${arg_LINK} GTest::gtest_main GTest::gmock)
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGUMENTS})
  if("threads" IN_LIST arg_LABELS)
    add_dependencies(threads ${name})
  endif()
  list(APPEND arg_LABELS unit)
  if(NOT "fault" IN_LIST arg_LABELS)
    list(APPEND arg_LABELS quick)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 300)
endfunction()
