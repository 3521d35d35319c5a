// SPDX-License-Identifier: Apache-2.0
// The part of the ledger that tells of inputs that wait.
#include <string>
#include <utility>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/rows.h"

namespace sluice {
namespace {

constexpr std::string_view kCreate = R"sql(
CREATE TABLE IF NOT EXISTS _sluice_waiting(
  path TEXT PRIMARY KEY,
  awaits TEXT NOT NULL,
  since TEXT NOT NULL) WITHOUT ROWID;
)sql";
// A row that says the same already is left alone: most runs find what the one before found.
constexpr std::string_view kPut =
    "INSERT INTO _sluice_waiting(path, awaits, since) VALUES (?1, ?2, ?3)"
    " ON CONFLICT(path) DO UPDATE SET awaits = excluded.awaits WHERE awaits <> excluded.awaits";
constexpr std::string_view kDelete = "DELETE FROM _sluice_waiting WHERE path = ?1";
constexpr std::string_view kAll = "SELECT path, awaits, since FROM _sluice_waiting ORDER BY path";

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
  const Result<bool> exists = HasTable(*connection_, "_sluice_waiting");
  if (!exists) return exists.error();
  if (!*exists) return {};
  Result<Statement> statement = connection_->Prepare(kDelete);
  if (!statement) return statement.error();
  statement->BindText(1, path);
  return statement->Run();
}

Result<std::vector<WaitingRow>> Ledger::Waiting() {
  const Result<bool> exists = HasTable(*connection_, "_sluice_waiting");
  if (!exists) return Error(exists.error());
  if (!*exists) return std::vector<WaitingRow>();
  Result<Statement> statement = connection_->Prepare(kAll);
  if (!statement) return Error(statement.error());
  return ReadAll<WaitingRow>(*statement, [](const Statement& row) {
    return WaitingRow{.path = std::string(row.Text(0)),
                      .awaits = std::string(row.Text(1)),
                      .since = std::string(row.Text(2))};
  });
}

}  // namespace sluice
