// SPDX-License-Identifier: LGPL-2.1-or-later
// Between the C++ types of the host and the structs of the plugin ABI. What goes in is checked for
// what C strings cannot carry; what comes back is trusted with nothing. Errors are sentences
// without the plugin's name; Plugin puts it in front.
#pragma once

#include <svirt/plugin.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "host/loader/plugin.h"
#include "host/util/result.h"

namespace svirt {

// nullptr for the empty string: "not known" in the ABI.
inline const char *OrNull(const std::string &text) {
  return text.empty() ? nullptr : text.c_str();
}

// A svirt_resource that points into ref, with the override label meant for model: one that names
// the model goes before one for every model.
Result<svirt_resource> ToResource(const ResourceRef &ref, const std::string &model);

// A svirt_domain with its resources. Points into the DomainRef it was made from, which must
// outlive it.
class DomainView {
 public:
  static Result<DomainView> Make(const DomainRef &ref, const std::string &model);
  // Valid until the view is moved or destroyed.
  const svirt_domain *get() {
    domain_.resources = resources_.data();
    return &domain_;
  }

 private:
  svirt_domain domain_{};
  std::vector<svirt_resource> resources_;
};

// Is the label fit to be given to a plugin: no control character, not too long?
Status CheckLabelInput(std::string_view label);

// Room for the longest label.
class TextBuffer {
 public:
  // The rest of it need not be blank: what a plugin says it has written is measured.
  TextBuffer() { data_.front() = '\0'; }
  svirt_buf Blank();
  // The string that a successful call left; what: its name, for errors. An output that the plugin
  // has not touched is "" if optional, else a defect.
  Result<std::string> Read(const svirt_buf &answer, std::string_view what, bool optional) const;

 private:
  std::array<char, SVIRT_LABEL_MAX + 1> data_;
};

Result<ModelInfo> ReadModel(const svirt_model &answer, const std::string &expected_model);

// label and note are the buffers the answer was given.
Result<ResourcePlan> ReadPlan(const svirt_resource_plan &answer, const TextBuffer &label,
                              const TextBuffer &note);

// Runs that are ascending, disjoint, not empty and do not overflow.
Result<std::vector<IndexRun>> ReadIndexRuns(const std::vector<svirt_index_run> &runs);

// Everything that can be wrong with a recipe: kinds, attribute names, sizes, flags, descriptors.
Status CheckExec(const svirt_exec &exec);

// Closes the descriptors that a recipe has handed over, and empties it.
void DiscardExec(svirt_exec *exec);

}  // namespace svirt
