// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers list, create, destroy and unpause in the words of the real command.
#include "host/hypervisor/xen/fake_xl.h"

#include <cstdio>

#include "host/util/file.h"

namespace svirt {
namespace {

ToolAnswer Failed(const std::string &words) {
  return {.status = 1, .out = "", .err = words + "\n"};
}

// The string that stands for key in a configuration; "" if there is none.
std::string ValueOf(const std::string &config, const std::string &key) {
  const std::string start = key + " = \"";
  const size_t at = ("\n" + config).find("\n" + start);
  if (at == std::string::npos) {
    return "";
  }
  const size_t from = at + start.size();
  return config.substr(from, config.find('"', from) - from);
}

}  // namespace

Status FakeXl::Find() const {
  return xen_->missing ? Status(Error{Errc::kUnsupported, "there is no xl"}) : Status();
}

Result<ToolAnswer> FakeXl::Run(const std::vector<std::string> &args, const std::string &cwd) {
  SVIRT_TRY(Find());
  if (args.front() == "list") {
    return List();
  }
  std::string words;
  for (const std::string &word : args) {
    words += (words.empty() ? "" : " ") + word;
  }
  xen_->calls.push_back(words);
  if (args.front() == "create") {
    return Create(cwd + "/" + args.back());
  }
  const int id = std::stoi(args.back());
  if (!xen_->guests.contains(id)) {
    return Failed("libxl: error: no such domain");
  }
  if (args.front() == "destroy") {
    return Destroy(id);
  }
  if (xen_->fail_unpause) {
    return Failed("libxl: error: unpausing\nfailed");
  }
  xen_->guests[id].paused = false;
  return ToolAnswer{.status = 0, .out = "", .err = ""};
}

ToolAnswer FakeXl::List() {
  if (xen_->fail_list || (xen_->fail_list_at > 0 && --xen_->fail_list_at == 0)) {
    return Failed("xencall: error: Could not obtain handle on privileged command interface");
  }
  std::string text =
      "Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID"
      "                            Reason-Code\tSecurity Label\n"
      "Domain-0                                     0  1024     1     r-----      12.5 "
      "00000000-0000-0000-0000-000000000000        - system_u:system_r:dom0_t\n";
  for (const auto &[id, guest] : xen_->guests) {
    char line[512];
    std::snprintf(line, sizeof line, "%-40s %5d %5d %5d     %c%c%c%c%c%c  %8.1f %s %8s %16s\n",
                  guest.name.c_str(), id, 64, 1, '-', guest.paused ? '-' : 'b',
                  guest.paused ? 'p' : '-', guest.shut_down ? 's' : '-', '-',
                  guest.dying ? 'd' : '-', 0.1, guest.uuid.c_str(), guest.shut_down ? "0" : "-",
                  guest.seclabel.empty() ? "-" : guest.seclabel.c_str());
    text += line;
  }
  return {.status = 0, .out = text, .err = ""};
}

ToolAnswer FakeXl::Create(const std::string &file) {
  const auto config = ReadFile(file, 1u << 20);
  if (!config.ok() || xen_->fail_create) {
    return Failed("libxl: error: domain creation failed");
  }
  xen_->config = *config;
  if (xen_->lose_guest) {
    return {.status = 0, .out = "", .err = ""};
  }
  FakeXen::Guest guest;
  guest.name = ValueOf(*config, "name");
  guest.uuid = ValueOf(*config, "uuid");
  guest.seclabel =
      xen_->wrong_seclabel.empty() ? ValueOf(*config, "seclabel") : xen_->wrong_seclabel;
  guest.paused = !xen_->start_at_once;
  const int id = xen_->next_id++;
  if (xen_->label) {
    xen_->label(id, guest.seclabel);
  }
  xen_->guests[id] = guest;
  return xen_->fail_halfway ? Failed("libxl: error: hotplug script failed")
                            : ToolAnswer{.status = 0, .out = "Parsing config\n", .err = ""};
}

ToolAnswer FakeXl::Destroy(int id) {
  if (xen_->fail_destroy) {
    return Failed("libxl: error: cannot destroy");
  }
  if (xen_->never_gone) {
    xen_->guests[id].dying = true;
  } else {
    xen_->guests.erase(id);
  }
  return {.status = 0, .out = "", .err = ""};
}

}  // namespace svirt
