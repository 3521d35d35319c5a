// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// A savepoint that is set again and again, within a transaction:  { Set → Release | Undo }*
//
// Lifetime: the connection outlives it. Threads: the connection's.
class Savepoint {
 public:
  static Result<Savepoint> Prepare(Connection& connection, const std::string& name);

  Status Set() { return set_.Run(); }
  // What was done since Set() stays.
  Status Release() { return release_.Run(); }
  // Nothing of it stays.
  Status Undo();

 private:
  Savepoint() = default;
  Statement set_;
  Statement release_;
  Statement roll_back_;
};

}  // namespace sluice
