// SPDX-License-Identifier: Apache-2.0
#include "sqlite/savepoint.h"

#include <utility>

namespace sluice {

Result<Savepoint> Savepoint::Prepare(Connection& connection, const std::string& name) {
  Savepoint savepoint;
  const std::string quoted = QuoteName(name);
  const std::pair<Statement*, std::string> statements[] = {
      {&savepoint.set_, "SAVEPOINT " + quoted},
      {&savepoint.release_, "RELEASE " + quoted},
      {&savepoint.roll_back_, "ROLLBACK TO " + quoted}};
  for (const auto& [statement, sql] : statements) {
    Result<Statement> prepared = connection.Prepare(sql);
    if (!prepared) return Error(prepared.error());
    *statement = std::move(*prepared);
  }
  return savepoint;
}

// ROLLBACK TO alone would leave the savepoint set.
Status Savepoint::Undo() {
  if (Status s = roll_back_.Run(); !s.ok()) return s;
  return release_.Run();
}

}  // namespace sluice
