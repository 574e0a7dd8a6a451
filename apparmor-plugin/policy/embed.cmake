# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -DIMAGE=.. -DRULES=.. -DFEATURES=.. -DSOURCE=.. -P embed.cmake: the three files as C++.
set(text "// SPDX-License-Identifier: LGPL-2.1-or-later\n#include \"policy/shared_policy.h\"\n\nnamespace svirt::apparmor {\n\nnamespace {\n\n")
foreach(part IMAGE RULES FEATURES)
  file(READ ${${part}} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND text "constexpr unsigned char k${part}[] = {\n${bytes}};\n\n")
endforeach()
string(APPEND text "std::string_view View(const unsigned char *bytes, size_t size) {\n  return {reinterpret_cast<const char *>(bytes), size};\n}\n\n}  // namespace\n\n")
string(APPEND text "std::string_view SharedImage() {\n  return View(kIMAGE, sizeof kIMAGE);\n}\n\n")
string(APPEND text "std::string_view SharedRules() {\n  return View(kRULES, sizeof kRULES);\n}\n\n")
string(APPEND text "std::string_view PolicyFeatures() {\n  return View(kFEATURES, sizeof kFEATURES);\n}\n\n}  // namespace svirt::apparmor\n")
file(WRITE ${SOURCE} "${text}")
