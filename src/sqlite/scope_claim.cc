// SPDX-License-Identifier: Apache-2.0
#include "sqlite/scope_claim.h"

#include <cstring>
#include <set>

#include <sqlite3.h>

#include "base/mutex.h"

namespace sluice {
namespace {

struct Claimed {
  Mutex mutex;
  std::set<const sqlite3*> connections SLUICE_GUARDED_BY(mutex);
};

// Never destroyed: an application may end a scope in a destructor of its own that runs after ours.
Claimed& AllClaimed() {
  static auto* const claimed = new Claimed;
  return *claimed;
}

}  // namespace

Status CheckOpenedByOurSqlite(sqlite3* db) {
  if (db == nullptr) return Status::Usage("the connection is a null pointer", "open it first");
  sqlite3_vfs* vfs = nullptr;
  std::memcpy(&vfs, db, sizeof vfs);
  if (vfs != nullptr && sqlite3_vfs_find(vfs->zName) == vfs) return {};
  return Status::Usage(
      "the connection was opened by another copy of SQLite than the one that libsluice is linked "
      "to, " SQLITE_VERSION,
      "open it through the SQLite that comes with sluice (CMake: sluice::sqlite3, pkg-config: "
      "sluice), and keep its VFS registered");
}

Result<ScopeClaim> ScopeClaim::Take(sqlite3* db) {
  Claimed& claimed = AllClaimed();
  const MutexLock lock(claimed.mutex);
  if (!claimed.connections.insert(db).second) {
    return Error(Status::Usage("the connection has an import scope already",
                               "end that one first: with two, the PRAGMAs of the first would be "
                               "taken for the application's own"));
  }
  return ScopeClaim(db);
}

void ScopeClaim::Release::operator()(sqlite3* db) const {
  Claimed& claimed = AllClaimed();
  const MutexLock lock(claimed.mutex);
  claimed.connections.erase(db);
}

}  // namespace sluice
