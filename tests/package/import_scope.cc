// SPDX-License-Identifier: Apache-2.0
// An application loads much through a connection of its own, which is then as it was before.
#include "sluice/import_scope.hpp"

#include <cstdio>
#include <string>

#include <sqlite3.h>

namespace {

bool Run(sqlite3* db, const char* sql) {
  const bool ok = sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  if (!ok) std::printf("%s: %s\n", sql, sqlite3_errmsg(db));
  return ok;
}

bool Load(sqlite3* db) {
  auto scope = sluice::ImportScope::Begin(db, {.cache_bytes = 64 << 20});
  if (!scope) return false;
  for (int i = 0; i < 10; ++i) {
    if (!Run(db,
             "BEGIN IMMEDIATE; INSERT INTO t SELECT randomblob(1000) FROM "
             "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) "
             "SELECT i FROM n); COMMIT")) {
      return false;
    }
    if (!scope->AfterCommit().ok()) return false;
  }
  const auto report = scope->End();
  if (!report) {
    std::printf("%s\n", report.error().message().c_str());
    return false;
  }
  std::printf("the WAL has %llu bytes\n", static_cast<unsigned long long>(report->wal_bytes));
  return report->wal_bytes < 4096;
}

}  // namespace

int main() {
  sqlite3* db = nullptr;
  const bool loaded = sqlite3_open("app.db", &db) == SQLITE_OK &&
                      Run(db, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)") && Load(db);
  sqlite3_close(db);
  return loaded ? 0 : 1;
}
