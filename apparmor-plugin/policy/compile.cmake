# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -DPARSER=.. -DRULES=.. -DFEATURES=.. -DIMAGE=.. -P compile.cmake: RULES as a profile,
# compiled, into IMAGE.
file(READ ${RULES} rules)
file(WRITE ${IMAGE}.profile "profile svirt {\n${rules}}\n")
execute_process(
  COMMAND ${PARSER} --config-file=/dev/null --policy-features=${FEATURES}
          --kernel-features=${FEATURES} --skip-kernel-load --skip-cache --stdout ${IMAGE}.profile
  OUTPUT_FILE ${IMAGE} ERROR_VARIABLE errors RESULT_VARIABLE failed)
if(failed)
  file(REMOVE ${IMAGE})
  message(FATAL_ERROR "${PARSER} could not compile ${RULES}: ${errors}")
endif()
