// SPDX-License-Identifier: Apache-2.0
#include "sqlite/conflict_counter.h"

#include <sqlite3.h>

namespace sluice {

Result<ConflictCounter> ConflictCounter::Register(Connection& connection, const std::string& name) {
  auto count = std::make_unique<uint64_t>(0);
  const auto note = [](sqlite3_context* context, int, sqlite3_value**) {
    ++*static_cast<uint64_t*>(sqlite3_user_data(context));
    sqlite3_result_int(context, 1);
  };
  // Not SQLITE_DETERMINISTIC: such a function without arguments is called once a statement.
  const int code = sqlite3_create_function_v2(connection.handle(), name.c_str(), 0,
                                              SQLITE_UTF8 | SQLITE_DIRECTONLY, count.get(), note,
                                              nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Error(SqliteError(connection.handle(), code, "register " + name));
  return ConflictCounter(std::move(count));
}

}  // namespace sluice
