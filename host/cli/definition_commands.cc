// SPDX-License-Identifier: LGPL-2.1-or-later
// define, undefine, edit, dumpxml
#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/algorithm/string.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <vector>

#include "host/cli/cli.h"
#include "host/cli/input.h"
#include "host/domain/domain_xml.h"
#include "host/util/file.h"

namespace svirt {
namespace {

// A file of this process's own, removed at the end.
class TemporaryFile {
 public:
  static Result<std::unique_ptr<TemporaryFile>> Make(const std::string &content) {
    std::string path = std::filesystem::temp_directory_path().string() + "/svirt-edit-XXXXXX.xml";
    const Fd fd(::mkostemps(path.data(), 4, O_CLOEXEC));
    if (!fd) {
      return SystemError(errno, "cannot make a temporary file");
    }
    std::unique_ptr<TemporaryFile> file(new TemporaryFile(path));
    SVIRT_TRY(WriteFileAtomic(path, content, 0600));
    return file;
  }
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  const std::string &path() const { return path_; }

 private:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Runs $VISUAL, $EDITOR or vi. The variable may hold arguments, separated by spaces.
Status RunEditor(const std::string &file) {
  const char *editor = ::getenv("VISUAL");
  if (editor == nullptr || *editor == '\0') {
    editor = ::getenv("EDITOR");
  }
  std::vector<std::string> words;
  const std::string command = editor != nullptr ? boost::trim_copy(std::string(editor)) : "";
  boost::split(words, command.empty() ? "vi" : command, boost::is_space(),
               boost::token_compress_on);
  words.push_back(file);
  std::vector<char *> argv;
  for (std::string &word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  pid_t pid = -1;
  if (const int error = ::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ);
      error != 0) {
    return SystemError(error, "cannot run the editor " + words.front() + "; set $EDITOR");
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return SystemError(errno, "cannot wait for the editor");
    }
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error{Errc::kSystem, "the editor " + words.front() + " failed; nothing is changed"};
  }
  return {};
}

bool AskToGoOn() {
  Say("Edit it again? [y,n]: ");
  std::string answer;
  return std::getline(std::cin, answer) && boost::istarts_with(boost::trim_copy(answer), "y");
}

Result<int> Edit(Host &host, const std::string &name) {
  SVIRT_ASSIGN(const StoredDomain stored, host.definitions.Find(name));
  const std::string before = FormatDomainXml(stored.domain, true);
  SVIRT_ASSIGN(const std::unique_ptr<TemporaryFile> file, TemporaryFile::Make(before));
  while (true) {
    SVIRT_TRY(RunEditor(file->path()));
    SVIRT_ASSIGN(const std::string after, ReadFile(file->path(), kLargestInput));
    if (after == before) {
      fmt::print("Domain '{}' is not changed\n", stored.domain.name);
      return kExitOk;
    }
    auto defined = host.definitions.Define(after, file->path());
    if (defined.ok()) {
      fmt::print("Domain '{}' is changed\n", defined->name);
      return kExitOk;
    }
    Say("svirt: {}\n", defined.error().message);
    if (!AskToGoOn()) {
      Say("svirt: domain '{}' is not changed\n", stored.domain.name);
      return ExitCodeOf(defined.error().code);
    }
  }
}

}  // namespace

void AddDefinitionCommands(CLI::App &app, CliContext &context, int &exit_code) {
  auto file = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  auto inactive = std::make_shared<bool>(false);

  CLI::App *define = app.add_subcommand("define", "Keep a domain from an XML file");
  define->add_option("FILE", *file, "Domain XML, or - for standard input")->required();
  OnRun(define, context, exit_code, [file](Host &host) -> Result<int> {
    SVIRT_ASSIGN(const std::string xml, ReadInput(*file));
    SVIRT_ASSIGN(const Domain domain, host.definitions.Define(xml, *file));
    fmt::print("Domain '{}' defined from {}\n", domain.name, *file);
    return kExitOk;
  });

  CLI::App *undefine = app.add_subcommand("undefine", "Forget a domain that does not run");
  undefine->add_option("DOMAIN", *name, "Name or uuid")->required();
  OnRun(undefine, context, exit_code, [name](Host &host) -> Result<int> {
    HoldEndSignals();
    SVIRT_TRY(host.definitions.Undefine(*name));
    fmt::print("Domain '{}' has been undefined\n", *name);
    return kExitOk;
  });

  CLI::App *edit = app.add_subcommand("edit", "Change a domain's XML with $EDITOR");
  edit->add_option("DOMAIN", *name, "Name or uuid")->required();
  OnRun(edit, context, exit_code, [name](Host &host) { return Edit(host, *name); });

  CLI::App *dumpxml = app.add_subcommand("dumpxml", "Print a domain's XML");
  dumpxml->add_option("DOMAIN", *name, "Name or uuid")->required();
  dumpxml->add_flag("--inactive", *inactive, "As defined, even if the domain runs");
  OnRun(dumpxml, context, exit_code, [name, inactive](Host &host) -> Result<int> {
    SVIRT_ASSIGN(const StoredDomain stored, host.definitions.Find(*name));
    const bool live = stored.running && !*inactive;
    fmt::print("{}", FormatDomainXml(live ? stored.running->domain : stored.domain, !live));
    return kExitOk;
  });
}

}  // namespace svirt
