// SPDX-License-Identifier: LGPL-2.1-or-later
// Errors as values: Error, Result and Status.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace svirt {

// What went wrong, in the terms in which a caller can react. The command's exit codes and the C
// API's status codes are made from these, so their meaning is stable.
enum class Errc {
  kInvalid,      // bad input: XML, configuration, argument, label
  kNotFound,     // no such domain, file, plugin, process
  kExists,       // it is there already
  kRefused,      // going on would mean less confinement than asked
  kConflict,     // another domain holds it
  kExhausted,    // no free label left
  kPermission,   // the caller lacks the privilege
  kUnsupported,  // this host, kernel or file system cannot
  kSystem,       // a system call failed
  kTimeout,      // who was asked did not answer in time
  kInternal,     // a defect of ours or of a plugin
};

// An error is one sentence for a person (what, where, which rule, how to mend it; no final
// newline), the code to react to, the errno of the failed call, 0 if there was none, and the line
// of a document that it is about, 0 if of none.
struct Error {
  Errc code = Errc::kInternal;
  std::string message;
  int sys_errno = 0;
  unsigned long line = 0;
};

// Either a value or an Error. Ask ok() (or convert to bool) first; value() of an error and
// error() of a value terminate the program.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T &value() & { return std::get<0>(state_); }
  const T &value() const & { return std::get<0>(state_); }
  T &&value() && { return std::get<0>(std::move(state_)); }
  T &operator*() & { return value(); }
  const T &operator*() const & { return value(); }
  T &&operator*() && { return std::move(*this).value(); }
  T *operator->() { return &value(); }
  const T *operator->() const { return &value(); }

  const Error &error() const & { return std::get<1>(state_); }
  Error &&error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

// The Result of something that has no value. Default-constructed it is success.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : failed_(true), error_(std::move(error)) {}

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error &error() const & { return error_; }
  Error &&error() && { return std::move(error_); }

 private:
  bool failed_ = false;
  Error error_;
};

using Status = Result<void>;

// An Errc::kRefused error.
inline Error Refusal(std::string sentence) {
  return Error{Errc::kRefused, std::move(sentence)};
}

// An Errc::kSystem error (kPermission for EPERM and EACCES, kNotFound for ENOENT) with
// ": strerror(err)" put behind the sentence.
Error SystemError(int err, std::string sentence);

}  // namespace svirt

// Leaves the function with the error if EXPR (a Result or Status) failed.
#define SVIRT_TRY(expr)                               \
  do {                                                \
    if (auto svirt_try_ = (expr); !svirt_try_.ok()) { \
      return std::move(svirt_try_).error();           \
    }                                                 \
  } while (false)

#define SVIRT_CONCAT_(a, b) a##b
#define SVIRT_CONCAT(a, b) SVIRT_CONCAT_(a, b)

// SVIRT_ASSIGN(auto x, F()): x is F()'s value, or the function is left with its error.
// NOLINTBEGIN(bugprone-macro-parentheses): lhs may be a declaration
#define SVIRT_ASSIGN(lhs, expr) SVIRT_ASSIGN_(SVIRT_CONCAT(svirt_result_, __LINE__), lhs, expr)
#define SVIRT_ASSIGN_(tmp, lhs, expr) \
  auto tmp = (expr);                  \
  if (!tmp.ok()) {                    \
    return std::move(tmp).error();    \
  }                                   \
  lhs = std::move(tmp).value()
// NOLINTEND(bugprone-macro-parentheses)
