// SPDX-License-Identifier: Apache-2.0
#include "ledger/unfolded.h"

#include "ledger/rows.h"

namespace sluice {
namespace {

constexpr std::string_view kCreate =
    "CREATE TABLE IF NOT EXISTS _sluice_unfolded("
    "table_name TEXT PRIMARY KEY, unfolded_at TEXT NOT NULL) WITHOUT ROWID";
constexpr std::string_view kIsListed =
    "SELECT count(*) FROM _sluice_unfolded WHERE table_name = ?1";
constexpr std::string_view kPut =
    "INSERT OR REPLACE INTO _sluice_unfolded(table_name, unfolded_at) VALUES (?1, ?2)";
constexpr std::string_view kDelete = "DELETE FROM _sluice_unfolded WHERE table_name = ?1";

}  // namespace

Result<bool> IsUnfolded(Connection& connection, std::string_view table) {
  const Result<bool> exists = HasTable(connection, "_sluice_unfolded");
  if (!exists || !*exists) return exists;
  Result<Statement> statement = connection.Prepare(kIsListed);
  if (!statement) return Error(statement.error());
  statement->BindText(1, table);
  if (const Result<bool> row = statement->Step(); !row) return Error(row.error());
  return statement->Integer(0) > 0;
}

Status SetUnfolded(Connection& connection, std::string_view table, std::string_view now) {
  if (Status s = connection.Execute(std::string(kCreate)); !s.ok()) return s;
  Result<Statement> statement = connection.Prepare(kPut);
  if (!statement) return statement.error();
  statement->BindText(1, table);
  statement->BindText(2, now);
  return statement->Run();
}

Status ForgetUnfolded(Connection& connection, std::string_view table) {
  const Result<bool> exists = HasTable(connection, "_sluice_unfolded");
  if (!exists) return exists.error();
  if (!*exists) return {};
  Result<Statement> statement = connection.Prepare(kDelete);
  if (!statement) return statement.error();
  statement->BindText(1, table);
  return statement->Run();
}

}  // namespace sluice
