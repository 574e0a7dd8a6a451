# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -DINTO=DIR "-DPROGRAMS=FILE;..." -P copy-programs.cmake: the files alone in DIR.
file(REMOVE_RECURSE ${INTO})
file(COPY ${PROGRAMS} DESTINATION ${INTO})
