// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// For the ledger's own files: some of its tables are made when they are first needed.
inline Result<bool> HasTable(Connection& connection, std::string_view name) {
  Result<Statement> query =
      connection.Prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1");
  if (!query) return Error(query.error());
  query->BindText(1, name);
  return query->Step();
}

// Steps through all rows.
template <typename Visit>
Status ForEachRow(Statement& statement, Visit visit) {
  while (true) {
    const Result<bool> more = statement.Step();
    if (!more) return more.error();
    if (!*more) return {};
    if (Status s = visit(statement); !s.ok()) return s;
  }
}

// All rows, each turned into a value by `read`.
template <typename Row>
Result<std::vector<Row>> ReadAll(Statement& statement, Row (*read)(const Statement&)) {
  std::vector<Row> rows;
  const Status status = ForEachRow(statement, [&](const Statement& row) {
    rows.push_back(read(row));
    return Status();
  });
  if (!status.ok()) return Error(status);
  return rows;
}

}  // namespace sluice
