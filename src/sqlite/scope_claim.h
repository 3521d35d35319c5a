// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "sluice/status.hpp"

struct sqlite3;

namespace sluice {

// kUsage unless `db` was opened by the SQLite that this library is linked to.
//
// A process may hold several copies of SQLite (a plugin that links the system's, for example), and
// one copy reads another's structures by the wrong layout. The check rests on one fact: the first
// member of every sqlite3 object since SQLite 3.5 is a pointer to the VFS that it was opened with,
// and each copy has VFS objects of its own. So it reads that one pointer and the VFS's name, which
// is public, and asks our copy whether it knows this very VFS.
//
// Refused: a registry that sqlite3_auto_extension() fills. It costs something at each open, an
// application can reset it, and it misses connections that were opened before it was there.
//
// `db` must be an open connection of some SQLite: a closed one cannot be told.
Status CheckOpenedByOurSqlite(sqlite3* db);

// The right to the one import scope of a connection. It ends with the claim.
// Threads: any.
class ScopeClaim {
 public:
  // kUsage while another claim of the connection lives.
  static Result<ScopeClaim> Take(sqlite3* db);

 private:
  struct Release {
    void operator()(sqlite3* db) const;
  };
  explicit ScopeClaim(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, Release> db_;
};

}  // namespace sluice
