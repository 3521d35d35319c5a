// SPDX-License-Identifier: Apache-2.0
// A plugin brings the system's SQLite into the process: its connections are refused, not used.
#include <cstdio>

#include <dlfcn.h>
#include <sqlite3.h>

#include "sluice/import_scope.hpp"

int main() {
  void* const library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("skipped: no libsqlite3.so.0 here\n");
    return 0;
  }
  const auto open = reinterpret_cast<decltype(&sqlite3_open)>(dlsym(library, "sqlite3_open"));
  if (open == &sqlite3_open) {
    std::printf("skipped: sluice was built on the system's SQLite\n");
    return 0;
  }
  sqlite3* db = nullptr;
  if (open("plugin.db", &db) != SQLITE_OK) return 1;
  const auto scope = sluice::ImportScope::Begin(db, {});
  if (scope) return 1;
  std::printf("%s\n%s\n", scope.error().message().c_str(), scope.error().remedy().c_str());
  return scope.error().code() == sluice::StatusCode::kUsage ? 0 : 1;
}
