// SPDX-License-Identifier: LGPL-2.1-or-later
// A fake security model as the table of a plugin, whether that is part of the test or in a file of
// its own.
#pragma once

#include <svirt/plugin.h>

#include <atomic>
#include <string>
#include <vector>

#include "host/loader/plugin.h"

namespace svirt::fake {

// A security model for tests that needs no kernel: what the kernel would keep, it keeps in files
// below a directory, so that it outlives processes as labels do.
//
// Process labels are "L:INDEX", object labels "I:INDEX"; a static label "S:FIRST-LAST" takes that
// run of indexes, and "S:shared" none; an owner may write "s:" instead. As an object model it gives
// a domain's own objects the object label (exclusive), shared ones "I:shared", and those it only
// reads "content".
class ModelTable {
 public:
  struct Options {
    std::string name = "fakemac";
    bool profile = false;       // grants resources instead of labelling them
    bool keep_content = false;  // "content" is kept when a domain stops
    std::vector<IndexRun> space = {{0, 28}};
    bool can_ask_processes = true;
    bool fixed = false;  // process labels are "L:INDEX/RESOURCES", settled when a domain starts
    // Labels the domains of a hypervisor, by their number; one that is to have label LABEL is built
    // under "LABEL/build".
    bool hypervisor = false;
    bool enforcing = true;
    bool permissive_domains = false;  // it enforces, but not on processes
    bool empty_recipe = false;        // processes get their labels without one
    // Defects: every dynamic label is made from number 0, and it claims all numbers.
    bool ignores_index = false, claims_all = false;
    // Labels of objects are kept in the extended attribute user.svirt.NAME instead, which only
    // regular files and directories can have, and no policy is loaded: for tests that count, fail
    // or time system calls.
    bool xattr = false;
    // What a domain shares, or only reads, keeps its label and gets an entry "E:INDEX:r" (or rw) of
    // the domain's own.
    bool entries = false;
  };

  // dir: where labels are kept; several with one dir and name are the same model.
  ModelTable(std::string dir, Options options);
  ModelTable(const ModelTable &) = delete;
  ModelTable &operator=(const ModelTable &) = delete;

  // All of it but init and fini, which depend on where the plugin is. An instance is a ModelTable.
  const svirt_plugin &table() const { return table_; }

  // "" if it has none.
  std::string LabelOf(const std::string &path) const;
  // All entries on the object, in order, with a space behind each.
  std::string EntriesOf(const std::string &path) const;
  void SetEntriesOf(const std::string &path, const std::string &entries) const;
  void SetLabelOf(const std::string &path, const std::string &label) const;
  void SetProcessLabel(pid_t pid, const std::string &label) const;
  void SetDomainLabel(int id, const std::string &label) const;
  // "" if there is none, or it has none.
  std::string DomainLabel(int id) const;
  // What set_label made known for the domain; "" if nothing.
  std::string ProfileOf(const std::string &uuid) const;

  Options options;
  std::atomic<int> calls = 0;  // of the slots that plan, read or change something
  int kill_at = 0;             // SIGKILL of the process at this call, before it does anything
  std::atomic<int> sets = 0;   // of resource labels
  int fail_set_at = 0;
  bool fail_set_label = false;
  // Of moving a hypervisor's domain to its label: it fails; or it seems to succeed.
  bool fail_relabel = false, skip_relabel = false;
  bool fail_build_label = false;
  // Objects whose path ends so cannot be labelled: get or set says not supported.
  static constexpr const char *kNoGet = ".noget";
  static constexpr const char *kNoSet = ".noset";
  // Labels of these are set without an error, and are not there afterwards.
  static constexpr const char *kForgetful = ".forgetful";
  // Objects whose path ends so need no entry, or cannot have the one they need.
  static constexpr const char *kOpen = ".open";
  static constexpr const char *kNoEntry = ".noentry";
  // A domain that has a label cannot reach it.
  static constexpr const char *kNoWay = ".noway";

  // For the slots.
  std::string DomainFile(int id) const { return FileOf("domain-" + std::to_string(id)); }
  std::string AttributeName() const { return "user.svirt." + options.name; }
  std::string FileOf(const std::string &what) const {
    return dir_ + "/" + options.name + "-" + what;
  }
  void Enter();

 protected:
  svirt_plugin table_{};

 private:
  std::string dir_;
};

}  // namespace svirt::fake
