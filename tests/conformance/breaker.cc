// SPDX-License-Identifier: LGPL-2.1-or-later
// A small object model that keeps every rule of the ABI, or, compiled with SVIRT_BREAK=n, breaks
// the one that svirt-validate tests as SVP-n: the proof that the test can fail. Labels are
// "breaker:INDEX:SUM", where the sum is over the lengths of the resources' paths.
#include <fcntl.h>
#include <svirt/ext/draft/object_entry.h>
#include <svirt/sdk.h>
#include <sys/stat.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

struct svirt_instance {
  std::thread::id maker = std::this_thread::get_id();
};

namespace {

using svirt::sdk::CopySized;
using svirt::sdk::Fail;
using svirt::sdk::Fits;
using svirt::sdk::Guard;
using svirt::sdk::Put;
using svirt::sdk::Say;

constexpr uint64_t kIndexes = 1000;

constexpr bool Broken(int rule) {
  return rule == SVIRT_BREAK;
}

extern svirt_plugin table;

int LeakDescriptor() {
  return open("/", O_RDONLY | O_CLOEXEC);
}

svirt_status Probe(const svirt_host *, const char *, svirt_error *reason) noexcept {
  if (Broken(6)) {
    table.flags ^= 1;
  }
  if (Broken(8)) {
    const clock_t end = clock() + CLOCKS_PER_SEC / 5;
    while (clock() < end) {
    }
  }
  if (Broken(11) && LeakDescriptor() < 0) {
    return SVIRT_E_SYSTEM;
  }
  if (Broken(12)) {
    umask(0);
  }
  if (Broken(10)) {
    std::memcpy(reason->message, "two\nlines", sizeof "two\nlines");
    return SVIRT_OK;
  }
  return Say(reason, SVIRT_OK, "always usable");
}

svirt_status Init(const svirt_host *, svirt_instance **instance, svirt_error *error) noexcept {
  if (Broken(21)) {
    umask(0);
  }
  return Guard(error, [&] {
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): Guard catches it
    *instance = new svirt_instance;
    return SVIRT_OK;
  });
}

void Fini(svirt_instance *instance) noexcept {
  if (Broken(20)) {
    LeakDescriptor();
  }
  delete instance;
}

svirt_status GetModel(svirt_instance *, const char *, svirt_model *model, svirt_error *) noexcept {
  svirt_model mine = CopySized(model);
  mine.flags = SVIRT_MODEL_OBJECT;
  mine.enforcing = 1;
  std::memcpy(mine.model, "breaker", sizeof "breaker");
  if (Broken(22)) {
    std::memset(static_cast<void *>(model), 0, model->struct_size);
    model->struct_size = sizeof mine + 64;
  }
  svirt::sdk::StoreSized(model, mine);
  return SVIRT_OK;
}

// The index in "breaker:INDEX:SUM"; kIndexes if it is no such label.
uint64_t IndexOf(const char *label) {
  const std::string_view text(label);
  constexpr std::string_view kPrefix = "breaker:";
  uint64_t index = kIndexes, sum = 0;
  if (text.substr(0, kPrefix.size()) != kPrefix) {
    return kIndexes;
  }
  const char *end = text.data() + text.size();
  const auto [colon, error] = std::from_chars(text.data() + kPrefix.size(), end, index);
  if (error != std::errc() || colon == end || *colon != ':') {
    return kIndexes;
  }
  const auto [rest, sum_error] = std::from_chars(colon + 1, end, sum);
  return sum_error == std::errc() && rest == end ? index : kIndexes;
}

svirt_status LabelSpace(svirt_instance *, const svirt_domain *, const char *label,
                        svirt_index_set *set, svirt_error *error) noexcept {
  if (label != nullptr && IndexOf(label) >= kIndexes) {
    return Fail(error, SVIRT_E_INVALID, 0, "no label of this model");
  }
  set->run_count = 1;
  if (set->run_capacity < 1) {
    return SVIRT_E_RANGE;
  }
  set->runs[0] = label != nullptr ? svirt_index_run{IndexOf(label), Broken(33) ? 0u : 1u}
                                  : svirt_index_run{0, kIndexes};
  return SVIRT_OK;
}

size_t SumOfPaths(const svirt_domain *domain) {
  svirt_domain seen = *domain;
  if (Broken(42)) {
    seen.resource_size = sizeof(svirt_resource);
  }
  size_t sum = 0;
  const char *at = reinterpret_cast<const char *>(seen.resources);
  for (uint32_t i = 0; i < seen.resource_count; ++i, at += seen.resource_size) {
    svirt_resource resource;
    std::memcpy(&resource, at, sizeof resource);
    // Read as a number where it is no pointer, so that the defect is a wrong label, not a crash.
    sum += resource.kind <= SVIRT_RES_GRAPHICS ? std::strlen(resource.path) : resource.kind;
  }
  return sum;
}

svirt_status Verify(svirt_instance *, const svirt_domain *domain, svirt_error *error) noexcept {
  if (domain->base_label != nullptr) {
    if (Broken(36) && std::strlen(domain->base_label) > 100) {
      abort();
    }
    return Fail(error, SVIRT_E_INVALID, 0, "this model has no base labels");
  }
  const bool lax = Broken(35) && domain->label != nullptr && domain->label[0] == '\0';
  if (domain->label_type == SVIRT_LABEL_STATIC && !lax && IndexOf(domain->label) >= kIndexes) {
    return Fail(error, SVIRT_E_INVALID, 0, "the static label is none of this model");
  }
  return SVIRT_OK;
}

svirt_status Generate(svirt_instance *self, const svirt_domain *domain, uint64_t index,
                      svirt_buf *label, svirt_buf *image, svirt_error *error) noexcept {
  return Guard(error, [&] {
    static std::atomic<int> calls{0};
    if (Broken(43) && domain->struct_size != sizeof *domain) {
      return Fail(error, SVIRT_E_INVALID, 0, "the domain has another size");
    }
    if (domain->label_type == SVIRT_LABEL_NONE) {
      Put(image, "");
      return Put(label, Broken(34) ? "breaker:0:0" : "");
    }
    if (const svirt_status status = Verify(self, domain, error); status != SVIRT_OK) {
      if (Broken(37)) {
        Put(label, "half done");
      }
      return status;
    }
    if (domain->label_type == SVIRT_LABEL_STATIC) {
      index = IndexOf(domain->label);
    }
    if (index >= kIndexes) {
      return Fail(error, SVIRT_E_INVALID, 0, "the index is not one of this model");
    }
    index = Broken(31) ? 0 : index;
    size_t sum = SumOfPaths(domain);
    sum += Broken(30) ? static_cast<size_t>(++calls) : 0;
    sum += Broken(24) && std::this_thread::get_id() != self->maker ? 1 : 0;
    const std::string text = "breaker:" + std::to_string(index) + ":" + std::to_string(sum);
    const std::string image_text = "image:" + std::to_string(index);
    if (!Fits(label, text) || !Fits(image, image_text)) {
      label->used = static_cast<uint32_t>(text.size() + (Broken(32) ? 0 : 1));
      image->used = static_cast<uint32_t>(image_text.size() + 1);
      return svirt_status{SVIRT_E_RANGE};
    }
    Put(image, image_text);
    return Put(label, text);
  });
}

svirt_status GetLabel(svirt_instance *, const svirt_domain *, svirt_label_state *,
                      svirt_error *error) noexcept {
  return Fail(error, Broken(23) ? SVIRT_E_SYSTEM : SVIRT_E_GONE, 0, "there is no such process");
}

svirt_status SetLabel(svirt_instance *, const svirt_domain *, const char *,
                      svirt_error *) noexcept {
  return SVIRT_OK;
}

svirt_status PrepareExec(svirt_instance *, const svirt_domain *domain, const char *label,
                         svirt_exec *exec, svirt_error *error) noexcept {
  svirt_exec_op &op = exec->op[0];
  const bool failing = std::string_view(domain->emulator) != "/bin/true";
  if (failing && Broken(45)) {
    exec->op_count = 1;
  }
  if (failing || std::strlen(label) > SVIRT_EXEC_DATA_MAX) {
    return Fail(error, SVIRT_E_DENIED, 0, "only /bin/true may be run");
  }
  exec->op_count = 1;
  op.kind = SVIRT_EXEC_PROCATTR;
  std::memcpy(op.attr, Broken(44) ? "prev" : "exec", sizeof "exec");
  op.data_len = 1;
  return SVIRT_OK;
}

svirt_status Plan(svirt_instance *, const svirt_domain *, const svirt_resource *resource,
                  svirt_resource_plan *plan, svirt_error *error) noexcept {
  if (Broken(40) && resource->kind > SVIRT_RES_GRAPHICS) {
    return Fail(error, SVIRT_E_INVALID, 0, "unknown kind");
  }
  if (Broken(41) && resource->struct_size != sizeof *resource) {
    return Fail(error, SVIRT_E_INVALID, 0, "the resource has another size");
  }
  if (resource->access == SVIRT_ACCESS_READ) {
    return SVIRT_OK;  // an entry lets the domain in
  }
  plan->action = SVIRT_PLAN_SET;
  return Put(&plan->label, "image");
}

svirt_status GetResource(svirt_instance *, const svirt_resource *, svirt_buf *label,
                         svirt_error *) noexcept {
  if (Broken(46) && label->size == 0) {
    return SVIRT_OK;
  }
  return Put(label, "image");
}

svirt_status SetResource(svirt_instance *, const svirt_resource *, const char *,
                         svirt_error *) noexcept {
  return SVIRT_OK;
}

// Entries "+INDEX" of the object, kept at the end of its content as "{+INDEX}".
bool IsEntry(const std::string &text) {
  return text.size() > 1 && text[0] == '+' &&
         text.find_first_not_of("0123456789", 1) == std::string::npos;
}

std::string PathOf(const svirt_resource *resource) {
  return "/proc/self/fd/" + std::to_string(resource->fd);
}

std::string ContentOf(const svirt_resource *resource) {
  std::ostringstream text;
  text << std::ifstream(PathOf(resource), std::ios::binary).rdbuf();
  return text.str();
}

// The content without the entry.
std::string Without(std::string content, const std::string &entry) {
  const std::string kept = "{" + entry + "}";
  const size_t at = content.find(kept);
  return at == std::string::npos ? content : content.erase(at, kept.size());
}

void Write(const svirt_resource *resource, const std::string &content) {
  std::ofstream(PathOf(resource), std::ios::binary) << content;
}

svirt_status PlanEntry(svirt_instance *, const svirt_domain *domain, const svirt_resource *,
                       svirt_buf *entry, svirt_error *error) noexcept {
  return Guard(error, [&] { return Put(entry, "+" + std::to_string(IndexOf(domain->label))); });
}

svirt_status GetEntry(svirt_instance *, const svirt_resource *resource, const char *entry,
                      svirt_buf *present, svirt_error *error) noexcept {
  return Guard(error, [&] {
    const std::string content = ContentOf(resource);
    if (Without(content, entry) == content) {
      return svirt_status{SVIRT_E_NODATA};
    }
    if (Broken(54) && present->size == 0) {
      return svirt_status{SVIRT_OK};
    }
    return Put(present, Broken(51) ? "+" : entry);
  });
}

svirt_status SetEntry(svirt_instance *, const svirt_resource *resource, const char *entry,
                      svirt_error *error) noexcept {
  return Guard(error, [&] {
    const std::string text(entry);
    if (!IsEntry(text) && !Broken(55)) {
      return Fail(error, SVIRT_E_INVALID, 0, "that is no entry");
    }
    const std::string content = ContentOf(resource);
    const std::string others = Broken(53) ? content.substr(0, content.find('{')) : content;
    Write(resource, Without(others, text) + "{" + text + "}");
    return svirt_status{SVIRT_OK};
  });
}

svirt_status RemoveEntry(svirt_instance *, const svirt_resource *resource, const char *entry,
                         svirt_error *error) noexcept {
  return Guard(error, [&] {
    const std::string text(entry);
    if (!IsEntry(text)) {
      return Fail(error, SVIRT_E_INVALID, 0, "that is no entry");
    }
    Write(resource, Without(ContentOf(resource), text) + (Broken(52) ? "rest" : ""));
    return svirt_status{SVIRT_OK};
  });
}

constexpr svirt_object_entry kEntries = {.struct_size = sizeof kEntries,
                                         .reserved = 0,
                                         .plan = PlanEntry,
                                         .get = GetEntry,
                                         .set = SetEntry,
                                         .remove = Broken(50) ? nullptr : RemoveEntry};

const void *Extension(const char *id) noexcept {
  static const uint32_t size = sizeof size;
  return std::string_view(id) == SVIRT_EXT_OBJECT_ENTRY ? static_cast<const void *>(&kEntries)
         : Broken(7)                                    ? &size
                                                        : nullptr;
}

svirt_plugin table = {sizeof(svirt_plugin),
                      SVIRT_ABI_MAJOR,
                      SVIRT_ABI_MINOR,
                      0,
                      SVIRT_THREADS_PARALLEL,
                      0,
                      "breaker",
                      "1",
                      "tests",
                      Probe,
                      Init,
                      Fini,
                      GetModel,
                      LabelSpace,
                      Generate,
                      Verify,
                      GetLabel,
                      SetLabel,
                      PrepareExec,
                      Plan,
                      GetResource,
                      SetResource,
                      Extension};

}  // namespace

#if SVIRT_BREAK == 4
extern "C" SVIRT_EXPORT int svirt_breaker_leaks_a_symbol;
int svirt_breaker_leaks_a_symbol = 1;
#endif

SVIRT_PLUGIN_DEFINE(table, "breaker", "1", 0, 1);
