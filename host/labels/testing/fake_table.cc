// SPDX-License-Identifier: LGPL-2.1-or-later
// What the fake security model answers, slot by slot.
#include "host/labels/testing/fake_table.h"

#include <svirt/ext/draft/access.h>
#include <svirt/ext/draft/build_label.h>
#include <svirt/ext/draft/object_entry.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace svirt::fake {
namespace {

ModelTable &Self(svirt_instance *instance) {
  return *reinterpret_cast<ModelTable *>(instance);
}

svirt_status Say(svirt_error *error, svirt_status status, const std::string &sentence) {
  std::snprintf(error->message, sizeof error->message, "%s", sentence.c_str());
  return status;
}

svirt_status Give(svirt_buf *buf, const std::string &text) {
  buf->used = static_cast<uint32_t>(text.size() + 1);
  if (buf->used > buf->size) {
    return SVIRT_E_RANGE;
  }
  std::memcpy(buf->data, text.c_str(), buf->used);
  return SVIRT_OK;
}

std::string ReadAll(const std::string &path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// By rename, so that a killed process leaves the old or the new content.
bool WriteAll(const std::string &path, const std::string &text) {
  const std::string temporary = path + "." + std::to_string(::getpid());
  std::ofstream out(temporary);
  out << text;
  out.close();
  return out.good() && ::rename(temporary.c_str(), path.c_str()) == 0;
}

bool Remove(const std::string &path) {
  return ::unlink(path.c_str()) == 0 || errno == ENOENT;
}

std::string ObjectFile(const ModelTable &model, const struct stat &st) {
  return model.FileOf("object-" + std::to_string(st.st_dev) + "-" + std::to_string(st.st_ino));
}

std::string ObjectFile(const ModelTable &model, const svirt_resource *resource) {
  struct stat st {};
  if (resource->fd < 0 || ::fstat(resource->fd, &st) != 0) {
    return "";
  }
  return ObjectFile(model, st);
}

// What resource->fd is open on, by a path that works for O_PATH descriptors, too.
std::string PathOf(const svirt_resource *resource) {
  return "/proc/self/fd/" + std::to_string(resource->fd);
}

svirt_status SayErrno(svirt_error *error, const std::string &sentence) {
  error->sys_errno = errno;
  return Say(error, errno == ENOTSUP ? SVIRT_E_NOTSUP : SVIRT_E_SYSTEM,
             sentence + ": " + std::strerror(error->sys_errno));
}

svirt_status GetAttribute(const ModelTable &self, const svirt_resource *resource, svirt_buf *label,
                          svirt_error *error) {
  const std::string path = PathOf(resource), name = self.AttributeName();
  // Few labels are longer, and the kernel allocates as much as it is asked for.
  std::string text(255, '\0');
  ssize_t size = ::getxattr(path.c_str(), name.c_str(), text.data(), text.size());
  if (size < 0 && errno == ERANGE) {
    text.resize(SVIRT_LABEL_MAX);
    size = ::getxattr(path.c_str(), name.c_str(), text.data(), text.size());
  }
  if (size < 0) {
    return errno == ENODATA ? Say(error, SVIRT_E_NODATA, "no label")
                            : SayErrno(error, "cannot read the label");
  }
  text.resize(static_cast<size_t>(size));
  return Give(label, text);
}

svirt_status SetAttribute(const ModelTable &self, const svirt_resource *resource, const char *label,
                          svirt_error *error) {
  const std::string path = PathOf(resource), name = self.AttributeName();
  const int rc = label == nullptr
                     ? ::removexattr(path.c_str(), name.c_str())
                     : ::setxattr(path.c_str(), name.c_str(), label, std::strlen(label), 0);
  if (rc != 0 && !(label == nullptr && errno == ENODATA)) {
    return SayErrno(error, "cannot set the label");
  }
  return SVIRT_OK;
}

bool ParseClaim(const std::string &label, IndexRun *run) {
  unsigned long long first = 0, last = 0;
  if (std::sscanf(label.c_str(), "%*1[Ss]:%llu-%llu", &first, &last) == 2 && first <= last) {
    *run = {first, last - first + 1};
    return true;
  }
  if (std::sscanf(label.c_str(), "%*1[LI]:%llu", &first) == 1) {
    *run = {first, 1};
    return true;
  }
  return false;
}

svirt_status Probe(const svirt_host *, const char *, svirt_error *reason) noexcept {
  return Say(reason, SVIRT_OK, "made for tests");
}

svirt_status GetModel(svirt_instance *instance, const char *, svirt_model *out,
                      svirt_error *) noexcept {
  const ModelTable &self = Self(instance);
  out->flags = self.options.profile ? SVIRT_MODEL_PROFILE : SVIRT_MODEL_OBJECT;
  if (!self.options.can_ask_processes) {
    out->flags |= SVIRT_MODEL_UNVERIFIABLE;
  }
  if (self.options.fixed) {
    out->flags |= SVIRT_MODEL_FIXED;
  }
  out->enforcing = self.options.enforcing ? 1 : 0;
  std::snprintf(out->model, sizeof out->model, "%s", self.options.name.c_str());
  std::snprintf(out->doi, sizeof out->doi, "tests.example");
  return SVIRT_OK;
}

svirt_status LabelSpace(svirt_instance *instance, const svirt_domain *, const char *label,
                        svirt_index_set *set, svirt_error *error) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  std::vector<IndexRun> runs = self.options.space;
  if (label != nullptr) {
    runs.assign(1, {});
    if (self.options.claims_all) {
      runs = self.options.space;
    } else if (!ParseClaim(label, runs.data())) {
      runs.clear();
    }
  }
  set->run_count = static_cast<uint32_t>(runs.size());
  if (set->run_count > set->run_capacity) {
    return Say(error, SVIRT_E_RANGE, "more runs");
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    set->runs[i] = {runs[i].first, runs[i].count};
  }
  return SVIRT_OK;
}

svirt_status GenerateLabel(svirt_instance *instance, const svirt_domain *domain, uint64_t index,
                           svirt_buf *label, svirt_buf *image_label, svirt_error *) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  std::string name = std::to_string(self.options.ignores_index ? 0 : index);
  if (domain->label_type == SVIRT_LABEL_STATIC) {
    name = std::string(domain->label).substr(2);
    Give(image_label, "I:" + name);
    return Give(label, domain->label[0] == 's' ? "S:" + name : domain->label);
  }
  Give(image_label, "I:" + name);
  return Give(label, "L:" + name +
                         (self.options.fixed ? "/" + std::to_string(domain->resource_count) : ""));
}

svirt_status VerifyLabel(svirt_instance *instance, const svirt_domain *domain,
                         svirt_error *error) noexcept {
  Self(instance).Enter();
  const std::string_view label = domain->label == nullptr ? "" : domain->label;
  const std::string_view kind = label.substr(0, 2);
  if (!label.empty() && kind != "S:" && kind != "s:" && kind != "L:") {
    return Say(error, SVIRT_E_INVALID, "the label " + std::string(label) + " is not valid");
  }
  for (uint32_t i = 0; !label.empty() && i < domain->resource_count; ++i) {
    const std::string_view path(domain->resources[i].path);
    if (domain->resources[i].fd >= 0 && path.ends_with(ModelTable::kNoWay)) {
      return Say(error, SVIRT_E_DENIED, std::string(path) + " is out of reach for this label");
    }
  }
  return SVIRT_OK;
}

svirt_status GetLabel(svirt_instance *instance, const svirt_domain *domain,
                      svirt_label_state *state, svirt_error *error) noexcept {
  const ModelTable &self = Self(instance);
  if (!self.options.can_ask_processes) {
    return Say(error, SVIRT_E_NOTSUP, "cannot be asked");
  }
  if (self.options.hypervisor) {
    const std::string label = self.DomainLabel(domain->id);
    state->enforcing = 1;
    return label.empty() ? Say(error, SVIRT_E_GONE, "there is no such domain")
                         : Give(&state->label, label);
  }
  const std::string label = ReadAll(self.FileOf("process-" + std::to_string(domain->pid)));
  state->enforcing = self.options.enforcing && !self.options.permissive_domains ? 1 : 0;
  return Give(&state->label, label.empty() ? "unlabelled" : label);
}

svirt_status SetLabel(svirt_instance *instance, const svirt_domain *domain, const char *label,
                      svirt_error *error) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  const std::string file = self.FileOf("profile-" + std::string(domain->uuid));
  if (label == nullptr) {
    return Remove(file) ? SVIRT_OK : Say(error, SVIRT_E_SYSTEM, "the profile was not unloaded");
  }
  if (domain->id >= 0) {
    if (self.fail_relabel) {
      return Say(error, SVIRT_E_DENIED, "the policy lacks a rule to move the domain");
    }
    if (!self.skip_relabel) {
      self.SetDomainLabel(domain->id, label);
    }
    return SVIRT_OK;
  }
  if (self.options.xattr && !self.options.profile && !self.fail_set_label) {
    return SVIRT_OK;
  }
  if (self.fail_set_label || !WriteAll(file, label)) {
    return Say(error, SVIRT_E_SYSTEM, "the profile was not loaded");
  }
  return SVIRT_OK;
}

svirt_status PrepareExec(svirt_instance *instance, const svirt_domain *, const char *label,
                         svirt_exec *exec, svirt_error *) noexcept {
  const ModelTable &self = Self(instance);
  if (self.options.hypervisor || self.options.empty_recipe) {
    return SVIRT_OK;
  }
  exec->op_count = 1;
  exec->op[0].kind = SVIRT_EXEC_PROCATTR;
  exec->op[0].fd = -1;
  std::snprintf(exec->op[0].attr, sizeof exec->op[0].attr, "exec");
  std::snprintf(exec->op[0].data, sizeof exec->op[0].data, "%s", label);
  exec->op[0].data_len = static_cast<uint32_t>(std::strlen(label) + 1);
  return SVIRT_OK;
}

svirt_status PlanLabel(svirt_instance *instance, const svirt_domain *domain,
                       const svirt_resource *resource, svirt_resource_plan *plan,
                       svirt_error *) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  Give(&plan->note, "");
  if (self.options.profile) {
    plan->action = SVIRT_PLAN_GRANT;
    return Give(&plan->label, (resource->access & SVIRT_ACCESS_WRITE) != 0 ? "rw" : "r");
  }
  const bool alone =
      (resource->flags & SVIRT_RES_SHARED) == 0 && (resource->access & SVIRT_ACCESS_WRITE) != 0;
  if (self.options.entries && !alone) {
    plan->action = SVIRT_PLAN_NONE;
    return SVIRT_OK;
  }
  plan->action = SVIRT_PLAN_SET;
  if (resource->override_label != nullptr) {
    return Give(&plan->label, resource->override_label);
  }
  if ((resource->flags & SVIRT_RES_SHARED) != 0) {
    return Give(&plan->label, "I:shared");
  }
  if ((resource->access & SVIRT_ACCESS_WRITE) == 0) {
    plan->flags = self.options.keep_content ? SVIRT_PLAN_KEEP : 0;
    return Give(&plan->label, "content");
  }
  plan->flags = SVIRT_PLAN_EXCLUSIVE;
  return Give(&plan->label, domain->image_label);
}

svirt_status GetResourceLabel(svirt_instance *instance, const svirt_resource *resource,
                              svirt_buf *label, svirt_error *error) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  if (std::string_view(resource->path).ends_with(ModelTable::kNoGet)) {
    return Say(error, SVIRT_E_NOTSUP, "no labels here");
  }
  if (self.options.xattr) {
    return GetAttribute(self, resource, label, error);
  }
  const std::string text = ReadAll(ObjectFile(self, resource));
  return text.empty() ? Say(error, SVIRT_E_NODATA, "no label") : Give(label, text);
}

svirt_status SetResourceLabel(svirt_instance *instance, const svirt_resource *resource,
                              const char *label, svirt_error *error) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  if (++self.sets == self.fail_set_at) {
    return Say(error, SVIRT_E_SYSTEM, "set to fail");
  }
  if (std::string_view(resource->path).ends_with(ModelTable::kNoSet)) {
    return Say(error, SVIRT_E_NOTSUP, "no labels here");
  }
  if (std::string_view(resource->path).ends_with(ModelTable::kForgetful)) {
    return SVIRT_OK;
  }
  if (self.options.xattr) {
    return SetAttribute(self, resource, label, error);
  }
  const std::string file = ObjectFile(self, resource);
  if (file.empty()) {
    return Say(error, SVIRT_E_INVALID, "no descriptor");
  }
  const bool set = label == nullptr ? Remove(file) : WriteAll(file, label);
  return set ? SVIRT_OK : Say(error, SVIRT_E_SYSTEM, "the label was not kept");
}

svirt_status GetBuildLabel(svirt_instance *instance, const char *label, svirt_buf *build_label,
                           svirt_error *error) noexcept {
  const ModelTable &self = Self(instance);
  if (self.fail_build_label) {
    return Say(error, SVIRT_E_DENIED, "the policy cannot be asked");
  }
  return Give(build_label, self.options.hypervisor ? std::string(label) + "/build" : label);
}

// Entries by their subject, "E:INDEX:".
using Entries = std::map<std::string, std::string>;

std::string SubjectOf(const std::string &entry) {
  return entry.substr(0, entry.rfind(':') + 1);
}

// The attribute of the object that has them, where labels are attributes.
std::string EntriesAttribute(const ModelTable &model) {
  return model.AttributeName() + ".entries";
}

// Of the object at path, whose entries are in the file otherwise. nullopt: they cannot be read.
std::optional<Entries> ReadEntries(const ModelTable &model, const std::string &path,
                                   const std::string &file) {
  Entries entries;
  std::string text;
  if (model.options.xattr) {
    text.resize(SVIRT_LABEL_MAX);
    const ssize_t size =
        ::getxattr(path.c_str(), EntriesAttribute(model).c_str(), text.data(), text.size());
    if (size < 0 && errno != ENODATA) {
      return std::nullopt;
    }
    text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  } else {
    text = ReadAll(file);
  }
  std::istringstream words(text);
  for (std::string entry; words >> entry;) {
    entries[SubjectOf(entry)] = entry;
  }
  return entries;
}

bool WriteEntries(const ModelTable &model, const std::string &path, const std::string &file,
                  const Entries &entries) {
  std::string text;
  for (const auto &[subject, entry] : entries) {
    text += entry + " ";
  }
  if (model.options.xattr) {
    const std::string name = EntriesAttribute(model);
    return text.empty() ? ::removexattr(path.c_str(), name.c_str()) == 0 || errno == ENODATA
                        : ::setxattr(path.c_str(), name.c_str(), text.data(), text.size(), 0) == 0;
  }
  return text.empty() ? Remove(file) : WriteAll(file, text);
}

std::string EntriesFile(const ModelTable &model, const svirt_resource *resource) {
  return ObjectFile(model, resource) + "-entries";
}

svirt_status PlanEntry(svirt_instance *instance, const svirt_domain *domain,
                       const svirt_resource *resource, svirt_buf *entry,
                       svirt_error *error) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  const std::string_view path(resource->path);
  if (path.ends_with(ModelTable::kNoEntry)) {
    return Say(error, SVIRT_E_NOTSUP, std::string(path) + " cannot have an entry");
  }
  if (path.ends_with(ModelTable::kOpen)) {
    return SVIRT_E_NODATA;
  }
  const bool writes = (resource->access & SVIRT_ACCESS_WRITE) != 0;
  return Give(entry, "E:" + std::string(domain->label).substr(2) + (writes ? ":rw" : ":r"));
}

svirt_status GetEntry(svirt_instance *instance, const svirt_resource *resource, const char *entry,
                      svirt_buf *present, svirt_error *error) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  const auto entries = ReadEntries(self, PathOf(resource), EntriesFile(self, resource));
  if (!entries) {
    return SayErrno(error, "cannot read the entries");
  }
  const auto found = entries->find(SubjectOf(entry));
  return found == entries->end() ? SVIRT_E_NODATA : Give(present, found->second);
}

// Makes the subject's entry this one, or takes it away.
svirt_status ChangeEntry(const ModelTable &self, const svirt_resource *resource, const char *entry,
                         bool away, svirt_error *error) {
  const std::string path = PathOf(resource), file = EntriesFile(self, resource);
  auto entries = ReadEntries(self, path, file);
  if (!entries) {
    return SayErrno(error, "cannot read the entries");
  }
  if (away) {
    entries->erase(SubjectOf(entry));
  } else {
    (*entries)[SubjectOf(entry)] = entry;
  }
  return WriteEntries(self, path, file, *entries) ? SVIRT_OK
                                                  : SayErrno(error, "the entries were not kept");
}

svirt_status SetEntry(svirt_instance *instance, const svirt_resource *resource, const char *entry,
                      svirt_error *error) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  if (++self.sets == self.fail_set_at) {
    return Say(error, SVIRT_E_SYSTEM, "set to fail");
  }
  return ChangeEntry(self, resource, entry, false, error);
}

svirt_status RemoveEntry(svirt_instance *instance, const svirt_resource *resource,
                         const char *entry, svirt_error *error) noexcept {
  ModelTable &self = Self(instance);
  self.Enter();
  return ChangeEntry(self, resource, entry, true, error);
}

constexpr svirt_object_entry kObjectEntry = {.struct_size = sizeof(svirt_object_entry),
                                             .reserved = 0,
                                             .plan = PlanEntry,
                                             .get = GetEntry,
                                             .set = SetEntry,
                                             .remove = RemoveEntry};

constexpr svirt_build_label kBuildLabel = {
    .struct_size = sizeof(svirt_build_label), .reserved = 0, .get = GetBuildLabel};

// Who has the same label may do anything, others tell each other of events.
svirt_status AskAccess(svirt_instance *, const char *source, const char *target, uint32_t *may,
                       svirt_error *) noexcept {
  *may = SVIRT_MAY_NOTIFY;
  if (std::string_view(source) == target) {
    *may |= SVIRT_MAY_READ_MEMORY | SVIRT_MAY_WRITE_MEMORY | SVIRT_MAY_COPY_MEMORY;
  }
  return SVIRT_OK;
}

constexpr svirt_access kAccess = {
    .struct_size = sizeof(svirt_access), .reserved = 0, .ask = AskAccess};

const void *GetExtension(const char *id) noexcept {
  if (std::string_view(id) == SVIRT_EXT_ACCESS) {
    return &kAccess;
  }
  return std::string_view(id) == SVIRT_EXT_BUILD_LABEL ? &kBuildLabel : nullptr;
}

const void *GetExtensionWithEntries(const char *id) noexcept {
  return std::string_view(id) == SVIRT_EXT_OBJECT_ENTRY ? &kObjectEntry : GetExtension(id);
}

}  // namespace

ModelTable::ModelTable(std::string dir, Options opts)
    : options(std::move(opts)), dir_(std::move(dir)) {
  table_.struct_size = sizeof table_;
  table_.abi_major = SVIRT_ABI_MAJOR;
  table_.abi_minor = SVIRT_ABI_MINOR;
  table_.threads = SVIRT_THREADS_PARALLEL;
  table_.model = options.name.c_str();
  table_.version = "1";
  table_.vendor = "tests";
  table_.probe = Probe;
  table_.get_model = GetModel;
  table_.domain_label_space = LabelSpace;
  table_.domain_generate_label = GenerateLabel;
  table_.domain_verify_label = VerifyLabel;
  table_.domain_get_label = GetLabel;
  table_.domain_set_label = SetLabel;
  table_.domain_prepare_exec = PrepareExec;
  table_.resource_plan_label = PlanLabel;
  table_.resource_get_label = GetResourceLabel;
  table_.resource_set_label = SetResourceLabel;
  table_.get_extension = options.entries ? GetExtensionWithEntries : GetExtension;
}

void ModelTable::Enter() {
  if (++calls == kill_at) {
    ::kill(::getpid(), SIGKILL);
  }
}

std::string ModelTable::LabelOf(const std::string &path) const {
  if (options.xattr) {
    std::array<char, SVIRT_LABEL_MAX> text;
    const ssize_t size =
        ::getxattr(path.c_str(), AttributeName().c_str(), text.data(), text.size());
    return size < 0 ? "" : std::string(text.data(), static_cast<size_t>(size));
  }
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? ReadAll(ObjectFile(*this, st)) : "";
}

std::string ModelTable::EntriesOf(const std::string &path) const {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? ReadAll(ObjectFile(*this, st) + "-entries") : "";
}

void ModelTable::SetEntriesOf(const std::string &path, const std::string &entries) const {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0 || !WriteAll(ObjectFile(*this, st) + "-entries", entries)) {
    throw std::runtime_error("cannot give entries to " + path);
  }
}

void ModelTable::SetLabelOf(const std::string &path, const std::string &label) const {
  if (options.xattr) {
    if (::setxattr(path.c_str(), AttributeName().c_str(), label.data(), label.size(), 0) != 0) {
      throw std::runtime_error("cannot set an extended attribute of " + path);
    }
    return;
  }
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) {
    throw std::runtime_error("no such object: " + path);
  }
  if (!WriteAll(ObjectFile(*this, st), label)) {
    throw std::runtime_error("cannot label " + path);
  }
}

void ModelTable::SetProcessLabel(pid_t pid, const std::string &label) const {
  WriteAll(FileOf("process-" + std::to_string(pid)), label);
}

void ModelTable::SetDomainLabel(int id, const std::string &label) const {
  WriteAll(DomainFile(id), label);
}

std::string ModelTable::DomainLabel(int id) const {
  return ReadAll(DomainFile(id));
}

std::string ModelTable::ProfileOf(const std::string &uuid) const {
  return ReadAll(FileOf("profile-" + uuid));
}

}  // namespace svirt::fake
