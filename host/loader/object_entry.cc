// SPDX-License-Identifier: LGPL-2.1-or-later
// Entries of a domain's own on objects that it shares: an extension, so that models whose labels
// are one per object need not know of it.
#include <svirt/ext/draft/object_entry.h>

#include <utility>

#include "host/loader/marshal.h"
#include "host/loader/plugin_call.h"

namespace svirt {

Result<const svirt_object_entry *> Plugin::EntryExtension() const {
  return FindExtension(SVIRT_EXT_OBJECT_ENTRY, &svirt_object_entry::plan, &svirt_object_entry::get,
                       &svirt_object_entry::set, &svirt_object_entry::remove);
}

Result<bool> Plugin::HasEntries() const {
  SVIRT_ASSIGN(const svirt_object_entry *const extension, EntryExtension());
  return extension != nullptr;
}

template <typename Question>
Result<std::optional<std::string>> Plugin::AskText(const CallName &name, std::string_view what,
                                                   Question question) {
  TextBuffer room;
  svirt_buf buf = room.Blank();
  SVIRT_ASSIGN(const Answer answer,
               AskInstance(name, [&](svirt_instance *instance, svirt_error *error) {
                 return question(instance, &buf, error);
               }));
  if (answer.status == SVIRT_E_NODATA) {
    return std::optional<std::string>();
  }
  if (answer.status != SVIRT_OK) {
    return ErrorOf(name.slot, answer);
  }
  auto text = room.Read(buf, what, false);
  if (!text.ok()) {
    return Named(std::move(text).error());
  }
  if (text->empty()) {
    return Named(
        Error{Errc::kInternal, std::string(name.slot) + " gave an empty " + std::string(what), 0});
  }
  return std::optional(std::move(text).value());
}

Result<std::optional<std::string>> Plugin::PlanEntry(const DomainRef &domain,
                                                     const ResourceRef &resource) {
  SVIRT_ASSIGN(const svirt_object_entry *const extension, EntryExtension());
  if (extension == nullptr) {
    return std::optional<std::string>();
  }
  auto view = DomainView::Make(domain, model_);
  if (!view.ok()) {
    return Named(std::move(view).error());
  }
  auto subject = ToResource(resource, model_);
  if (!subject.ok()) {
    return Named(std::move(subject).error());
  }
  return AskText(About("plan of object-entry", resource), "entry",
                 [&](svirt_instance *instance, svirt_buf *buf, svirt_error *error) {
                   return extension->plan(instance, view->get(), &*subject, buf, error);
                 });
}

Result<std::optional<std::string>> Plugin::GetEntry(const ResourceRef &resource,
                                                    const std::string &entry) {
  SVIRT_ASSIGN(const svirt_object_entry *const extension, EntryExtension());
  if (extension == nullptr) {
    return Named(Error{Errc::kUnsupported, "this model has no entries on objects", 0});
  }
  auto subject = ToResource(resource, model_);
  if (!subject.ok()) {
    return Named(std::move(subject).error());
  }
  if (auto status = CheckLabelInput(entry); !status.ok()) {
    return Named(std::move(status).error());
  }
  return AskText(About("get of object-entry", resource), "entry of the object",
                 [&](svirt_instance *instance, svirt_buf *buf, svirt_error *error) {
                   return extension->get(instance, &*subject, entry.c_str(), buf, error);
                 });
}

template <typename Slot>
Status Plugin::ChangeEntry(const char *name, Slot svirt_object_entry::*slot,
                           const ResourceRef &resource, const std::string &entry) {
  SVIRT_ASSIGN(const svirt_object_entry *const extension, EntryExtension());
  if (extension == nullptr) {
    return Named(Error{Errc::kUnsupported, "this model has no entries on objects", 0});
  }
  auto subject = ToResource(resource, model_);
  if (!subject.ok()) {
    return Named(std::move(subject).error());
  }
  if (auto status = CheckLabelInput(entry); !status.ok()) {
    return Named(std::move(status).error());
  }
  SVIRT_ASSIGN(const Answer answer, AskInstance(About(name, resource), [&](svirt_instance *instance,
                                                                           svirt_error *error) {
                 return (extension->*slot)(instance, &*subject, entry.c_str(), error);
               }));
  return answer.status == SVIRT_OK ? Status() : Status(ErrorOf(name, answer));
}

Status Plugin::SetEntry(const ResourceRef &resource, const std::string &entry) {
  return ChangeEntry("set of object-entry", &svirt_object_entry::set, resource, entry);
}

Status Plugin::RemoveEntry(const ResourceRef &resource, const std::string &entry) {
  return ChangeEntry("remove of object-entry", &svirt_object_entry::remove, resource, entry);
}

}  // namespace svirt
