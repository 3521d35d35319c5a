// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

namespace sluice {

enum class StatusCode {
  kOk,
  kUsage,        // the caller asked for something that makes no sense: exit status 2
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
};

// What came of a call: nothing wrong, or what was wrong, where, and what to do about it.
//
// A Status is made once per batch, file or statement, never per line: what is wrong with a line is
// a RejectReason.
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

}  // namespace sluice
