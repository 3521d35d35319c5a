// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace sluice {

enum class StatusCode {
  kOk,
  kUsage,        // the caller asked for something that makes no sense
  kNotFound,     // a file, a table, a source that is not there
  kIo,           // read, write, sync, rename failed
  kFull,         // no space left, or a quota
  kBusy,         // another writer holds it, and the wait is over
  kCorruption,   // bytes that are not what they should be: a file that is no database, invalid gzip
  kConstraint,   // a row that a constraint of the table refuses
  kUnsupported,  // right, but not possible here: a database newer than we are, a schema we cannot
                 // change
  kCancelled,    // stopped by a signal or by the caller
  kInternal,     // our own mistake: an invariant did not hold
  kExhausted,    // the system has no descriptor, or no memory, for it at the moment: says nothing
                 // about what it was asked about
};

// What came of a call: nothing wrong, or what was wrong, where, and what to do about it.
//
// Threads: a value, as std::string is: read by any number of threads, or changed by one. A line
// that cannot become a row has none: it is counted, and kept in the table of rejects.
class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(StatusCode code, std::string message, std::string remedy = {})
      : code_(code), message_(std::move(message)), remedy_(std::move(remedy)) {}

  static Status Usage(std::string message, std::string remedy = {}) {
    return {StatusCode::kUsage, std::move(message), std::move(remedy)};
  }
  static Status NotFound(std::string message, std::string remedy = {}) {
    return {StatusCode::kNotFound, std::move(message), std::move(remedy)};
  }
  static Status Io(std::string message, std::string remedy = {}) {
    return {StatusCode::kIo, std::move(message), std::move(remedy)};
  }
  static Status Corruption(std::string message, std::string remedy = {}) {
    return {StatusCode::kCorruption, std::move(message), std::move(remedy)};
  }
  static Status Unsupported(std::string message, std::string remedy = {}) {
    return {StatusCode::kUnsupported, std::move(message), std::move(remedy)};
  }
  static Status Internal(std::string message) {
    return {StatusCode::kInternal, std::move(message),
            "this is a mistake in sluice: please report it with the command that led here"};
  }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  // One line: what was wrong and where (path, file:line, byte offset).
  const std::string& message() const { return message_; }
  // One line: what to do. May be empty.
  const std::string& remedy() const { return remedy_; }

  // The same status, its message after "context: ".
  Status In(const std::string& context) const {
    return {code_, context + ": " + message_, remedy_};
  }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
  std::string remedy_;
};

// What a function that returns a Result returns when it failed: `return Error(Status::Io(...))`.
class [[nodiscard]] Error {
 public:
  explicit Error(Status status) : status_(std::move(status)) {}

 private:
  template <typename T>
  friend class Result;
  Status status_;
};

// A value, or the Status that says why there is none: the part of C++23's std::expected that is
// wanted here. One form for the library's inside and its face, so that no function needs two.
//
//   const sluice::Result<sluice::Table> table = sluice::LoadSchema("app.toml");
//   if (!table) return table.error();
//   use(table->columns);
template <typename T>
class [[nodiscard]] Result {
 public:
  Result() = default;  // T's default value
  Result(Error error) : state_(std::in_place_index<1>, std::move(error.status_)) {}
  template <typename U = T>
  requires std::is_convertible_v<U&&, T> &&
      (!std::is_same_v<std::remove_cvref_t<U>, Result>)Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool has_value() const { return state_.index() == 0; }

  // Only if there is a value.
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  // Throws std::bad_variant_access if there is no value.
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }

  template <typename U>
  T value_or(U&& otherwise) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(otherwise));
  }
  template <typename U>
  T value_or(U&& otherwise) && {
    return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(otherwise));
  }

  // Only if there is no value.
  const Status& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace sluice
