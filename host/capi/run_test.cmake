# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs TEST with the empty directory DIR.
file(REMOVE_RECURSE ${DIR})
file(MAKE_DIRECTORY ${DIR})
execute_process(COMMAND ${TEST} ${DIR} COMMAND_ERROR_IS_FATAL ANY)
