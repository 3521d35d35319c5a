// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "publish/target_lock.h"
#include "sluice/status.hpp"

namespace sluice {

// The file that a database path means: absolute, symbolic links followed; where a link points to
// nothing yet, the file that it points to. kUsage for a directory or anything else that is no file,
// kNotFound without the folder.
Result<std::string> ResolveTarget(const std::string& path);

// Removes what builders of `target` that died left beside it. The caller holds the target's lock.
void RemoveTemporariesOfDeadRuns(const std::string& target);

// A database that is made from nothing, and appears whole or not at all (I6).
//
//        Claim             the caller writes temporary_path(), closes it
//   ( ) ───────▶ claimed ────────────────────────────────────────────────▶ built
//                   │                                                        │
//                   │ Abandon,                                               │ Publish:
//                   │ the destructor              any step fails             │ check, header,
//                   fsync, ▼                  ◀──────────────────────────────────── │ rename,
//               abandoned                                                    │ fsync the directory
//                                                                            ▼
//                                                                        published
//
//   abandoned   temporary file and lock are gone, the target is as it was
//   published   the target is the new database, its header in WAL mode, no -wal beside it
//
// A process that dies before the rename leaves the target as it was, a temporary file that the next
// Claim removes, and a lock that the kernel let go. (Dead while replacing, it may leave the old
// database in journal_mode=DELETE.)
//
// Claim resolves symlinks; takes the lock file `<target>.sluice-lock` (target_lock.h); removes
// temporary files of dead runs; refuses a target that exists (unless `replace`), and a -wal or
// -journal with content beside a missing one (an empty one is removed). With `replace` it opens the
// old database exclusively, brings it to journal_mode=DELETE and holds that lock through the
// rename; it refuses when anyone else is connected, or when there is anything that sluice did not
// make (unless `force`). Publish renames with RENAME_NOREPLACE where there was no old database.
//
// Threads: one. Errors: every failure leaves the target untouched, but one: where the sync of the
// directory fails after the rename, the new database is there and may be gone after a power cut;
// the status says so.
class FreshDatabase {
 public:
  enum class Verify { kLight, kQuick, kFull };
  struct Options {
    bool replace = false;  // --from-scratch
    bool force = false;    // --force: also over what sluice did not make
    // kLight: the schema is read, the edges of each table and index and 64 rows of each table by
    // every index, the size is right; in 2 % of the time since Claim, or 50 ms. kQuick and kFull:
    // SQLite's quick_check, integrity_check.
    Verify verify = Verify::kLight;
    LockWait wait;  // for another builder of the same target
  };

  static Result<FreshDatabase> Claim(const std::string& target, const Options& options);
  // With a lock that the caller has already: `target` is what ResolveTarget made of it.
  static Result<FreshDatabase> Claim(const std::string& target, TargetLock lock,
                                     const Options& options);
  FreshDatabase(FreshDatabase&& other) noexcept;
  FreshDatabase& operator=(FreshDatabase&&) = delete;
  ~FreshDatabase();

  const std::string& target() const;          // symlinks resolved
  const std::string& temporary_path() const;  // in the target's directory; no file yet

  // The caller has closed its connection to the temporary file.
  Status Publish();
  void Abandon();

 private:
  struct Claimed;
  explicit FreshDatabase(std::unique_ptr<Claimed> claimed);
  std::unique_ptr<Claimed> claimed_;
};

}  // namespace sluice
