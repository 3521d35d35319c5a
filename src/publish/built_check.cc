// SPDX-License-Identifier: Apache-2.0
#include "publish/built_check.h"

#include <optional>
#include <vector>

#include "base/file.h"
#include "sqlite/connection.h"

namespace sluice {
namespace {

Status Damaged(const std::string& path, const std::string& found) {
  return Status::Corruption(
      path + ": the new database did not pass its check and is not published: " + found,
      "run again; if it happens again, check the memory and disk of this machine, or report it as "
      "a mistake in sluice");
}

// The file itself is looked at while no connection is open (I10 would not mind a stat, but so it is
// the size on disk).
Status CheckSize(Connection& connection, uint64_t file_bytes) {
  const Result<std::optional<int64_t>> pages = connection.QueryInteger("PRAGMA page_count");
  if (!pages) return pages.error();
  const Result<std::optional<int64_t>> page_bytes = connection.QueryInteger("PRAGMA page_size");
  if (!page_bytes) return page_bytes.error();
  const auto expected = static_cast<uint64_t>(pages->value_or(0) * page_bytes->value_or(0));
  if (expected == file_bytes) return {};
  return Damaged(connection.path(), "its header tells of " + std::to_string(expected) +
                                        " bytes, the file has " + std::to_string(file_bytes));
}

// One statement a table and index that walks to both of its ends.
Result<std::vector<std::string>> Probes(Connection& connection) {
  // Ordinary tables with a rowid, and all that were made by CREATE INDEX on ordinary columns:
  // others are opened by being prepared.
  Result<Statement> statement = connection.Prepare(
      "SELECT l.name, l.wr, NULL FROM pragma_table_list AS l"
      " WHERE l.schema = 'main' AND l.type IN ('table', 'shadow')"
      " AND l.name NOT IN ('sqlite_schema', 'sqlite_temp_schema')"
      " UNION ALL SELECT s.tbl_name, 1, s.name FROM sqlite_schema AS s"
      " WHERE s.type = 'index' AND s.sql IS NOT NULL AND s.sql NOT LIKE '% WHERE %'");
  if (!statement) return Error(statement.error());
  std::vector<std::string> probes;
  while (true) {
    const Result<bool> row = statement->Step();
    if (!row) return Error(row.error());
    if (!*row) return probes;
    const std::string table = QuoteName(statement->Text(0));
    if (!statement->IsNull(2)) {
      probes.push_back("SELECT 1 FROM " + table + " INDEXED BY " + QuoteName(statement->Text(2)) +
                       " LIMIT 1");
    } else if (statement->Integer(1) != 0) {
      probes.push_back("SELECT * FROM " + table + " LIMIT 1");
    } else {
      probes.push_back("SELECT * FROM " + table + " LIMIT 1");
      probes.push_back("SELECT max(_rowid_) FROM " + table);
    }
  }
}

}  // namespace

Status CheckLightly(const std::string& path) {
  const Result<FileInfo> info = Stat(path);
  if (!info) return info.error();
  Result<Connection> connection = Connection::Open(path, {.mode = OpenOptions::Mode::kReadOnly});
  if (!connection) return connection.error();

  if (Status status = CheckSize(*connection, info->size); !status.ok()) return status;
  const Result<std::vector<std::string>> probes = Probes(*connection);
  if (!probes) return Damaged(path, probes.error().message());
  for (const std::string& probe : *probes) {
    const Result<std::optional<std::string>> value = connection->QueryText(probe);
    if (!value) return Damaged(path, value.error().message());
  }
  return connection->Close();
}

Status CheckThoroughly(const std::string& path, const std::string& pragma) {
  Result<Connection> connection = Connection::Open(path, {.mode = OpenOptions::Mode::kReadOnly});
  if (!connection) return connection.error();
  const Result<std::string> found = connection->Pragma(pragma);
  if (!found) return Damaged(path, found.error().message());
  if (*found != "ok") return Damaged(path, pragma + " says: " + *found);
  return connection->Close();
}

}  // namespace sluice
