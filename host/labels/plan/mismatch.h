// SPDX-License-Identifier: LGPL-2.1-or-later
// One thing about a running domain that is not as it was planned.
#pragma once

#include <string>
#include <string_view>

namespace svirt {

struct Mismatch {
  enum class Kind {
    kProcessLabel,  // a process runs under another label
    kNotEnforced,   // a model that enforced its policy on the domain does not do so any more
    kObjectLabel,   // an object bears another label
    kEntry,         // an object lacks an entry of the domain's own, or has another one
    kGone,          // an object is not there, or cannot be opened as what it is
    kReplaced,      // another object lies where the one lay that was labelled
    kNotUsed,       // an object is labelled for the domain, which does not use it
    kNotRecorded,   // what the domain has is not what the label database knows of it
    kForeign,       // somebody else has what is the domain's alone
  };
  Kind kind = Kind::kObjectLabel;
  std::string model;    // "" if it is about none
  std::string where;    // the path of an object, "process 12", or "label database"
  std::string planned;  // label or entry, where it is about one
  std::string found;    // what stands there now; "" if nothing does
  std::string message;  // what is wrong, a clause
  std::string mend;     // what mends it, a clause

  std::string Sentence() const { return message + "; " + mend; }
};

// "process label", "object label" and so on: a word or two for people and for JSON.
std::string_view MismatchName(Mismatch::Kind kind);

}  // namespace svirt
