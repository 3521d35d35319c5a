// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// The database that a new one will replace, held with SQLite's EXCLUSIVE lock, in
// journal_mode=DELETE, so that no -wal or -journal of it can meet the new file (I6).
//
// Lifetime: hold it through the rename; its own file has no name then, and goes when the connection
// closes. Meanwhile only SQLite touches the file (I10): it is stat()ed and renamed over, never
// opened.
class OldDatabase {
 public:
  // kBusy, with who it is, when anybody else is connected. kUnsupported when it has anything
  // that sluice did not make (publish/ownership.h), without `force`.
  static Result<OldDatabase> TakeExclusively(const std::string& path, bool force);

  // The last look before the rename: still the same file? Gives the new one the old one's
  // permissions.
  Status PrepareReplacement(const std::string& new_path);
  // It stays after all: its journal_mode is set back.
  void Leave();

 private:
  Connection connection_;
  std::string old_journal_mode_;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
};

}  // namespace sluice
