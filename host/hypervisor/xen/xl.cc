// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds and runs xl, and reads its list of domains.
#include "host/hypervisor/xen/xl.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <system_error>
#include <utility>

#include "host/util/text.h"

namespace svirt {
namespace {

namespace fs = std::filesystem;

constexpr const char *kUsualPlace = "/usr/sbin/xl";
constexpr const char *kLibraries = "/usr/lib";
constexpr std::string_view kVersionPrefix = "xen-";  // one directory for each version of Xen

bool IsExecutable(const std::string &path) {
  return ::access(path.c_str(), X_OK) == 0;
}

// What xl wrote, on one line.
std::string Words(const std::string &text) {
  std::string line;
  for (const char c : text.substr(0, text.find_last_not_of('\n') + 1)) {
    line += c == '\n' ? std::string("; ") : std::string(1, c);
  }
  return Printable(line);
}

std::optional<int> ToId(const std::string &digits) {
  int id = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  return error == std::errc() && end == digits.data() + digits.size() ? std::optional(id)
                                                                      : std::nullopt;
}

}  // namespace

Result<std::string> SystemXl::FindProgram() const {
  if (const std::string usual = root_ + kUsualPlace; IsExecutable(usual)) {
    return usual;
  }
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(root_ + kLibraries, error), end; !error && it != end;
       it.increment(error)) {
    const std::string program = it->path().string() + "/bin/xl";
    if (it->path().filename().string().starts_with(kVersionPrefix) && IsExecutable(program)) {
      found.push_back(program);
    }
  }
  if (found.empty()) {
    return Error{Errc::kUnsupported,
                 "domains of type xen are run by Xen's command xl, and there is neither "
                 "/usr/sbin/xl nor /usr/lib/xen-*/bin/xl: install Xen's toolstack (xen-utils) in "
                 "the control domain"};
  }
  return *std::ranges::max_element(found);
}

Status SystemXl::Find() const {
  SVIRT_ASSIGN(const std::string program, FindProgram());
  return {};
}

Result<ToolAnswer> SystemXl::Run(const std::vector<std::string> &args, const std::string &cwd) {
  ToolCall call;
  SVIRT_ASSIGN(call.program, FindProgram());
  call.argv = {"xl"};
  call.argv.insert(call.argv.end(), args.begin(), args.end());
  // Its scripts for disks and interfaces look for their tools.
  call.env = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  call.cwd = cwd;
  return RunTool(call);
}

Result<std::vector<XenDomain>> ParseXlList(std::string_view text) {
  // Name, ID, Mem, VCPUs, State, Time(s), UUID, Reason-Code, Security Label. The name may be of any
  // characters, so the line is read from its end.
  static const std::regex kLine(
      "([^\n]*) +([0-9]+) +[0-9]+ +[0-9]+ +"
      "[r-][b-]([p-])([s-])[-rscwS?]([d-]) +[0-9.]+ "
      "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) +[0-9a-f-]+ +\\S.*");
  std::vector<XenDomain> domains;
  bool is_header = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (std::exchange(is_header, false)) {
      if (!line.starts_with("Name ") || line.find("UUID") == std::string::npos) {
        return Error{Errc::kSystem, "xl list begins with " + Quoted(Printable(line)) +
                                        ", which is not its heading"};
      }
      continue;
    }
    std::smatch match;
    XenDomain domain;
    const auto id = std::regex_match(line, match, kLine) ? ToId(match[2]) : std::nullopt;
    if (!id) {
      return Error{Errc::kSystem,
                   "xl list has a line that is not understood: " + Quoted(Printable(line))};
    }
    domain.id = *id;
    domain.name = std::string(match[1]).substr(0, match[1].str().find_last_not_of(' ') + 1);
    domain.is_paused = match[3] == "p";
    domain.is_shut_down = match[4] == "s";
    domain.is_dying = match[5] == "d";
    domain.uuid = match[6];
    domains.push_back(std::move(domain));
  }
  if (domains.empty()) {
    return Error{Errc::kSystem, "xl list does not even have the control domain"};
  }
  return domains;
}

Result<std::string> Xl::Ask(const std::vector<std::string> &args, const std::string &cwd) const {
  SVIRT_ASSIGN(ToolAnswer answer, runner_->Run(args, cwd));
  if (answer.status != 0) {
    const std::string words = Words(answer.err);
    return Error{Errc::kSystem, "xl " + args.front() + " failed with status " +
                                    std::to_string(answer.status) +
                                    (words.empty() ? ", and says nothing" : ": " + words)};
  }
  return std::move(answer.out);
}

Result<std::optional<XenDomain>> Xl::FindDomain(const std::string &uuid) const {
  SVIRT_ASSIGN(const std::string text, Ask({"list", "--verbose"}));
  SVIRT_ASSIGN(std::vector<XenDomain> domains, ParseXlList(text));
  for (XenDomain &domain : domains) {
    if (domain.uuid == uuid) {
      return std::optional(std::move(domain));
    }
  }
  return std::optional<XenDomain>();
}

Status Xl::Create(const std::string &directory, const std::string &config) const {
  // -p: paused. -e: no process that waits for the domain's end, to start it again by itself.
  SVIRT_ASSIGN(const std::string out, Ask({"create", "-p", "-e", config}, directory));
  return {};
}

Status Xl::Unpause(int id) const {
  SVIRT_ASSIGN(const std::string out, Ask({"unpause", std::to_string(id)}));
  return {};
}

Status Xl::Destroy(int id) const {
  SVIRT_ASSIGN(const std::string out, Ask({"destroy", std::to_string(id)}));
  return {};
}

}  // namespace svirt
