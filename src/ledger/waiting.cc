// SPDX-License-Identifier: Apache-2.0
// The part of the ledger that tells of inputs that wait.
#include <string>
#include <utility>
#include <vector>

#include "ledger/ledger.h"

namespace sluice {
namespace {

constexpr std::string_view kCreate = R"sql(
CREATE TABLE IF NOT EXISTS _sluice_waiting(
  path TEXT PRIMARY KEY,
  awaits TEXT NOT NULL,
  since TEXT NOT NULL) WITHOUT ROWID;
)sql";
constexpr std::string_view kExists =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_sluice_waiting'";
// A row that says the same already is left alone: most runs find what the one before found.
constexpr std::string_view kPut =
    "INSERT INTO _sluice_waiting(path, awaits, since) VALUES (?1, ?2, ?3)"
    " ON CONFLICT(path) DO UPDATE SET awaits = excluded.awaits WHERE awaits <> excluded.awaits";
constexpr std::string_view kDelete = "DELETE FROM _sluice_waiting WHERE path = ?1";
constexpr std::string_view kAll = "SELECT path, awaits, since FROM _sluice_waiting ORDER BY path";

Result<bool> WaitingExist(Connection& connection) {
  const Result<std::optional<int64_t>> tables = connection.QueryInteger(kExists);
  if (!tables) return Error(tables.error());
  return tables->value_or(0) > 0;
}

}  // namespace

Status Ledger::PutWaiting(const WaitingRow& waiting) {
  if (Status s = connection_->Execute(kCreate); !s.ok()) return s;
  Result<Statement> statement = connection_->Prepare(kPut);
  if (!statement) return statement.error();
  statement->BindText(1, waiting.path);
  statement->BindText(2, waiting.awaits);
  statement->BindText(3, waiting.since);
  return statement->Run();
}

Status Ledger::DeleteWaiting(std::string_view path) {
  const Result<bool> exists = WaitingExist(*connection_);
  if (!exists) return exists.error();
  if (!*exists) return {};
  Result<Statement> statement = connection_->Prepare(kDelete);
  if (!statement) return statement.error();
  statement->BindText(1, path);
  return statement->Run();
}

Result<std::vector<WaitingRow>> Ledger::Waiting() {
  std::vector<WaitingRow> rows;
  const Result<bool> exists = WaitingExist(*connection_);
  if (!exists) return Error(exists.error());
  if (!*exists) return rows;
  Result<Statement> statement = connection_->Prepare(kAll);
  if (!statement) return Error(statement.error());
  for (;;) {
    const Result<bool> row = statement->Step();
    if (!row) return Error(row.error());
    if (!*row) return rows;
    rows.push_back({.path = std::string(statement->Text(0)),
                    .awaits = std::string(statement->Text(1)),
                    .since = std::string(statement->Text(2))});
  }
}

}  // namespace sluice
