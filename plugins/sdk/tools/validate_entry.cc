// SPDX-License-Identifier: MIT
// SVP-50 to SVP-59: entries of a domain's own on objects that it shares (draft/object_entry.h).
#include <svirt/ext/draft/object_entry.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "plugins/sdk/tools/validate_case.h"

namespace svirt::validate {
namespace {

const svirt_object_entry *FindEntries(const svirt_plugin &table) {
  return static_cast<const svirt_object_entry *>(table.get_extension(SVIRT_EXT_OBJECT_ENTRY));
}

Verdict WholeTable(const Subject &subject) {
  const auto table = subject.Load();
  SVP_REQUIRE(table.ok(), table.error().message);
  const svirt_object_entry *entries = FindEntries(**table);
  if (entries == nullptr) {
    return Skip("the model has no entries on objects");
  }
  SVP_REQUIRE(entries->struct_size >= sizeof *entries,
              "its struct_size is " + std::to_string(entries->struct_size) + ", less than the " +
                  std::to_string(sizeof *entries) + " bytes of the struct");
  SVP_REQUIRE(entries->reserved == 0, "it has a reserved member that is not 0");
  SVP_REQUIRE(entries->plan != nullptr && entries->get != nullptr && entries->set != nullptr &&
                  entries->remove != nullptr,
              "one of its slots is NULL");
  SVP_REQUIRE(FindEntries(**table) == entries, "get_extension gives another one each time");
  return Pass();
}

// An answer that is a text.
struct Answer {
  svirt_status status = SVIRT_E_INTERNAL;
  std::string text, message;
};

Answer Ask(const std::function<svirt_status(svirt_buf *, svirt_error *)> &question) {
  Buffer room(SVIRT_LABEL_MAX + 1);
  svirt_error error = NoError();
  Answer answer;
  answer.status = question(room.get(), &error);
  answer.text = answer.status == SVIRT_OK ? room.text() : "";
  answer.message = MessageOf(error);
  return answer;
}

// A file of mode 0600 that two domains read, in a directory that both may pass.
class Shared {
 public:
  Shared(const Subject &subject, const Session &session)
      : session_(session), entries_(FindEntries(session.table())), test_(subject), other_(subject) {
    test_.resource.access = SVIRT_ACCESS_READ;
    test_.resource.kind = SVIRT_RES_BACKING;
    test_.UseResources(1, sizeof(svirt_resource));
    chmod(path(), 0600);
    other_.domain.uuid = "5f3c1d2e-0000-4000-8000-00000000b22d";
    other_.domain.resources = test_.domain.resources;
    const uint64_t index = FirstIndex(session, test_.domain);
    const bool by_uuid = index == 0 && !OffersIndexes();
    one_ = Generate(session, test_.domain, index);
    two_ = Generate(session, other_.domain, by_uuid ? 0 : index + 1);
    Label(&test_.domain, one_);
    Label(&other_.domain, two_);
  }

  bool HasEntries() const { return entries_ != nullptr; }
  const char *path() const { return test_.resource.path; }
  const svirt_resource *resource() const { return &test_.resource; }
  Answer Plan(bool of_other = false) const {
    return Ask([&](svirt_buf *room, svirt_error *error) {
      return entries_->plan(session_.instance(), of_other ? &other_.domain : &test_.domain,
                            resource(), room, error);
    });
  }
  Answer Get(const std::string &entry) const {
    return Ask([&](svirt_buf *room, svirt_error *error) {
      return entries_->get(session_.instance(), resource(), entry.c_str(), room, error);
    });
  }
  Answer Set(const std::string &entry) const {
    return Ask([&](svirt_buf *, svirt_error *error) {
      return entries_->set(session_.instance(), resource(), entry.c_str(), error);
    });
  }
  Answer Remove(const std::string &entry) const {
    return Ask([&](svirt_buf *, svirt_error *error) {
      return entries_->remove(session_.instance(), resource(), entry.c_str(), error);
    });
  }
  // Owner, mode, content and extended attributes.
  std::string State() const {
    struct stat status {};
    std::ostringstream text;
    if (stat(path(), &status) == 0) {
      text << status.st_uid << ' ' << status.st_gid << ' ' << std::oct << status.st_mode << '\n';
    }
    text << std::ifstream(path(), std::ios::binary).rdbuf();
    std::array<char, 4096> names{}, value{};
    const ssize_t size = listxattr(path(), names.data(), names.size());
    std::map<std::string, std::string> sorted;
    for (size_t at = 0; size > 0 && at < static_cast<size_t>(size);) {
      const std::string name(&names[at]);
      const ssize_t bytes = getxattr(path(), name.c_str(), value.data(), value.size());
      sorted[name].assign(value.data(), bytes > 0 ? static_cast<size_t>(bytes) : 0);
      at += name.size() + 1;
    }
    for (const auto &[name, content] : sorted) {
      text << '\n' << name << '=' << content;
    }
    return text.str();
  }

 private:
  static void Label(svirt_domain *domain, const Labels &labels) {
    domain->label = labels.label.c_str();
    domain->image_label = labels.image_label.empty() ? nullptr : labels.image_label.c_str();
  }
  bool OffersIndexes() const {
    svirt_index_set none{};
    none.struct_size = sizeof none;
    svirt_error error = NoError();
    session_.table().domain_label_space(session_.instance(), &test_.domain, nullptr, &none, &error);
    return none.run_count > 0;
  }

  const Session &session_;
  const svirt_object_entry *entries_;
  TestDomain test_, other_;
  Labels one_, two_;
};

// The beginning of all tests below: the entry that the first domain needs on the file.
// NOLINTBEGIN(bugprone-macro-parentheses): the names of variables
#define SVP_ENTRY(shared, entry)                                                      \
  SVP_START(session, subject);                                                        \
  const Shared shared(subject, session);                                              \
  if (!shared.HasEntries()) {                                                         \
    return Skip("the model has no entries on objects");                               \
  }                                                                                   \
  const Answer planned = shared.Plan();                                               \
  if (planned.status == SVIRT_E_NODATA || planned.status == SVIRT_E_NOTSUP ||         \
      planned.status == SVIRT_E_DENIED) {                                             \
    return Skip("a file of mode 0600 gets no entry here: " + planned.message);        \
  }                                                                                   \
  SVP_REQUIRE(planned.status == SVIRT_OK, "no entry is planned: " + planned.message); \
  SVP_REQUIRE(!planned.text.empty(), "an entry is planned that is empty");            \
  const std::string &entry = planned.text
// NOLINTEND(bugprone-macro-parentheses)

Verdict SetsAndGets(const Subject &subject) {
  SVP_ENTRY(shared, entry);
  SVP_REQUIRE(shared.Get(entry).status == SVIRT_E_NODATA,
              "get before set is not SVIRT_E_NODATA but " + shared.Get(entry).text);
  std::string once;
  for (const char *when : {"", " a second time"}) {
    const Answer set = shared.Set(entry);
    SVP_REQUIRE(set.status == SVIRT_OK, "set of " + entry + when + " fails: " + set.message);
    const Answer present = shared.Get(entry);
    SVP_REQUIRE(present.status == SVIRT_OK && present.text == entry,
                "after set of " + entry + when + " get gives '" + present.text + "'");
    SVP_REQUIRE(once.empty() || once == shared.State(), "a second set changes the object");
    once = shared.State();
  }
  SVP_REQUIRE(shared.Plan().text == entry, "with the entry on the object another one is planned");
  return Pass();
}

Verdict Removes(const Subject &subject) {
  SVP_ENTRY(shared, entry);
  const std::string before = shared.State();
  SVP_REQUIRE(shared.Remove(entry).status == SVIRT_OK,
              "remove where there is none fails: " + shared.Remove(entry).message);
  SVP_REQUIRE(shared.State() == before, "remove where there is none changes the object");
  const Answer set = shared.Set(entry);
  SVP_REQUIRE(set.status == SVIRT_OK, "set of " + entry + " fails: " + set.message);
  SVP_REQUIRE(shared.State() != before, "set changes nothing that can be seen of the object");
  for (const char *when : {"", " a second time"}) {
    const Answer removed = shared.Remove(entry);
    SVP_REQUIRE(removed.status == SVIRT_OK,
                "remove of " + entry + when + " fails: " + removed.message);
    SVP_REQUIRE(shared.Get(entry).status == SVIRT_E_NODATA,
                "after remove" + std::string(when) + " get still gives an entry");
    SVP_REQUIRE(shared.State() == before,
                "after set and remove" + std::string(when) +
                    " owner, mode, content or extended attributes are not what they were");
  }
  return Pass();
}

Verdict LeavesOthers(const Subject &subject) {
  SVP_ENTRY(shared, entry);
  const Answer second = shared.Plan(true);
  SVP_REQUIRE(second.status == SVIRT_OK, "no entry for a second domain: " + second.message);
  SVP_REQUIRE(second.text != entry, "two domains have the same entry, " + entry);
  const std::string before = shared.State();
  for (const bool first_goes_first : {true, false}) {
    for (const std::string &one : {entry, second.text}) {
      const Answer set = shared.Set(one);
      SVP_REQUIRE(set.status == SVIRT_OK, "set of " + one + " fails: " + set.message);
    }
    SVP_REQUIRE(shared.Get(entry).text == entry,
                "the entry of a second domain takes that of the first");
    const std::string &goes = first_goes_first ? entry : second.text;
    const std::string &stays = first_goes_first ? second.text : entry;
    SVP_REQUIRE(shared.Remove(goes).status == SVIRT_OK, "remove of " + goes + " fails");
    SVP_REQUIRE(shared.Get(stays).text == stays,
                "remove of " + goes + " takes " + stays + " as well");
    SVP_REQUIRE(shared.Remove(stays).status == SVIRT_OK, "remove of " + stays + " fails");
    SVP_REQUIRE(shared.State() == before,
                "after the entries of two domains the object is not what it was");
  }
  return Pass();
}

Verdict EntryBuffers(const Subject &subject) {
  SVP_ENTRY(shared, entry);
  SVP_REQUIRE(shared.Set(entry).status == SVIRT_OK, "set of " + entry + " fails");
  const auto size = static_cast<uint32_t>(entry.size() + 1);
  const svirt_object_entry *slots = FindEntries(session.table());
  TestDomain domain(subject);
  const Labels labels = Generate(session, domain.domain, FirstIndex(session, domain.domain));
  domain.domain.label = domain.domain.image_label = labels.label.c_str();
  domain.domain.resource_count = 0;
  for (const uint32_t room : {0u, size - 1}) {
    Buffer planned_into(room), read_into(room);
    svirt_error error = NoError();
    SVP_REQUIRE(slots->plan(session.instance(), &domain.domain, shared.resource(),
                            planned_into.get(), &error) == SVIRT_E_RANGE &&
                    planned_into.used() == size && planned_into.untouched(),
                "plan into " + std::to_string(room) +
                    " bytes is not SVIRT_E_RANGE with the length needed and nothing written");
    SVP_REQUIRE(slots->get(session.instance(), shared.resource(), entry.c_str(), read_into.get(),
                           &error) == SVIRT_E_RANGE &&
                    read_into.used() == size && read_into.untouched(),
                "get into " + std::to_string(room) +
                    " bytes is not SVIRT_E_RANGE with the length needed and nothing written");
  }
  return Pass();
}

Verdict BadEntries(const Subject &subject) {
  SVP_ENTRY(shared, entry);
  const std::string before = shared.State();
  for (const std::string &bad : {std::string(), std::string("no entry of any model"), entry + entry,
                                 entry.substr(1), std::string(4096, 'x')}) {
    const Answer set = shared.Set(bad);
    SVP_REQUIRE(set.status != SVIRT_OK, "set takes '" + bad.substr(0, 40) + "'");
    SVP_REQUIRE(!set.message.empty(), "set refuses without a sentence");
    SVP_REQUIRE(shared.Remove(bad).status != SVIRT_OK, "remove takes '" + bad.substr(0, 40) + "'");
    SVP_REQUIRE(shared.State() == before, "a set that fails changes the object");
  }
  return Pass();
}

}  // namespace

std::vector<Case> EntryCases() {
  return {
      {50, "entry-table", "has the extension for entries whole, if it has it", WholeTable},
      {51, "entry-set", "gives an entry back as it was set, once or twice, and plans it again",
       SetsAndGets},
      {52, "entry-remove", "leaves an object as it was when its entry is removed", Removes},
      {53, "entry-others", "keeps the entries of other domains when one comes or goes",
       LeavesOthers},
      {54, "entry-buffers", "reports the right length of an entry for a short buffer",
       EntryBuffers},
      {55, "entry-invalid", "refuses what is no entry with a sentence, and changes nothing then",
       BadEntries},
  };
}

}  // namespace svirt::validate
