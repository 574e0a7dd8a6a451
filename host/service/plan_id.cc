// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the id of a plan, and compares one with a plan.
#include "host/service/plan_id.h"

#include <array>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <string_view>

namespace svirt {
namespace {

constexpr std::string_view kForm = "1-";
constexpr size_t kDigits = 8;

// The words of one part of a plan, apart from each other whatever is in them.
class Part {
 public:
  Part &Add(std::string_view word) {
    text_ += std::to_string(word.size()) + ":" + std::string(word);
    return *this;
  }
  Part &Add(uint64_t number) { return Add(std::string_view(std::to_string(number))); }

  std::string Digest() const {
    boost::uuids::name_generator_sha1 generator(boost::uuids::ns::oid());
    return boost::uuids::to_string(generator(text_)).substr(0, kDigits);
  }

 private:
  std::string text_;
};

std::string DigestOfModels(const Domain &domain, const Plan &plan,
                           const std::vector<std::string> &wall) {
  Part part;
  part.Add(domain.uuid);
  for (const std::string &name : wall) {
    part.Add(name);
  }
  for (const ModelLabels &labels : plan.models) {
    const SecLabel &seclabel = labels.seclabel;
    part.Add(labels.model).Add(labels.doi).Add(labels.enforcing ? 1U : 0U);
    part.Add(static_cast<uint64_t>(seclabel.type)).Add(seclabel.relabel ? 1U : 0U);
    part.Add(seclabel.label).Add(seclabel.image_label);
  }
  return part.Digest();
}

std::string DigestOfResources(const Plan &plan) {
  Part part;
  for (const Resource &resource : plan.manifest.resources) {
    part.Add(static_cast<uint64_t>(resource.kind)).Add(static_cast<uint64_t>(resource.object));
    part.Add(resource.access).Add(resource.shared ? 1U : 0U).Add(resource.subtree ? 1U : 0U);
    part.Add(resource.path).Add(resource.device);
  }
  return part.Digest();
}

std::string DigestOfChanges(const Plan &plan) {
  Part part;
  for (const PlanItem &item : plan.items) {
    part.Add(item.resource).Add(item.model).Add(static_cast<uint64_t>(item.action));
    part.Add(item.label).Add(item.current.value_or("")).Add(item.current ? 1U : 0U);
    part.Add(item.exclusive ? 1U : 0U).Add(item.unlabelled ? 1U : 0U).Add(item.conflict);
  }
  return part.Digest();
}

std::array<std::string, 3> DigestsOf(const Domain &domain, const Plan &plan,
                                     const std::vector<std::string> &wall) {
  return {DigestOfModels(domain, plan, wall), DigestOfResources(plan), DigestOfChanges(plan)};
}

}  // namespace

std::string PlanIdOf(const Domain &domain, const Plan &plan, const std::vector<std::string> &wall) {
  std::string id(kForm.substr(0, 1));
  for (const std::string &digest : DigestsOf(domain, plan, wall)) {
    id += "-" + digest;
  }
  return id;
}

Status CheckPlanId(const std::string &id, const Domain &domain, const Plan &plan,
                   const std::vector<std::string> &wall) {
  if (id.size() != PlanIdOf(domain, plan, wall).size() || !id.starts_with(kForm)) {
    return Error{Errc::kInvalid,
                 "'" + id + "' is no plan id of this version of svirt; 'svirt plan' prints one"};
  }
  const std::array<const char *, 3> names = {"the models, labels and walls of the domain",
                                             "its resources", "the labels on objects now"};
  std::string differing;
  size_t place = kForm.size();
  const auto digests = DigestsOf(domain, plan, wall);
  for (size_t i = 0; i < digests.size(); ++i, place += kDigits + 1) {
    if (id.compare(place, kDigits, digests[i]) != 0) {
      differing += (differing.empty() ? "" : ", ") + std::string(names[i]);
    }
  }
  return differing.empty() ? Status()
                           : Error{Errc::kConflict,
                                   "domain '" + domain.name + "' would not start as planned in " +
                                       id + ": different are " + differing +
                                       "; 'svirt plan' shows what would be done now"};
}

}  // namespace svirt
