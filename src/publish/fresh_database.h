// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/status.h"

namespace sluice {

// A database that is made from nothing, and appears whole or not at all (I6).
//
//   Claim ──▶ (write temporary_path(), close it) ──▶ Publish
//     │                                                │ fsync, check, rename, fsync the directory
//     └── Abandon, or the destructor: the temporary file and the lock go; the target is as it was
//
// Claim: resolves symlinks; takes the lock file `<target>.sluice-lock` (flock; says which process holds it); removes temporary
// files of dead runs; refuses a target that exists (unless `replace`), and a -wal or -journal beside a missing one.
// With `replace`: opens the old database exclusively, brings it to journal_mode=DELETE, and holds that lock through the rename; refuses when
// anyone else is connected, or when it has tables that sluice did not make (unless `force`).
// Publish: without an old database RENAME_NOREPLACE.
//
// Threads: one. Errors: every failure leaves the target untouched.
class FreshDatabase {
 public:
  struct Options {
    bool replace = false;  // --from-scratch
    bool force = false;    // --force: also over tables that sluice did not make
    enum class Verify { kLight, kQuick, kFull } verify = Verify::kLight;
  };

  static Result<FreshDatabase> Claim(const std::string& target, const Options& options);
  FreshDatabase(FreshDatabase&& other) noexcept;
  FreshDatabase& operator=(FreshDatabase&&) = delete;
  ~FreshDatabase();

  const std::string& target() const { return target_; }              // symlinks resolved
  const std::string& temporary_path() const { return temporary_; }   // in the target's directory

  Status Publish();
  void Abandon();

 private:
  FreshDatabase() = default;
  std::string target_;
  std::string temporary_;
};

}  // namespace sluice
